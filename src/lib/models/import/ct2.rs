//! Reader of CTranslate2's `model.bin`, binary versions 4 to 6.
//!
//! All numbers are little endian; a string is a `u16` length (which counts a closing NUL) and
//! its bytes.
//!
//! ```text
//! u32 version · string specification · u32 revision
//! u32 count, then for each variable:
//!     string name · u8 rank · u32 × rank dimensions · u8 type · u32 bytes · the bytes
//! u32 count, then for each alias: string alias · string name of a variable
//! ```

use std::collections::HashMap;
use std::io::{BufReader, Read, Seek, SeekFrom};

use super::error::ImportError;
use super::tensor::{Dtype, Scales, Slab, Weights, elements};

/// Binary versions whose layout is the one above.
pub(super) const VERSIONS: std::ops::RangeInclusive<u32> = 4..=6;
/// The specification name of Whisper models.
pub(super) const WHISPER_SPEC: &str = "WhisperSpec";
/// More variables than any model has: about 2,500 for the largest Whisper with scales.
const MAX_VARIABLES: u32 = 1 << 16;
/// Longer than any variable's name.
const MAX_NAME: u16 = 1024;
/// More dimensions than any weight has.
const MAX_RANK: u8 = 8;
/// What a string that is no file's data is called in messages.
const FORMAT: &str = "CTranslate2";

/// One stored variable.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Variable {
    shape: Vec<u64>,
    slab: Slab,
}

/// The table of contents of a `model.bin`: every variable lies inside the file and is as long
/// as its shape says.
#[derive(Debug)]
pub(super) struct Ct2Model {
    variables: HashMap<String, Variable>,
    aliases: HashMap<String, String>,
}

impl Ct2Model {
    /// Reads the table of contents of a Whisper model, skipping the weights.
    ///
    /// # Errors
    /// [`ImportError::Malformed`] if a count or length reaches past the end of the file or
    /// contradicts another; [`ImportError::Unsupported`] for another version, specification or
    /// data type.
    pub(super) fn read<R: Read + Seek>(source: &mut R) -> Result<Self, ImportError> {
        let mut input = Input::new(source)?;
        let version = input.u32("version")?;
        if !VERSIONS.contains(&version) {
            return Err(ImportError::Unsupported(format!("CTranslate2 binary version {version}")));
        }
        let spec = input.string("specification")?;
        if spec != WHISPER_SPEC {
            return Err(ImportError::Unsupported(format!("CTranslate2 {spec:?} models")));
        }
        input.u32("revision")?;
        let mut variables = HashMap::new();
        for _ in 0..input.count("variables")? {
            let name = input.string("variable name")?;
            let variable = input.variable(&name)?;
            if variables.insert(name.clone(), variable).is_some() {
                return Err(damaged(format!("variable {name:?} is there twice")));
            }
        }
        let mut aliases = HashMap::new();
        for _ in 0..input.count("aliases")? {
            let alias = input.string("alias")?;
            let target = input.string("alias target")?;
            if !variables.contains_key(&target) {
                return Err(damaged(format!("alias {alias:?} names no variable")));
            }
            aliases.insert(alias, target);
        }
        Ok(Self { variables, aliases })
    }

    /// Whether there is such a variable or alias.
    #[must_use]
    pub(super) fn contains(&self, name: &str) -> bool {
        self.find(name).is_ok()
    }

    /// Dimensions of a variable, outermost first.
    ///
    /// # Errors
    /// [`ImportError::MissingTensor`].
    pub(super) fn shape(&self, name: &str) -> Result<&[u64], ImportError> {
        Ok(&self.find(name)?.shape)
    }

    /// The weights of a variable of the given shape, with their scales if they are integers.
    ///
    /// # Errors
    /// [`ImportError::MissingTensor`], [`ImportError::Shape`], [`ImportError::Dtype`].
    pub(super) fn weights(&self, name: &str, shape: &[u64]) -> Result<Weights, ImportError> {
        let variable = self.find(name)?;
        expect_shape(name, shape, &variable.shape)?;
        let scales = if variable.slab.dtype.is_integer() {
            if shape.len() < 2 {
                return Err(ImportError::Dtype {
                    name: name.to_owned(),
                    dtype: format!("{:?}", variable.slab.dtype),
                });
            }
            Some(self.scales(name, shape)?)
        } else {
            None
        };
        Ok(Weights { slab: variable.slab, scales })
    }

    /// Part `index` of `parts` equal parts of a variable, cut along its outermost dimension.
    /// `shape` is that of one part.
    ///
    /// # Errors
    /// As [`weights`](Self::weights).
    pub(super) fn part(
        &self,
        name: &str,
        shape: &[u64],
        index: u64,
        parts: u64,
    ) -> Result<Weights, ImportError> {
        let mut stacked = shape.to_vec();
        if let Some(rows) = stacked.first_mut() {
            *rows = rows.saturating_mul(parts);
        }
        let mut weights = self.weights(name, &stacked)?;
        // The whole was checked to be in the file, so its parts are and nothing overflows.
        let length = weights.slab.elements / parts;
        weights.slab.offset += index * length * weights.slab.dtype.size();
        weights.slab.elements = length;
        if let Some(scales) = &mut weights.scales
            && scales.slab.elements > 1
        {
            let rows = scales.slab.elements / parts;
            scales.slab.offset += index * rows * scales.slab.dtype.size();
            scales.slab.elements = rows;
        }
        Ok(weights)
    }

    /// A variable that is one integer, such as a number of attention heads.
    ///
    /// # Errors
    /// [`ImportError::MissingTensor`]; [`ImportError::Shape`] or [`ImportError::Dtype`] if it
    /// is not one integer; reading.
    pub(super) fn integer<R: Read + Seek>(
        &self,
        source: &mut R,
        name: &str,
    ) -> Result<u32, ImportError> {
        let variable = self.find(name)?;
        if variable.slab.elements != 1 {
            return Err(ImportError::Shape {
                name: name.to_owned(),
                expected: Vec::new(),
                found: variable.shape.clone(),
            });
        }
        let mut bytes = [0_u8; 4];
        let used = bytes.split_at_mut(variable.slab.dtype.size() as usize).0;
        source.seek(SeekFrom::Start(variable.slab.offset))?;
        source.read_exact(used)?;
        let [first, second, _, _] = bytes;
        let value = match variable.slab.dtype {
            Dtype::I8 => i32::from(first.cast_signed()),
            Dtype::I16 => i32::from(i16::from_le_bytes([first, second])),
            Dtype::I32 => i32::from_le_bytes(bytes),
            other => {
                return Err(ImportError::Dtype {
                    name: name.to_owned(),
                    dtype: format!("{other:?}"),
                });
            }
        };
        u32::try_from(value).map_err(|_| damaged(format!("{name} is negative: {value}")))
    }

    fn find(&self, name: &str) -> Result<&Variable, ImportError> {
        let stored = self.aliases.get(name).map_or(name, String::as_str);
        self.variables.get(stored).ok_or_else(|| ImportError::MissingTensor(name.to_owned()))
    }

    /// The divisors of an integer variable: one, or one for each of its rows.
    fn scales(&self, name: &str, shape: &[u64]) -> Result<Scales, ImportError> {
        // An alias has no scale of its own: it is stored beside the variable it stands for.
        let stored = self.aliases.get(name).map_or(name, String::as_str);
        let scale_name = format!("{stored}_scale");
        let scale = self.find(&scale_name)?;
        if scale.slab.dtype.is_integer() {
            return Err(ImportError::Dtype {
                name: scale_name,
                dtype: format!("{:?}", scale.slab.dtype),
            });
        }
        let rows = shape.first().copied().unwrap_or(1);
        if scale.slab.elements == 1 {
            return Ok(Scales { slab: scale.slab, row_len: u64::MAX });
        }
        expect_shape(&scale_name, &[rows], &scale.shape)?;
        let row_len = elements(&shape[1..]).unwrap_or(u64::MAX).max(1);
        Ok(Scales { slab: scale.slab, row_len })
    }
}

/// An error unless the shapes are equal.
fn expect_shape(name: &str, expected: &[u64], found: &[u64]) -> Result<(), ImportError> {
    if expected == found {
        return Ok(());
    }
    Err(ImportError::Shape {
        name: name.to_owned(),
        expected: expected.to_vec(),
        found: found.to_vec(),
    })
}

fn damaged(reason: String) -> ImportError {
    ImportError::Malformed { format: FORMAT, reason }
}

/// The source as a sequence of fields, each checked against what is left of the file.
struct Input<'a, R> {
    reader: BufReader<&'a mut R>,
    position: u64,
    length: u64,
}

impl<'a, R: Read + Seek> Input<'a, R> {
    fn new(source: &'a mut R) -> Result<Self, ImportError> {
        let length = source.seek(SeekFrom::End(0))?;
        source.seek(SeekFrom::Start(0))?;
        Ok(Self { reader: BufReader::new(source), position: 0, length })
    }

    /// Counts `bytes` as consumed if the file has them.
    fn claim(&mut self, bytes: u64, what: &str) -> Result<(), ImportError> {
        let left = self.length - self.position;
        if bytes > left {
            return Err(damaged(format!("{what} needs {bytes} bytes, {left} are left")));
        }
        self.position += bytes;
        Ok(())
    }

    fn bytes<const N: usize>(&mut self, what: &str) -> Result<[u8; N], ImportError> {
        self.claim(N as u64, what)?;
        let mut bytes = [0; N];
        self.reader.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn u8(&mut self, what: &str) -> Result<u8, ImportError> {
        Ok(self.bytes::<1>(what)?[0])
    }

    fn u32(&mut self, what: &str) -> Result<u32, ImportError> {
        Ok(u32::from_le_bytes(self.bytes(what)?))
    }

    fn count(&mut self, what: &str) -> Result<u32, ImportError> {
        let count = self.u32(what)?;
        if count > MAX_VARIABLES {
            return Err(damaged(format!("{count} {what}, at most {MAX_VARIABLES} are believed")));
        }
        Ok(count)
    }

    fn string(&mut self, what: &str) -> Result<String, ImportError> {
        let length = u16::from_le_bytes(self.bytes(what)?);
        if length > MAX_NAME {
            return Err(damaged(format!("{what} of {length} bytes")));
        }
        self.claim(u64::from(length), what)?;
        let mut bytes = vec![0; usize::from(length)];
        self.reader.read_exact(&mut bytes)?;
        while bytes.last() == Some(&0) {
            bytes.pop();
        }
        String::from_utf8(bytes).map_err(|_| damaged(format!("{what} is not UTF-8")))
    }

    /// Reads a variable's description and skips its data.
    fn variable(&mut self, name: &str) -> Result<Variable, ImportError> {
        let rank = self.u8("rank")?;
        if rank > MAX_RANK {
            return Err(damaged(format!("{name} has {rank} dimensions")));
        }
        let shape = (0..rank)
            .map(|_| Ok(u64::from(self.u32("dimension")?)))
            .collect::<Result<Vec<_>, ImportError>>()?;
        let dtype = match self.u8("data type")? {
            0 => Dtype::F32,
            1 => Dtype::I8,
            2 => Dtype::I16,
            3 => Dtype::I32,
            4 => Dtype::F16,
            5 => Dtype::Bf16,
            other => {
                return Err(ImportError::Unsupported(format!(
                    "CTranslate2 data type {other} of {name}"
                )));
            }
        };
        let bytes = u64::from(self.u32("byte count")?);
        let count = elements(&shape);
        if count.and_then(|count| count.checked_mul(dtype.size())) != Some(bytes) {
            return Err(damaged(format!("{name} of shape {shape:?} has {bytes} bytes")));
        }
        let offset = self.position;
        self.claim(bytes, name)?;
        // Below 2^32, so it fits.
        self.reader.seek_relative(bytes.cast_signed())?;
        let elements = bytes / dtype.size();
        Ok(Variable { shape, slab: Slab { dtype, offset, elements } })
    }
}
