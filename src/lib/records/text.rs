use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Text or a path as it stands in a record: a string where it is UTF-8, and
/// `{"bytes": "<base64>"}` exactly where it is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Text {
    /// UTF-8.
    Utf8(String),
    /// Anything else, byte for byte.
    Bytes(Vec<u8>),
}

impl Text {
    /// The text of these bytes.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        String::from_utf8(bytes).map_or_else(|e| Self::Bytes(e.into_bytes()), Self::Utf8)
    }

    /// The text of a path.
    pub fn from_os(path: &OsStr) -> Self {
        Self::from_bytes(path.as_bytes().to_vec())
    }

    /// The bytes, whatever they are.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Utf8(text) => text.as_bytes(),
            Self::Bytes(bytes) => bytes,
        }
    }

    /// The bytes as a path.
    pub fn as_os(&self) -> &OsStr {
        OsStr::from_bytes(self.as_bytes())
    }
}

/// The text of a JSON string without escapes, in place: most texts of a stream need no decoding.
pub fn unescaped(raw: &str) -> Option<&str> {
    let inside = raw.strip_prefix('"')?.strip_suffix('"')?;
    (!inside.as_bytes().contains(&b'\\')).then_some(inside)
}

#[derive(Serialize, Deserialize)]
struct Base64Bytes {
    bytes: String,
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Utf8(text) => serializer.serialize_str(text),
            Self::Bytes(bytes) => {
                Base64Bytes { bytes: STANDARD.encode(bytes) }.serialize(serializer)
            }
        }
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::String(text) => Ok(Self::Utf8(text)),
            serde_json::Value::Object(mut map) if map.len() == 1 => {
                let Some(serde_json::Value::String(code)) = map.remove("bytes") else {
                    return Err(D::Error::custom("an object other than {\"bytes\": …}"));
                };
                STANDARD.decode(code).map(Self::from_bytes).map_err(D::Error::custom)
            }
            _ => Err(D::Error::custom("neither a string nor {\"bytes\": …}")),
        }
    }
}
