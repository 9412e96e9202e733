//! Weights in a source file: where they lie, and how they are streamed into another encoding.
//!
//! Nothing here holds a whole tensor: weights pass in runs of [`RUN`], so the memory needed
//! does not depend on the model.

use std::io::{Read, Seek, SeekFrom, Write};

use half::{bf16, f16};

use super::error::ImportError;
use super::quantize::{EncodeError, Ties, WeightType};

/// Weights converted at a time; a multiple of the quantisation block.
const RUN: u64 = 1 << 16;

/// Element types that weights are read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dtype {
    /// IEEE single.
    F32,
    /// IEEE half.
    F16,
    /// The upper half of an IEEE single.
    Bf16,
    /// Signed byte.
    I8,
    /// Signed 16-bit integer.
    I16,
    /// Signed 32-bit integer.
    I32,
}

impl Dtype {
    /// Bytes of one element.
    #[must_use]
    pub(super) fn size(self) -> u64 {
        match self {
            Self::I8 => 1,
            Self::F16 | Self::Bf16 | Self::I16 => 2,
            Self::F32 | Self::I32 => 4,
        }
    }

    /// Whether the elements are integers, which stand for weights only together with a scale.
    #[must_use]
    pub(super) fn is_integer(self) -> bool {
        matches!(self, Self::I8 | Self::I16 | Self::I32)
    }

    /// Appends the little-endian elements in `bytes` to `out`.
    fn decode(self, bytes: &[u8], out: &mut Vec<f32>) {
        let pairs = || bytes.as_chunks::<2>().0.iter().copied();
        let quads = || bytes.as_chunks::<4>().0.iter().copied();
        match self {
            Self::F32 => out.extend(quads().map(f32::from_le_bytes)),
            Self::F16 => out.extend(pairs().map(|b| f16::from_le_bytes(b).to_f32())),
            Self::Bf16 => out.extend(pairs().map(|b| bf16::from_le_bytes(b).to_f32())),
            Self::I8 => out.extend(bytes.iter().map(|&b| f32::from(b.cast_signed()))),
            Self::I16 => out.extend(pairs().map(|b| f32::from(i16::from_le_bytes(b)))),
            Self::I32 => out.extend(quads().map(|b| i32::from_le_bytes(b) as f32)),
        }
    }
}

/// A run of elements that lies inside the source file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slab {
    /// Type of the elements.
    pub(super) dtype: Dtype,
    /// First byte, from the start of the file.
    pub(super) offset: u64,
    /// Number of elements.
    pub(super) elements: u64,
}

/// Divisors of quantised source weights.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scales {
    /// One divisor for everything, or one for each row.
    pub(super) slab: Slab,
    /// Weights that share a divisor.
    pub(super) row_len: u64,
}

/// A tensor, or some whole rows of one, in the source file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weights {
    /// The elements.
    pub(super) slab: Slab,
    /// What to divide them by.
    pub(super) scales: Option<Scales>,
}

impl Weights {
    /// Passes the weights as `f32` to `sink`, in order, in runs of at most [`RUN`].
    ///
    /// # Errors
    /// [`ImportError::NotFinite`] for a scale that is zero or not finite; what reading and
    /// `sink` return.
    pub(super) fn stream<R: Read + Seek>(
        &self,
        name: &str,
        source: &mut R,
        mut sink: impl FnMut(&[f32]) -> Result<(), ImportError>,
    ) -> Result<(), ImportError> {
        let divisors = match &self.scales {
            Some(scales) => divisors(name, source, &scales.slab)?,
            None => Vec::new(),
        };
        source.seek(SeekFrom::Start(self.slab.offset))?;
        let (mut bytes, mut run) = (Vec::new(), Vec::new());
        let mut done = 0;
        while done < self.slab.elements {
            let count = RUN.min(self.slab.elements - done);
            // At most RUN elements of 4 bytes, which fits every usize.
            bytes.resize((count * self.slab.dtype.size()) as usize, 0);
            source.read_exact(&mut bytes)?;
            run.clear();
            self.slab.dtype.decode(&bytes, &mut run);
            if let Some(scales) = &self.scales {
                divide(&mut run, done, scales.row_len, &divisors);
            }
            sink(&run)?;
            done += count;
        }
        Ok(())
    }

    /// Writes the weights to `out` as `kind`; returns the bytes written.
    ///
    /// # Errors
    /// [`ImportError::NotFinite`] or [`ImportError::OutOfRange`] naming the tensor; what
    /// reading and writing return.
    pub(super) fn write<R: Read + Seek, W: Write>(
        &self,
        name: &str,
        source: &mut R,
        out: &mut W,
        kind: WeightType,
        ties: Ties,
    ) -> Result<u64, ImportError> {
        let (mut encoded, mut written) = (Vec::new(), 0);
        self.stream(name, source, |run| {
            encoded.clear();
            kind.encode(run, ties, &mut encoded).map_err(|error| match error {
                EncodeError::NotFinite => ImportError::NotFinite(name.to_owned()),
                EncodeError::OutOfRange => {
                    ImportError::OutOfRange { name: name.to_owned(), weights: kind }
                }
            })?;
            written += encoded.len() as u64;
            Ok(out.write_all(&encoded)?)
        })?;
        Ok(written)
    }
}

/// Reads the divisors, which must be finite and not zero.
fn divisors<R: Read + Seek>(
    name: &str,
    source: &mut R,
    slab: &Slab,
) -> Result<Vec<f32>, ImportError> {
    let mut divisors = Vec::new();
    Weights { slab: *slab, scales: None }.stream(name, source, |run| {
        if run.iter().any(|scale| !scale.is_finite() || *scale == 0.0) {
            return Err(ImportError::NotFinite(name.to_owned()));
        }
        divisors.extend_from_slice(run);
        Ok(())
    })?;
    Ok(divisors)
}

/// Divides a run that starts at element `first` of its tensor by the divisors of its rows.
fn divide(run: &mut [f32], first: u64, row_len: u64, divisors: &[f32]) {
    for (index, weight) in (first..).zip(run) {
        if let Some(divisor) = divisors.get((index / row_len) as usize) {
            *weight /= divisor;
        }
    }
}

/// Product of dimensions, `None` if it overflows.
#[must_use]
pub(super) fn elements(shape: &[u64]) -> Option<u64> {
    shape.iter().try_fold(1_u64, |product, &dim| product.checked_mul(dim))
}
