use std::fmt::Display;
use std::path::Path;
use std::process::{Command, Stdio};

use cli::Error;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

/// Bytes of the shortest key: less can be guessed.
const SHORTEST: usize = 16;

/// A key for pseudonyms.
#[derive(Clone)]
pub(crate) struct Key(Zeroizing<Vec<u8>>);

impl Key {
    /// The key in a file, without the line end after it.
    ///
    /// # Errors
    /// A file that cannot be read, or is too short.
    pub(crate) fn read(path: &Path) -> Result<Self, Error> {
        Self::checked(secret(path)?, &path.display())
    }

    /// The key that a command prints.
    ///
    /// # Errors
    /// A command that fails, or prints too little.
    pub(crate) fn printed(command: &str) -> Result<Self, Error> {
        Self::checked(printed(command)?, &"the command for the key")
    }

    fn checked(bytes: Zeroizing<Vec<u8>>, from: &dyn Display) -> Result<Self, Error> {
        if bytes.len() < SHORTEST {
            return Err(Error::setup(format!(
                "{from}: the key has {} bytes, {SHORTEST} are the least",
                bytes.len()
            ))
            .hint("head -c 32 /dev/urandom | base64 > FILE makes a good one"));
        }
        Ok(Self(bytes))
    }

    /// A key that nobody has, for this run.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub(crate) fn random() -> Result<Self, Error> {
        let mut bytes = Zeroizing::new(vec![0; 32]);
        getrandom::fill(&mut bytes).map_err(|e| Error::setup(format!("no randomness: {e}")))?;
        Ok(Self(bytes))
    }

    /// HMAC-SHA-256 of a kind and a text.
    pub(crate) fn hash(&self, kind: &str, text: &str) -> [u8; 32] {
        #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("any length");
        mac.update(kind.as_bytes());
        mac.update(&[0]);
        mac.update(text.as_bytes());
        mac.finalize().into_bytes().into()
    }
}

/// What a file of a secret holds, without the line end.
///
/// # Errors
/// A file that cannot be read.
pub(crate) fn secret(path: &Path) -> Result<Zeroizing<Vec<u8>>, Error> {
    let bytes = std::fs::read(path)
        .map(Zeroizing::new)
        .map_err(|e| Error::setup(format!("{}: {e}", path.display())))?;
    Ok(without_line_end(bytes))
}

/// What a command of the user's prints, such as one that asks an agent or a key ring, without the
/// line end.
///
/// # Errors
/// A command that cannot be run, or fails.
pub(crate) fn printed(command: &str) -> Result<Zeroizing<Vec<u8>>, Error> {
    let failed = |why: &dyn Display| Error::setup(format!("the command for the key: {why}"));
    let output = Command::new("sh")
        .arg("-c")
        .arg(command)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|e| failed(&e))?;
    let printed = Zeroizing::new(output.stdout);
    if !output.status.success() {
        return Err(failed(&output.status));
    }
    Ok(without_line_end(printed))
}

fn without_line_end(mut bytes: Zeroizing<Vec<u8>>) -> Zeroizing<Vec<u8>> {
    while bytes.last().is_some_and(|b| matches!(b, b'\n' | b'\r')) {
        bytes.pop();
    }
    bytes
}

/// The first bytes in small hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let pairs =
        bytes.iter().flat_map(|b| [DIGITS[usize::from(b >> 4)], DIGITS[usize::from(b & 15)]]);
    pairs.map(char::from).collect()
}
