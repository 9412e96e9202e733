//! A key that is never shown.

use std::fmt;

use zeroize::Zeroizing;

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
        text.replace(self.expose(), "[key]")
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret([redacted])")
    }
}
