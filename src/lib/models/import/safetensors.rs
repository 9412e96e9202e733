//! Reader of the safetensors header.
//!
//! A file is a `u64` header length, a JSON object `{name: {dtype, shape, data_offsets}}` and the
//! tensors' bytes. The format's rules are enforced: every byte of the data belongs to exactly
//! one tensor, and each tensor is as long as its shape and type say.

use std::collections::HashMap;
use std::fmt;
use std::io::{Read, Seek, SeekFrom};

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

use super::error::ImportError;
use super::tensor::{Dtype, Slab, Weights, elements};

/// Largest header that is read. A header takes about 100 bytes for each tensor.
const MAX_HEADER: u64 = 16 << 20;
/// More dimensions than any weight has.
const MAX_RANK: usize = 8;

/// One tensor of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tensor {
    /// Its name.
    pub(super) name: String,
    /// Dimensions, outermost first.
    pub(super) shape: Vec<u64>,
    dtype: String,
    begin: u64,
    end: u64,
}

/// The table of contents of a safetensors file.
#[derive(Debug)]
pub(super) struct Safetensors {
    tensors: Vec<Tensor>,
    by_name: HashMap<String, usize>,
    data: u64,
}

impl Safetensors {
    /// Reads and checks the header.
    ///
    /// # Errors
    /// [`ImportError::Malformed`] if a rule of the format is broken; reading.
    pub(super) fn read<R: Read + Seek>(source: &mut R) -> Result<Self, ImportError> {
        let length = source.seek(SeekFrom::End(0))?;
        source.seek(SeekFrom::Start(0))?;
        let Some(after_length) = length.checked_sub(8) else {
            return Err(damaged(format!("{length} bytes hold no header")));
        };
        let mut header_length = [0; 8];
        source.read_exact(&mut header_length)?;
        let header_length = u64::from_le_bytes(header_length);
        if header_length > after_length.min(MAX_HEADER) {
            return Err(damaged(format!("a header of {header_length} bytes")));
        }
        // At most MAX_HEADER and really there.
        let mut header = vec![0; header_length as usize];
        source.read_exact(&mut header)?;
        let Header(mut tensors) =
            serde_json::from_slice(&header).map_err(|error| damaged(error.to_string()))?;
        tensors.sort_by_key(|tensor| (tensor.begin, tensor.end));
        check_layout(&tensors, after_length - header_length)?;
        let mut by_name = HashMap::new();
        for (index, tensor) in tensors.iter().enumerate() {
            if by_name.insert(tensor.name.clone(), index).is_some() {
                return Err(damaged(format!("tensor {:?} is there twice", tensor.name)));
            }
        }
        Ok(Self { tensors, by_name, data: 8 + header_length })
    }

    /// All tensors in the order of their data.
    pub(super) fn tensors(&self) -> impl Iterator<Item = &Tensor> {
        self.tensors.iter()
    }

    /// The tensor of that name.
    ///
    /// # Errors
    /// [`ImportError::MissingTensor`].
    pub(super) fn get(&self, name: &str) -> Result<&Tensor, ImportError> {
        self.by_name
            .get(name)
            .and_then(|&index| self.tensors.get(index))
            .ok_or_else(|| ImportError::MissingTensor(name.to_owned()))
    }

    /// Where a tensor's weights lie, if it has the given shape and a floating-point type.
    ///
    /// # Errors
    /// [`ImportError::Shape`], [`ImportError::Dtype`].
    pub(super) fn weights(&self, tensor: &Tensor, shape: &[u64]) -> Result<Weights, ImportError> {
        if tensor.shape != shape {
            return Err(ImportError::Shape {
                name: tensor.name.clone(),
                expected: shape.to_vec(),
                found: tensor.shape.clone(),
            });
        }
        let dtype = match tensor.dtype.as_str() {
            "F32" => Dtype::F32,
            "F16" => Dtype::F16,
            "BF16" => Dtype::Bf16,
            other => {
                return Err(ImportError::Dtype {
                    name: tensor.name.clone(),
                    dtype: other.to_owned(),
                });
            }
        };
        let slab = Slab {
            dtype,
            offset: self.data + tensor.begin,
            elements: (tensor.end - tensor.begin) / dtype.size(),
        };
        Ok(Weights { slab, scales: None })
    }
}

/// Checks that the tensors, sorted by offset, fill the data from end to end.
fn check_layout(tensors: &[Tensor], data: u64) -> Result<(), ImportError> {
    let mut position = 0;
    for tensor in tensors {
        let Tensor { name, shape, dtype, begin, end } = tensor;
        if *begin != position || end < begin || *end > data {
            return Err(damaged(format!(
                "tensor {name:?} lies at {begin}..{end}, where {position}.. of {data} is next"
            )));
        }
        if shape.len() > MAX_RANK {
            return Err(damaged(format!("tensor {name:?} has {} dimensions", shape.len())));
        }
        let size = dtype_size(dtype)
            .ok_or_else(|| damaged(format!("tensor {name:?} has the unknown type {dtype:?}")))?;
        if elements(shape).and_then(|count| count.checked_mul(size)) != Some(end - begin) {
            return Err(damaged(format!(
                "tensor {name:?} of shape {shape:?} and type {dtype} has {} bytes",
                end - begin
            )));
        }
        position = *end;
    }
    if position != data {
        return Err(damaged(format!("{} bytes belong to no tensor", data - position)));
    }
    Ok(())
}

/// Bytes of one element of the format's types.
fn dtype_size(name: &str) -> Option<u64> {
    match name {
        "BOOL" | "U8" | "I8" | "F8_E4M3" | "F8_E5M2" => Some(1),
        "I16" | "U16" | "F16" | "BF16" => Some(2),
        "I32" | "U32" | "F32" => Some(4),
        "I64" | "U64" | "F64" => Some(8),
        _ => None,
    }
}

fn damaged(reason: String) -> ImportError {
    ImportError::Malformed { format: "safetensors", reason }
}

/// The header's tensors in the order of the text, names not yet checked to be unique (which a
/// map type would hide).
struct Header(Vec<Tensor>);

#[derive(Deserialize)]
struct Entry {
    dtype: String,
    shape: Vec<u64>,
    data_offsets: (u64, u64),
}

impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(HeaderVisitor)
    }
}

struct HeaderVisitor;

impl<'de> Visitor<'de> for HeaderVisitor {
    type Value = Header;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of tensors")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Header, A::Error> {
        let mut tensors = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            if name == "__metadata__" {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            let Entry { dtype, shape, data_offsets: (begin, end) } = map.next_value()?;
            tensors.push(Tensor { name, shape, dtype, begin, end });
        }
        Ok(Header(tensors))
    }
}
