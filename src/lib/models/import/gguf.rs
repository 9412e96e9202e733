//! Writer of GGUF files, version 3.
//!
//! ```text
//! u32 magic · u32 version · u64 tensors · u64 keys
//! for each key:    string name · u32 type · value
//! for each tensor: string name · u32 rank · u64 × rank dimensions, innermost first
//!                  u32 type · u64 offset in the data
//! padding to 32, then the tensors' data, each padded to 32
//! ```
//! A string is a `u64` length and its UTF-8 bytes; all numbers are little endian.

use std::io::{Read, Seek, Write};

use super::error::ImportError;
use super::quantize::{BLOCK, Ties, WeightType};
use super::tensor::{Weights, elements};

/// `GGUF` in ASCII.
pub(super) const MAGIC: [u8; 4] = *b"GGUF";
const VERSION: u32 = 3;
/// The format's default alignment of tensor data, bytes.
const ALIGNMENT: u64 = 32;

const TYPE_U32: u32 = 4;
const TYPE_I32: u32 = 5;
const TYPE_F32: u32 = 6;
const TYPE_BOOL: u32 = 7;
const TYPE_STRING: u32 = 8;
const TYPE_ARRAY: u32 = 9;

/// Keys and tensors of a file to be written. Both keep the order in which they were added.
#[derive(Debug, Default)]
pub(super) struct GgufWriter {
    keys: u64,
    key_bytes: Vec<u8>,
    tensors: Vec<Planned>,
    tensor_bytes: Vec<u8>,
    data_bytes: u64,
}

#[derive(Debug)]
struct Planned {
    name: String,
    weights: Weights,
    kind: WeightType,
}

impl GgufWriter {
    /// An empty file.
    #[must_use]
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Adds a text key.
    pub(super) fn text(&mut self, key: &str, value: &str) {
        self.key(key, TYPE_STRING);
        push_text(&mut self.key_bytes, value);
    }

    /// Adds a number.
    pub(super) fn number(&mut self, key: &str, value: u32) {
        self.key(key, TYPE_U32);
        self.key_bytes.extend(value.to_le_bytes());
    }

    /// Adds a floating-point number.
    pub(super) fn real(&mut self, key: &str, value: f32) {
        self.key(key, TYPE_F32);
        self.key_bytes.extend(value.to_le_bytes());
    }

    /// Adds a truth value.
    pub(super) fn flag(&mut self, key: &str, value: bool) {
        self.key(key, TYPE_BOOL);
        self.key_bytes.push(u8::from(value));
    }

    /// Adds a list of texts.
    pub(super) fn texts<'a>(&mut self, key: &str, values: impl ExactSizeIterator<Item = &'a str>) {
        self.array(key, TYPE_STRING, values.len());
        for value in values {
            push_text(&mut self.key_bytes, value);
        }
    }

    /// Adds a list of signed numbers.
    pub(super) fn integers(&mut self, key: &str, values: impl ExactSizeIterator<Item = i32>) {
        self.array(key, TYPE_I32, values.len());
        self.key_bytes.extend(values.flat_map(i32::to_le_bytes));
    }

    /// Adds a tensor whose weights will be copied from the source; `shape` is outermost first.
    ///
    /// # Errors
    /// [`ImportError::RowNotBlocks`] if its rows are no whole blocks of `kind`;
    /// [`ImportError::Unsupported`] if the file would exceed 2⁶⁴ bytes.
    pub(super) fn tensor(
        &mut self,
        name: String,
        shape: &[u64],
        weights: Weights,
        kind: WeightType,
    ) -> Result<(), ImportError> {
        let row = shape.last().copied().unwrap_or(1);
        if kind.is_quantized() && row % BLOCK as u64 != 0 {
            return Err(ImportError::RowNotBlocks { name, row, weights: kind });
        }
        let end = elements(shape)
            .and_then(|count| kind.encoded_len(count))
            .and_then(|bytes| bytes.checked_next_multiple_of(ALIGNMENT))
            .and_then(|bytes| bytes.checked_add(self.data_bytes))
            .ok_or_else(|| ImportError::Unsupported(format!("a tensor of shape {shape:?}")))?;
        push_text(&mut self.tensor_bytes, &name);
        self.tensor_bytes.extend((shape.len() as u32).to_le_bytes());
        self.tensor_bytes.extend(shape.iter().rev().flat_map(|dim| dim.to_le_bytes()));
        self.tensor_bytes.extend(kind.ggml_type().to_le_bytes());
        self.tensor_bytes.extend(self.data_bytes.to_le_bytes());
        self.data_bytes = end;
        self.tensors.push(Planned { name, weights, kind });
        Ok(())
    }

    /// Writes the file, reading the weights from `source`; returns the number of tensors.
    ///
    /// # Errors
    /// As [`Weights::write`].
    pub(super) fn write<R: Read + Seek, W: Write>(
        &self,
        source: &mut R,
        out: &mut W,
    ) -> Result<usize, ImportError> {
        let header = 4 + 4 + 8 + 8;
        out.write_all(&MAGIC)?;
        out.write_all(&VERSION.to_le_bytes())?;
        out.write_all(&(self.tensors.len() as u64).to_le_bytes())?;
        out.write_all(&self.keys.to_le_bytes())?;
        out.write_all(&self.key_bytes)?;
        out.write_all(&self.tensor_bytes)?;
        pad(out, header + (self.key_bytes.len() + self.tensor_bytes.len()) as u64)?;
        for tensor in &self.tensors {
            let Planned { name, weights, kind } = tensor;
            let written = weights.write(name, source, out, *kind, Ties::AwayFromZero)?;
            pad(out, written)?;
        }
        Ok(self.tensors.len())
    }

    fn key(&mut self, key: &str, kind: u32) {
        self.keys += 1;
        push_text(&mut self.key_bytes, key);
        self.key_bytes.extend(kind.to_le_bytes());
    }

    fn array(&mut self, key: &str, kind: u32, length: usize) {
        self.key(key, TYPE_ARRAY);
        self.key_bytes.extend(kind.to_le_bytes());
        self.key_bytes.extend((length as u64).to_le_bytes());
    }
}

fn push_text(out: &mut Vec<u8>, text: &str) {
    out.extend((text.len() as u64).to_le_bytes());
    out.extend(text.as_bytes());
}

/// Writes zeros up to the next multiple of the alignment.
fn pad<W: Write>(out: &mut W, written: u64) -> Result<(), ImportError> {
    let missing = written.next_multiple_of(ALIGNMENT) - written;
    Ok(out.write_all(&[0; ALIGNMENT as usize][..missing as usize])?)
}
