use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use argon2::Argon2;
use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

/// The first bytes of the file: its kind and version.
const MAGIC: &[u8; 18] = b"headwater-vault 1\n";
const SALT: usize = 16;
const HEADER: usize = MAGIC.len() + SALT;
const NONCE: usize = 24;
const TAG: usize = 16;

/// Bytes of the longest frame that is believed: a length beyond it is damage.
const LONGEST: usize = 1 << 30;

/// What was replaced, by placeholder, in an encrypted file that only grows.
///
/// The file is a header (a line of text and a salt) and frames, each of four bytes of length in
/// little-endian order, a nonce of 24 bytes, and XChaCha20-Poly1305 of a JSON array: placeholder
/// and original. The key is Argon2id (19 MiB, two passes) of the user's text and the salt. Header and
/// place of a frame are authenticated with it, so frames cannot be changed, exchanged or left out
/// but at the end. The first frame is empty and tells a wrong key. One process writes, under a lock;
/// others read what is there, again and again. All of it is held in memory.
pub struct Vault {
    path: PathBuf,
    cipher: Option<(XChaCha20Poly1305, [u8; HEADER])>,
    secret: Zeroizing<Vec<u8>>,
    /// The open file; for a reader none before somebody has written it.
    file: Option<File>,
    /// Where the next frame begins, and how many there were.
    offset: u64,
    frames: u64,
    originals: HashMap<String, String>,
}

/// Why a vault cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// Reading or writing.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: String,
        /// What happened.
        source: io::Error,
    },
    /// The first frame does not open.
    #[error("{0}: the key is not this vault's")]
    Key(String),
    /// A later one does not.
    #[error("{0}: the vault is damaged after {1} entries")]
    Damaged(String, u64),
    /// It is no vault.
    #[error("{0}: not a vault")]
    Foreign(String),
    /// Another process writes it.
    #[error("{0}: another redact is writing this vault")]
    Busy(String),
    /// The system has no randomness.
    #[error("no randomness: {0}")]
    Randomness(getrandom::Error),
}

impl Vault {
    /// Opens it to write, or makes it; nobody else may write it until this is dropped.
    ///
    /// # Errors
    /// [`VaultError`].
    pub fn write(path: &Path, secret: Zeroizing<Vec<u8>>) -> Result<Self, VaultError> {
        let mut vault = Self::read(path, secret);
        let io = |source| VaultError::Io { path: path.display().to_string(), source };
        let file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path);
        let file = file.map_err(io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => {
                return Err(VaultError::Busy(path.display().to_string()));
            }
            Err(std::fs::TryLockError::Error(e)) => return Err(io(e)),
        }
        let length = file.metadata().map_err(io)?.len();
        vault.file = Some(file);
        vault.refresh()?;
        vault.cut_torn_end(length)?;
        if vault.cipher.is_none() {
            // Not even its first line was whole.
            vault.begin()?;
        }
        if vault.frames == 0 {
            vault.append(b"")?;
        }
        Ok(vault)
    }

    /// Opens it to read; it may not be there yet.
    pub fn read(path: &Path, secret: Zeroizing<Vec<u8>>) -> Self {
        let originals = HashMap::new();
        let path = path.to_owned();
        Self { path, cipher: None, secret, file: None, offset: 0, frames: 0, originals }
    }

    fn io(&self, source: io::Error) -> VaultError {
        VaultError::Io { path: self.path.display().to_string(), source }
    }

    fn begin(&mut self) -> Result<(), VaultError> {
        let mut header = [0; HEADER];
        header[..MAGIC.len()].copy_from_slice(MAGIC);
        getrandom::fill(&mut header[MAGIC.len()..]).map_err(VaultError::Randomness)?;
        self.unlock(header)?;
        self.write_all(&header)?;
        self.offset = HEADER as u64;
        Ok(())
    }

    fn unlock(&mut self, header: [u8; HEADER]) -> Result<(), VaultError> {
        let mut key = Zeroizing::new([0; 32]);
        let derived =
            Argon2::default().hash_password_into(&self.secret, &header[MAGIC.len()..], &mut *key);
        derived.map_err(|_| VaultError::Key(self.path.display().to_string()))?;
        self.cipher = Some((XChaCha20Poly1305::new((&*key).into()), header));
        Ok(())
    }

    /// A run that was killed may have left half a frame.
    fn cut_torn_end(&mut self, length: u64) -> Result<(), VaultError> {
        if self.offset < length {
            log::warn!("{}: an unfinished entry at its end is cut off", self.path.display());
            let cut = self.file.as_ref().map_or(Ok(()), |file| file.set_len(self.offset));
            cut.map_err(|e| self.io(e))?;
        }
        Ok(())
    }

    fn write_all(&mut self, bytes: &[u8]) -> Result<(), VaultError> {
        let written = self.file.as_mut().map_or(Ok(()), |file| file.write_all(bytes));
        written.map_err(|e| self.io(e))
    }

    fn append(&mut self, plain: &[u8]) -> Result<(), VaultError> {
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(VaultError::Randomness)?;
        let damaged = || VaultError::Damaged(self.path.display().to_string(), self.frames);
        let (cipher, header) = self.cipher.as_ref().ok_or_else(damaged)?;
        let place = place(header, self.frames);
        let payload = Payload { msg: plain, aad: &place };
        let sealed = cipher.encrypt(XNonce::from_slice(&nonce), payload).map_err(|_| damaged())?;
        let length = u32::try_from(NONCE + sealed.len()).map_err(|_| damaged())?;
        // One write, so that a reader never sees the parts of it apart.
        let frame = [&length.to_le_bytes()[..], &nonce, &sealed].concat();
        self.write_all(&frame)?;
        self.offset += frame.len() as u64;
        self.frames += 1;
        Ok(())
    }

    /// Keeps an original under its placeholder; what is there already is not written again.
    ///
    /// # Errors
    /// Those of writing.
    pub fn put(&mut self, placeholder: &str, original: &str) -> Result<(), VaultError> {
        if self.originals.get(placeholder).is_some_and(|old| old == original) {
            return Ok(());
        }
        let plain = Zeroizing::new(serde_json::json!([placeholder, original]).to_string());
        self.append(plain.as_bytes())?;
        self.originals.insert(placeholder.to_owned(), original.to_owned());
        Ok(())
    }

    /// The original of a placeholder.
    pub fn get(&self, placeholder: &str) -> Option<&str> {
        self.originals.get(placeholder).map(String::as_str)
    }

    /// Every placeholder with its original.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &str)> {
        self.originals
            .iter()
            .map(|(placeholder, original)| (placeholder.as_str(), original.as_str()))
    }

    /// Whether the file was there at the last look.
    pub fn is_there(&self) -> bool {
        self.file.is_some()
    }

    /// Reads what was added since the last look.
    ///
    /// # Errors
    /// [`VaultError`].
    pub fn refresh(&mut self) -> Result<(), VaultError> {
        if self.file.is_none() {
            match File::open(&self.path) {
                Ok(file) => self.file = Some(file),
                Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
                Err(e) => return Err(self.io(e)),
            }
        }
        let Some(file) = self.file.as_mut() else { return Ok(()) };
        let mut bytes = Vec::new();
        let read =
            file.seek(SeekFrom::Start(self.offset)).and_then(|_| file.read_to_end(&mut bytes));
        read.map_err(|e| self.io(e))?;
        let mut rest = &bytes[..];
        if self.cipher.is_none() {
            let Some((header, after)) = rest.split_first_chunk::<HEADER>() else {
                let begun =
                    rest.len() < MAGIC.len() && MAGIC.starts_with(rest) || rest.starts_with(MAGIC);
                return if begun {
                    Ok(())
                } else {
                    Err(VaultError::Foreign(self.path.display().to_string()))
                };
            };
            if !header.starts_with(MAGIC) {
                return Err(VaultError::Foreign(self.path.display().to_string()));
            }
            self.unlock(*header)?;
            self.offset = HEADER as u64;
            rest = after;
        }
        while let Some(length) = self.frame(rest)? {
            self.offset += length as u64;
            self.frames += 1;
            rest = &rest[length..];
        }
        Ok(())
    }

    /// Takes the frame at the start of `bytes`: its length, or nothing while it is not complete.
    fn frame(&mut self, bytes: &[u8]) -> Result<Option<usize>, VaultError> {
        let damaged = || VaultError::Damaged(self.path.display().to_string(), self.frames);
        let Some((length, rest)) = bytes.split_first_chunk::<4>() else { return Ok(None) };
        let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
        if !(NONCE + TAG..=LONGEST).contains(&length) {
            return Err(damaged());
        }
        let Some(frame) = rest.get(..length) else { return Ok(None) };
        let (nonce, sealed) = frame.split_at(NONCE);
        let (cipher, header) = self.cipher.as_ref().ok_or_else(damaged)?;
        let payload = Payload { msg: sealed, aad: &place(header, self.frames) };
        let Ok(plain) = cipher.decrypt(XNonce::from_slice(nonce), payload).map(Zeroizing::new)
        else {
            return Err(match self.frames {
                0 => VaultError::Key(self.path.display().to_string()),
                _ => damaged(),
            });
        };
        if !plain.is_empty() {
            let entry: (String, String) = serde_json::from_slice(&plain).map_err(|_| damaged())?;
            self.originals.insert(entry.0, entry.1);
        }
        Ok(Some(4 + length))
    }

    /// Waits until the disk has all of it.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn sync(&mut self) -> Result<(), VaultError> {
        self.file.as_ref().map_or(Ok(()), File::sync_data).map_err(|e| self.io(e))
    }
}

/// What is authenticated with a frame: the file it is in, and its place there.
fn place(header: &[u8; HEADER], number: u64) -> Vec<u8> {
    [&header[..], &number.to_le_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(text.as_bytes().to_vec())
    }

    #[test]
    fn a_reader_sees_what_is_added_while_it_reads() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("vault");
        let mut reader = Vault::read(&path, secret("k"));
        reader.refresh().expect("nothing is there yet");
        assert!(!reader.is_there());
        let mut writer = Vault::write(&path, secret("k")).expect("a new vault");
        writer.put("<PERSON_1>", "Anna").expect("written");
        reader.refresh().expect("read");
        assert_eq!(reader.get("<PERSON_1>"), Some("Anna"));
        writer.put("<PERSON_2>", "Bob").expect("written");
        assert_eq!(reader.get("<PERSON_2>"), None);
        reader.refresh().expect("read");
        assert_eq!(reader.get("<PERSON_2>"), Some("Bob"));
        assert!(matches!(Vault::write(&path, secret("k")), Err(VaultError::Busy(_))));
        drop(writer);
        assert_eq!(Vault::write(&path, secret("k")).expect("free").entries().count(), 2);
        assert!(matches!(Vault::write(&path, secret("x")), Err(VaultError::Key(_))));
        let bytes = std::fs::read(&path).expect("the file");
        assert!(
            !bytes.windows(4).any(|w| w == b"Anna") && !bytes.windows(6).any(|w| w == b"PERSON")
        );
    }

    #[test]
    fn damage_is_noticed_and_a_torn_end_is_cut() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("vault");
        let mut writer = Vault::write(&path, secret("k")).expect("a new vault");
        writer.put("<PERSON_1>", "Anna").expect("written");
        writer.put("<PERSON_2>", "Bob").expect("written");
        drop(writer);
        let whole = std::fs::read(&path).expect("the file");
        std::fs::write(&path, &whole[..whole.len() - 3]).expect("cut");
        let torn = Vault::write(&path, secret("k")).expect("the rest is whole");
        assert_eq!((torn.get("<PERSON_1>"), torn.get("<PERSON_2>")), (Some("Anna"), None));
        drop(torn);
        for at in (HEADER..whole.len()).step_by(7) {
            let mut bad = whole.clone();
            bad[at] ^= 1;
            std::fs::write(&path, &bad).expect("damaged");
            let mut reader = Vault::read(&path, secret("k"));
            let read = reader.refresh();
            assert!(read.is_err() || reader.get("<PERSON_2>").is_none(), "{at}");
            assert!(reader.get("<PERSON_1>").is_none_or(|text| text == "Anna"));
        }
        std::fs::write(&path, "something else entirely, long enough for a header")
            .expect("written");
        let foreign = Vault::write(&path, secret("k"));
        assert!(matches!(foreign, Err(VaultError::Foreign(_))));
    }
}
