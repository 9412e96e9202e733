//! Weight types of the written files and their encoders.
//!
//! The quantised types store a row in blocks of 32 weights (ggml's block layouts, little endian):
//!
//! | type | bytes a block | layout |
//! |---|---|---|
//! | `q8_0` | 34 | scale f16, 32 × i8 |
//! | `q5_0` | 22 | scale f16, 32 fifth bits, 16 bytes of nibbles |
//! | `q5_1` | 24 | scale f16, minimum f16, 32 fifth bits, 16 bytes of nibbles |
//!
//! A byte of nibbles holds weight `i` in its low half and weight `i + 16` in its high half.

use std::fmt;
use std::str::FromStr;

use half::f16;

use super::error::ImportError;

/// Weights in one quantisation block.
pub(super) const BLOCK: usize = 32;

/// How matrices are stored in the written file. Vectors always stay `f32`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WeightType {
    /// 32-bit floating point.
    F32,
    /// 16-bit floating point.
    F16,
    /// 8 bits a weight, one scale for 32.
    Q8_0,
    /// 5 bits a weight, one scale for 32.
    Q5_0,
    /// 5 bits a weight, one scale and one minimum for 32.
    Q5_1,
}

/// What happens to a weight that lies exactly between two 8-bit steps.
///
/// The two families of published files differ here, and a file can be compared by its checksum
/// only if its family's rule is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ties {
    /// To the even neighbour: the Whisper files.
    ToEven,
    /// Away from zero: ggml's own quantiser and the GGUF files.
    AwayFromZero,
}

/// Why a run of weights could not be encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EncodeError {
    /// A weight is infinite or not a number.
    NotFinite,
    /// A weight or a block's scale does not fit the type.
    OutOfRange,
}

impl WeightType {
    /// All weight types, most precise first.
    pub const ALL: [Self; 5] = [Self::F32, Self::F16, Self::Q8_0, Self::Q5_0, Self::Q5_1];

    /// The tensor type number of ggml (`ggml_type`).
    #[must_use]
    pub fn ggml_type(self) -> u32 {
        match self {
            Self::F32 => 0,
            Self::F16 => 1,
            Self::Q5_0 => 6,
            Self::Q5_1 => 7,
            Self::Q8_0 => 8,
        }
    }

    /// The number by which file headers name a file whose matrices mostly have this type
    /// (`ggml_ftype`, and the same in `llama_ftype`).
    #[must_use]
    pub fn file_type(self) -> u32 {
        match self {
            Self::F32 => 0,
            Self::F16 => 1,
            Self::Q8_0 => 7,
            Self::Q5_0 => 8,
            Self::Q5_1 => 9,
        }
    }

    /// Whether weights are stored in blocks of [`BLOCK`].
    #[must_use]
    pub fn is_quantized(self) -> bool {
        matches!(self, Self::Q8_0 | Self::Q5_0 | Self::Q5_1)
    }

    /// Bytes that `elements` weights take, `None` if they are not whole blocks or too many.
    #[must_use]
    pub fn encoded_len(self, elements: u64) -> Option<u64> {
        let (block, bytes) = match self {
            Self::F32 => (1, 4),
            Self::F16 => (1, 2),
            Self::Q8_0 => (BLOCK as u64, 34),
            Self::Q5_0 => (BLOCK as u64, 22),
            Self::Q5_1 => (BLOCK as u64, 24),
        };
        if !elements.is_multiple_of(block) {
            return None;
        }
        (elements / block).checked_mul(bytes)
    }

    /// Appends the encoded `weights` to `out`.
    ///
    /// For the quantised types their number must be a multiple of [`BLOCK`]; what is left over
    /// at the end is not written.
    ///
    /// # Errors
    /// [`EncodeError`] if a weight is not finite, or too large for the 16 bits of the weight or
    /// of its block's scale.
    pub(super) fn encode(
        self,
        weights: &[f32],
        ties: Ties,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        if weights.iter().any(|w| !w.is_finite()) {
            return Err(EncodeError::NotFinite);
        }
        let (blocks, _) = weights.as_chunks::<BLOCK>();
        match self {
            Self::F32 => out.extend(weights.iter().flat_map(|w| w.to_le_bytes())),
            Self::F16 => {
                for &weight in weights {
                    out.extend(half_bits(weight)?);
                }
            }
            Self::Q8_0 => blocks.iter().try_for_each(|block| q8_0(block, ties, out))?,
            Self::Q5_0 => blocks.iter().try_for_each(|block| q5_0(block, out))?,
            Self::Q5_1 => blocks.iter().try_for_each(|block| q5_1(block, out))?,
        }
        Ok(())
    }
}

impl fmt::Display for WeightType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Q8_0 => "q8_0",
            Self::Q5_0 => "q5_0",
            Self::Q5_1 => "q5_1",
        })
    }
}

impl FromStr for WeightType {
    type Err = ImportError;

    fn from_str(name: &str) -> Result<Self, ImportError> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.to_string().eq_ignore_ascii_case(name))
            .ok_or_else(|| ImportError::UnknownWeightType(name.to_owned()))
    }
}

/// The nearest f16, little endian; a value that only infinity could stand for is refused.
fn half_bits(value: f32) -> Result<[u8; 2], EncodeError> {
    let half = f16::from_f32(value);
    if half.is_finite() { Ok(half.to_le_bytes()) } else { Err(EncodeError::OutOfRange) }
}

/// `1 / scale`, or 0 for a block of equal weights. A scale so small that its inverse overflows
/// is also 0 as f16, so the block is stored as zeros.
fn inverse(scale: f32) -> f32 {
    let inverse = if scale == 0.0 { 0.0 } else { 1.0 / scale };
    if inverse.is_finite() { inverse } else { 0.0 }
}

fn q8_0(block: &[f32; BLOCK], ties: Ties, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    let peak = block.iter().fold(0.0_f32, |peak, w| peak.max(w.abs()));
    let scale = peak / 127.0;
    out.extend(half_bits(scale)?);
    let inverse = inverse(scale);
    out.extend(block.iter().map(|w| {
        let steps = w * inverse;
        let rounded = match ties {
            Ties::ToEven => steps.round_ties_even(),
            Ties::AwayFromZero => steps.round(),
        };
        (rounded as i8).to_le_bytes()[0]
    }));
    Ok(())
}

fn q5_0(block: &[f32; BLOCK], out: &mut Vec<u8>) -> Result<(), EncodeError> {
    // The weight of largest magnitude, with its sign, becomes step 0 of 0..=31.
    let peak = block.iter().fold(0.0_f32, |peak, &w| if w.abs() > peak.abs() { w } else { peak });
    let scale = peak / -16.0;
    out.extend(half_bits(scale)?);
    let inverse = inverse(scale);
    pack_five_bits(&block.map(|w| ((w * inverse + 16.5) as u8).min(31)), out);
    Ok(())
}

fn q5_1(block: &[f32; BLOCK], out: &mut Vec<u8>) -> Result<(), EncodeError> {
    let low = block.iter().copied().fold(f32::INFINITY, f32::min);
    let high = block.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let scale = (high - low) / 31.0;
    out.extend(half_bits(scale)?);
    out.extend(half_bits(low)?);
    let inverse = inverse(scale);
    pack_five_bits(&block.map(|w| (((w - low) * inverse + 0.5) as u8).min(31)), out);
    Ok(())
}

/// Writes 32 values below 32: first their fifth bits, then their low halves.
fn pack_five_bits(steps: &[u8; BLOCK], out: &mut Vec<u8>) {
    let fifth =
        steps.iter().enumerate().fold(0_u32, |bits, (i, step)| bits | u32::from(step >> 4) << i);
    out.extend(fifth.to_le_bytes());
    let (low, high) = steps.split_at(BLOCK / 2);
    out.extend(low.iter().zip(high).map(|(low, high)| (low & 15) | (high & 15) << 4));
}
