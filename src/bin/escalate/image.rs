//! Pictures that go with a question, for models that see.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use records::{Code, Failure, Field, FieldError, Record, Text};

use crate::provider::Image;

/// Largest picture in bytes: what the large providers take.
const MAX_BYTES: u64 = 20 << 20;

/// The picture that a field names by its path.
pub(crate) fn read(record: &Record, field: &Field) -> Result<Arc<Image>, Failure> {
    let missing = |e: FieldError| Failure::new(Code::MissingField, format!("--attach: {e}"));
    let path = match field.text(record).map_err(missing)? {
        Text::Utf8(path) => PathBuf::from(path),
        Text::Bytes(bytes) => {
            use std::os::unix::ffi::OsStringExt as _;
            PathBuf::from(std::ffi::OsString::from_vec(bytes))
        }
    };
    let unreadable = |e: &dyn std::fmt::Display| {
        Failure::new(Code::Unreadable, format!("{}: {e}", path.display()))
    };
    let bytes = bytes(&path).map_err(|e| unreadable(&e))?;
    if bytes.len() as u64 > MAX_BYTES {
        let message = format!("{}: larger than {MAX_BYTES} bytes", path.display());
        return Err(Failure::new(Code::TooLong, message));
    }
    let Some(media) = media_type(&bytes) else {
        let message = format!("{}: neither JPEG, PNG, GIF nor WebP", path.display());
        return Err(Failure::new(Code::Unsupported, message));
    };
    let digest = *blake3::hash(&bytes).as_bytes();
    Ok(Arc::new(Image { media, base64: STANDARD.encode(bytes), digest }))
}

fn bytes(path: &Path) -> std::io::Result<Vec<u8>> {
    // A pipe of that name must not hold us up.
    let flags = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or(0);
    let file = File::options().read(true).custom_flags(flags).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(std::io::Error::other("not a file"));
    }
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// By the first bytes, whatever the file is called.
fn media_type(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [0x89, b'P', b'N', b'G', ..] => Some("image/png"),
        [b'G', b'I', b'F', b'8', ..] => Some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        _ => None,
    }
}
