use std::fmt;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::ServeError;

/// A key that clients send as `Authorization: Bearer KEY`. Only its SHA-256 is kept.
#[derive(Clone)]
pub struct ApiKey {
    digest: [u8; 32],
}

impl ApiKey {
    /// # Errors
    /// [`ServeError::BadKey`] for one that is empty, longer than 512 characters or not visible
    /// ASCII (RFC 9110 §5.5 leaves nothing else that travels safely in a header).
    pub fn new(key: &str) -> Result<Self, ServeError> {
        let sendable = key.bytes().all(|b| b.is_ascii_graphic());
        if key.is_empty() || key.len() > 512 || !sendable {
            return Err(ServeError::BadKey);
        }
        Ok(Self { digest: Sha256::digest(key).into() })
    }

    /// A key of which only the SHA-256 is known, in 64 hexadecimal digits.
    ///
    /// # Errors
    /// [`ServeError::BadDigest`] for anything else.
    pub fn from_sha256(hex: &str) -> Result<Self, ServeError> {
        let mut digest = [0; 32];
        let text = hex.trim().as_bytes();
        let pairs = text.chunks_exact(2);
        if text.len() != 64 || !text.iter().all(u8::is_ascii_hexdigit) {
            return Err(ServeError::BadDigest);
        }
        for (byte, pair) in digest.iter_mut().zip(pairs) {
            let pair = std::str::from_utf8(pair).map_err(|_| ServeError::BadDigest)?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| ServeError::BadDigest)?;
        }
        Ok(Self { digest })
    }

    /// Whether `candidate` is this key. Digests of equal length are compared in constant time,
    /// so neither the key's length nor a matching beginning shows in the time taken.
    pub(crate) fn matches(&self, candidate: &[u8]) -> bool {
        let digest: [u8; 32] = Sha256::digest(candidate).into();
        self.digest.ct_eq(&digest).into()
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(..)")
    }
}
