//! Markers that the author of a text cannot know, and that are the same whenever the same is
//! asked: so the same request has the same bytes in a later run, and a provider can see that it
//! has answered it before.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

/// File of the secret, in the folder of ledgers.
const FILE: &str = "fence.key";

/// Makes markers from a secret of this user.
#[derive(Clone)]
pub struct Fence([u8; 32]);

impl Fence {
    /// With a given secret.
    #[must_use]
    pub fn of(secret: [u8; 32]) -> Self {
        Self(secret)
    }

    /// With the secret in `folder`, which is made at first.
    ///
    /// # Errors
    /// The file cannot be made or read, or is no such secret.
    pub fn open(folder: &Path) -> io::Result<Self> {
        let path = folder.join(FILE);
        if !path.exists() {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
            // Private by itself, and whole before it has its name: of several processes that
            // start at once one is first, and the others read what it wrote.
            let mut file = tempfile::NamedTempFile::new_in(folder)?;
            file.write_all(&Self::secret()?)?;
            file.as_file().sync_all()?;
            match file.persist_noclobber(&path) {
                Err(e) if e.error.kind() != io::ErrorKind::AlreadyExists => return Err(e.error),
                _ => {}
            }
        }
        let secret = fs::read(&path)?;
        let wrong = || io::Error::other(format!("{} is damaged", path.display()));
        secret.try_into().map(Self).map_err(|_| wrong())
    }

    /// With a secret of this run only.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub fn for_this_run() -> io::Result<Self> {
        Self::secret().map(Self)
    }

    fn secret() -> io::Result<[u8; 32]> {
        let mut secret = [0; 32];
        getrandom::fill(&mut secret).map_err(io::Error::other)?;
        Ok(secret)
    }

    /// The marker for these texts, 32 hexadecimal digits.
    pub fn marker<'t>(&self, texts: impl Iterator<Item = &'t str>) -> String {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        for text in texts {
            hasher.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
        }
        hasher.finalize().to_hex()[..32].to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_is_made_once_and_kept_private() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().join("state");
        let markers: Vec<String> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| Fence::open(&at).unwrap().marker(["x"].into_iter())))
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(markers.iter().all(|marker| *marker == markers[0]));
        let mode = fs::metadata(at.join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0);
        fs::write(at.join(FILE), "short").unwrap();
        assert!(Fence::open(&at).is_err());
    }
}
