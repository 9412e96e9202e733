//! A key that is never shown.

use std::fmt;

use zeroize::Zeroizing;

/// Bytes from which on a key is searched for inside of words too: no provider gives out shorter
/// ones, people do.
const SEARCHED: usize = 12;

/// An API key. Not printed by `Debug`, not cloned into messages, wiped from memory on drop.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

/// Why a text cannot be a key. Says nothing of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key is empty or has characters other than visible ASCII")]
pub struct BadSecret;

impl Secret {
    /// Takes a key; white space around it (the line end of a file) is not part of it.
    ///
    /// # Errors
    /// [`BadSecret`] when it could not stand in an HTTP header.
    pub fn new(text: String) -> Result<Self, BadSecret> {
        let text = Zeroizing::new(text);
        let key = text.trim();
        if key.is_empty() || !key.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(BadSecret);
        }
        Ok(Self(Zeroizing::new(key.to_owned())))
    }

    /// The key itself, for the one header that carries it.
    pub(super) fn expose(&self) -> &str {
        &self.0
    }

    /// The text without the key, should a server have echoed it.
    pub(super) fn redact(&self, text: &str) -> String {
        let key = self.expose();
        if key.len() >= SEARCHED {
            return text.replace(key, "[key]");
        }
        // A short one may be part of any word; by itself it is still not shown.
        let is_part = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
        let (mut out, mut at) = (String::with_capacity(text.len()), 0);
        for (start, _) in text.match_indices(key) {
            let end = start + key.len();
            let word = text[..start].ends_with(is_part) || text[end..].starts_with(is_part);
            if !word && start >= at {
                out.push_str(&text[at..start]);
                out.push_str("[key]");
                at = end;
            }
        }
        out.push_str(&text[at..]);
        out
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_key_leaves_words_alone() {
        let short = Secret::new("gpt".into()).unwrap();
        assert_eq!(
            short.redact("gpt-4o: bad key gpt, \"gpt\""),
            "gpt-4o: bad key [key], \"[key]\""
        );
        let long = Secret::new("sk-0123456789".into()).unwrap();
        assert_eq!(long.redact("asksk-0123456789x"), "ask[key]x");
    }
}
