//! Model files looked at before an engine gets them.
//!
//! The C++ readers trust their input more than they should, so [`check`] runs first: it reads the
//! header with every size and count held against what is really in the file, and requires that all
//! tensor data lies inside the file. A truncated, mislabelled or lying file is an error here.
//!
//! Sources: the GGUF specification of ggml (docs/gguf.md), whisper.cpp's model loaders.

mod bounded;
mod bundled;
mod geonames;
mod gguf;
mod tensor;
#[cfg(test)]
mod tests;
mod vad;
mod whisper;

use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::path::Path;

use bounded::Bounded;

use crate::catalogue::Format;

/// What the header of a model file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// Format of the file.
    pub format: Format,
    /// Architecture: `llama`, `qwen2`, `bert`, `whisper`, `silero-16k`, …
    pub architecture: String,
    /// The model's own name, where it has one.
    pub name: Option<String>,
    /// Number of weights.
    pub parameters: u64,
    /// Context length in tokens (audio frames for whisper, samples for voice activity).
    pub context: Option<u64>,
    /// Length of an embedding or state vector.
    pub width: Option<u64>,
    /// Number format of most weights, e.g. `Q4_K_M`, `F16`.
    pub quantization: String,
    /// Number of tensors.
    pub tensors: u64,
    /// Whisper: knows more languages than English.
    pub multilingual: Option<bool>,
    /// Size of the file in bytes.
    pub bytes: u64,
}

/// The file is not a usable model.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    /// It cannot be read.
    #[error("cannot read the model file: {0}")]
    Io(#[from] io::Error),
    /// Not a regular file.
    #[error("not a file")]
    NotAFile,
    /// It is no model format known here.
    #[error("not a GGUF or ggml model file{0}")]
    Unknown(&'static str),
    /// It is another format than it should be.
    #[error("a {found} file, where {wanted} is due")]
    Mislabelled {
        /// What the file is.
        found: Format,
        /// What it should be.
        wanted: Format,
    },
    /// The file ends before what it announces.
    #[error("truncated: {what} needs {needed} bytes more than the file has")]
    Truncated {
        /// What did not fit.
        what: String,
        /// Bytes missing at that point.
        needed: u64,
    },
    /// A number or text in the file cannot be right.
    #[error("damaged: {0}")]
    Damaged(String),
    /// A version or variant of the format that is not read.
    #[error("unsupported: {0}")]
    Unsupported(String),
}

/// Reads the header of the model file at `path` and checks it.
///
/// # Errors
/// See [`InspectError`].
pub fn inspect(path: &Path) -> Result<Inspection, InspectError> {
    // A FIFO would block on open.
    if !std::fs::metadata(path)?.is_file() {
        return Err(InspectError::NotAFile);
    }
    let file = File::open(path)?;
    inspect_reader(BufReader::with_capacity(1 << 16, file))
}

/// [`inspect`], and the file must be of format `wanted`.
///
/// # Errors
/// See [`InspectError`].
pub fn check(path: &Path, wanted: Format) -> Result<Inspection, InspectError> {
    let inspection = inspect(path)?;
    if inspection.format != wanted {
        return Err(InspectError::Mislabelled { found: inspection.format, wanted });
    }
    Ok(inspection)
}

/// [`inspect`] for anything that can be read and sought, from its start to its end.
///
/// # Errors
/// See [`InspectError`].
pub fn inspect_reader(source: impl Read + Seek) -> Result<Inspection, InspectError> {
    let mut input = Bounded::new(source)?;
    if input.left() < 8 {
        return Err(InspectError::Unknown(": too short"));
    }
    match &input.array::<4>("the magic number")? {
        b"GGUF" => gguf::read(&mut input),
        // 0x67676d6c, little endian: whisper.cpp's two formats share it. The word that follows is
        // the size of the vocabulary in one, the length of the model's type in the other.
        b"lmgg" => match input.u32("the header")? {
            0..=64 => vad::read(&mut input),
            _ => whisper::read(&mut input),
        },
        b"HWPL" => geonames::read(&mut input),
        b"HWBU" => bundled::read(&mut input),
        b"PK\x03\x04" => {
            Err(InspectError::Unknown(": this is a zip archive or a PyTorch checkpoint"))
        }
        _ => Err(InspectError::Unknown("")),
    }
}
