//! Placeholders become originals again, as far as the vault has them.

use crate::forms::{Form, Forms};
use crate::vault::{Vault, VaultError};

/// Puts originals back.
pub(crate) struct Restorer {
    vault: Vault,
    forms: Forms,
    /// Placeholders found that the vault does not have.
    pub(crate) unknown: u64,
    /// Placeholders replaced.
    pub(crate) restored: u64,
}

impl Restorer {
    /// # Errors
    /// A vault that is there and cannot be read.
    pub(crate) fn new(mut vault: Vault) -> Result<Self, cli::Error> {
        vault.refresh()?;
        Ok(Self { vault, forms: Forms::new(None)?, unknown: 0, restored: 0 })
    }

    /// The text with originals; none where nothing is to be changed.
    ///
    /// # Errors
    /// A vault that cannot be read.
    pub(crate) fn restore(&mut self, text: &str) -> Result<Option<String>, VaultError> {
        let mut out = String::new();
        let mut at = 0;
        for form in self.forms.find(text) {
            let Some(original) = self.original(text, &form)? else { continue };
            out.push_str(&text[at..form.range.start]);
            out.push_str(&original);
            out.push_str(&form.ending);
            at = form.range.end;
            self.restored += 1;
        }
        if at == 0 {
            return Ok(None);
        }
        out.push_str(&text[at..]);
        Ok(Some(out))
    }

    fn original(&mut self, text: &str, form: &Form) -> Result<Option<String>, VaultError> {
        if self.vault.get(&form.name).is_none() {
            self.vault.refresh()?;
        }
        let original = self.vault.get(&form.name).map(str::to_owned);
        if original.is_none() {
            // A word with a number is no placeholder; one in its very form is.
            let written = &text.as_bytes()[form.range.clone()];
            self.unknown += u64::from(pii::placeholder_at(written) == Some(written.len()));
        }
        Ok(original)
    }

    /// Whether the vault's file was ever there.
    pub(crate) fn has_vault(&self) -> bool {
        self.vault.is_there()
    }
}
