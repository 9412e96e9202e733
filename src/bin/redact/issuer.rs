//! Which placeholder stands for which original.

use std::collections::HashMap;

use crate::fake::fake;
use crate::key::{Key, hex};
use crate::style::{Style, masked};
use crate::vault::{Vault, VaultError};

/// Hexadecimal digits of a keyed placeholder, in bytes: 64 bits, so that among a million texts two
/// share one with a chance of one in thirty million.
const KEYED: usize = 8;

/// Bytes of a hash in the style `hash`.
const HASHED: usize = 16;

/// Gives out placeholders, the same for the same original.
pub(crate) struct Issuer {
    style: Style,
    /// Given by the user: placeholders are made from it instead of numbers.
    key: Option<Key>,
    /// For fakes.
    run: Key,
    /// To remember originals without keeping them: of this run alone.
    seal: [u8; 32],
    /// The last number by kind.
    last: HashMap<String, u64>,
    recent: HashMap<[u8; 16], u64>,
    older: HashMap<[u8; 16], u64>,
    remember: usize,
    vault: Option<Vault>,
}

impl Issuer {
    pub(crate) fn new(
        style: Style,
        key: Option<Key>,
        run: Key,
        remember: usize,
        vault: Option<Vault>,
    ) -> Self {
        let (last, recent, older) = (HashMap::new(), HashMap::new(), HashMap::new());
        let seal = run.hash("", "remembered");
        let mut issuer = Self { style, key, run, seal, last, recent, older, remember, vault: None };
        for (placeholder, original) in vault.iter().flat_map(Vault::entries) {
            // What was a stranger's placeholder is not given out either.
            issuer.avoid(original);
            if let Some((kind, number)) = parts(placeholder) {
                issuer.burn(kind, number);
                let seen = issuer.fingerprint(kind, original);
                issuer.note(seen, number);
            }
        }
        issuer.vault = vault;
        issuer
    }

    /// Whether this placeholder was given out.
    pub(crate) fn knows(&self, placeholder: &str) -> bool {
        self.vault.as_ref().is_some_and(|vault| vault.get(placeholder).is_some())
    }

    /// Sees to it that a placeholder that a text has already is not given out for another original.
    pub(crate) fn avoid(&mut self, placeholder: &str) {
        if let Some((kind, number)) = parts(placeholder) {
            self.burn(kind, number);
        }
    }

    /// What stands for an original. With a vault, it is in there when this returns.
    ///
    /// # Errors
    /// When the vault cannot be written.
    pub(crate) fn replacement(&mut self, kind: &str, original: &str) -> Result<String, VaultError> {
        let run = |issuer: &Self| issuer.key.as_ref().unwrap_or(&issuer.run).hash(kind, original);
        Ok(match self.style {
            Style::Remove => String::new(),
            Style::Mask => masked(original),
            Style::Fake => fake(kind, original, &run(self)),
            Style::Hash => format!("<{}#{}>", kind.to_uppercase(), hex(&run(self)[..HASHED])),
            Style::Placeholder => return self.placeholder(kind, original),
        })
    }

    fn placeholder(&mut self, kind: &str, original: &str) -> Result<String, VaultError> {
        let name = kind.to_uppercase();
        let placeholder = match &self.key {
            Some(key) => format!("<{name}_{}>", hex(&key.hash(kind, original)[..KEYED])),
            None => format!("<{name}_{}>", self.number(&name, original)),
        };
        if let Some(vault) = &mut self.vault {
            vault.put(&placeholder, original)?;
        }
        Ok(placeholder)
    }

    fn number(&mut self, name: &str, original: &str) -> u64 {
        let seen = self.fingerprint(name, original);
        if let Some(number) = self.recent.get(&seen) {
            return *number;
        }
        let number = match self.older.get(&seen) {
            Some(number) => *number,
            None => {
                let last = self.last.entry(name.to_owned()).or_default();
                *last += 1;
                *last
            }
        };
        self.note(seen, number);
        number
    }

    /// Two generations: when the newer one is full, the older one is forgotten.
    fn note(&mut self, seen: [u8; 16], number: u64) {
        if self.recent.len() >= self.remember.div_ceil(2).max(1) {
            self.older = std::mem::take(&mut self.recent);
        }
        self.recent.insert(seen, number);
    }

    fn burn(&mut self, kind: &str, number: u64) {
        // A number near the end of all numbers would leave none.
        if number < u64::MAX / 2 {
            let last = self.last.entry(kind.to_owned()).or_default();
            *last = (*last).max(number);
        }
    }

    fn fingerprint(&self, name: &str, original: &str) -> [u8; 16] {
        let mut hasher = blake3::Hasher::new_keyed(&self.seal);
        hasher.update(name.as_bytes()).update(&[0]).update(original.as_bytes());
        let mut seen = [0; 16];
        seen.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        seen
    }

    /// Sees the vault safely to the disk.
    ///
    /// # Errors
    /// Those of writing.
    pub(crate) fn close(&mut self) -> Result<(), VaultError> {
        self.vault.as_mut().map_or(Ok(()), Vault::sync)
    }
}

/// Kind, in capitals, and number of `<KIND_n>`.
fn parts(placeholder: &str) -> Option<(&str, u64)> {
    let inside = placeholder.strip_prefix('<')?.strip_suffix('>')?;
    let (kind, number) = inside.rsplit_once('_')?;
    Some((kind, number.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issuer(remember: usize) -> Issuer {
        let run = Key::random().expect("randomness");
        Issuer::new(Style::Placeholder, None, run, remember, None)
    }

    #[test]
    fn one_original_has_one_number() {
        let mut issuer = issuer(100);
        let mut ask = |kind: &str, text: &str| issuer.replacement(kind, text).expect("no vault");
        assert_eq!(ask("person", "Anna"), "<PERSON_1>");
        assert_eq!(ask("person", "Bob"), "<PERSON_2>");
        assert_eq!(ask("person", "Anna"), "<PERSON_1>");
        assert_eq!(ask("national_id", "Anna"), "<NATIONAL_ID_1>");
    }

    #[test]
    fn a_number_seen_elsewhere_is_not_given_out() {
        let mut issuer = issuer(100);
        issuer.avoid("<PERSON_7>");
        assert_eq!(issuer.replacement("person", "Anna").expect("no vault"), "<PERSON_8>");
    }

    #[test]
    fn what_is_forgotten_gets_a_new_number_never_one_of_another() {
        let mut issuer = issuer(10);
        let mut seen = std::collections::HashSet::new();
        for n in 0..1000 {
            assert!(seen.insert(issuer.replacement("email", &n.to_string()).expect("no vault")));
        }
        assert!(issuer.recent.len() + issuer.older.len() <= 10);
        assert_eq!(issuer.replacement("email", "999").expect("no vault"), "<EMAIL_1000>");
        assert_eq!(issuer.replacement("email", "0").expect("no vault"), "<EMAIL_1001>");
    }
}
