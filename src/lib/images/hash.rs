use std::array::from_fn;
use std::f64::consts::PI;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::pixels::Luma;

/// A perceptual hash of 64 bits: the signs of the 8 × 8 lowest coefficients of the discrete cosine
/// transform of the picture's brightness at 32 × 32 pixels (after Zauner's pHash, 2010, with zero
/// in place of the median; the bit of the constant coefficient is always 0).
///
/// Signs rather than comparisons with the median, because then the hash of the turned or mirrored
/// picture follows from that of the picture: [`Hash::turned`]. Written as 16 hexadecimal digits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hash(pub u64);

/// How a picture can be turned: clockwise, after it was mirrored (left to right) or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Mirrored first.
    pub mirrored: bool,
    /// Quarter turns clockwise, 0 to 3.
    pub quarters: u8,
}

impl Turn {
    /// The EXIF orientation that asks for it.
    pub(crate) fn orientation(self) -> u8 {
        let plain = [1, 6, 3, 8];
        let mirrored = [2, 7, 4, 5];
        (if self.mirrored { mirrored } else { plain })[usize::from(self.quarters % 4)]
    }

    /// All four turns, and with `mirrored` those of the mirrored picture too; as it is comes first.
    pub fn all(mirrored: bool) -> impl Iterator<Item = Self> {
        let both: &[bool] = if mirrored { &[false, true] } else { &[false] };
        both.iter().flat_map(|&mirrored| (0..4).map(move |quarters| Self { mirrored, quarters }))
    }
}

impl Hash {
    /// The hash of a picture reduced to 32 × 32 pixels.
    pub(crate) fn of(luma: &Luma) -> Self {
        const SIDE: usize = 32;
        let cosines: [[f64; SIDE]; 8] = from_fn(|frequency| {
            from_fn(|at| (PI / SIDE as f64 * (at as f64 + 0.5) * frequency as f64).cos())
        });
        // Rows first, columns then.
        let rows: Vec<[f64; 8]> = luma
            .bytes
            .chunks_exact(SIDE)
            .map(|row| {
                from_fn(|x| row.iter().zip(cosines[x]).map(|(&v, c)| f64::from(v) * c).sum())
            })
            .collect();
        let mut bits = 0;
        for (y, cosines) in cosines.iter().enumerate() {
            for x in 0..8 {
                let coefficient: f64 = rows.iter().zip(cosines).map(|(row, c)| row[x] * c).sum();
                // What is zero but for rounding, as in a picture of one colour, is zero.
                let bit = coefficient > 1e-6 && (x, y) != (0, 0);
                bits |= u64::from(bit) << (8 * y + x);
            }
        }
        Self(bits)
    }

    /// In how many of 64 bits two hashes differ. Re-encoded and resized pictures: mostly below 6;
    /// different pictures: around 32.
    #[must_use]
    pub fn distance(self, other: Self) -> u32 {
        (self.0 ^ other.0).count_ones()
    }

    /// The hash of the picture turned.
    #[must_use]
    pub fn turned(self, turn: Turn) -> Self {
        let mut hash = self;
        if turn.mirrored {
            hash = hash.mirrored();
        }
        for _ in 0..turn.quarters % 4 {
            hash = hash.transposed().mirrored();
        }
        hash
    }

    /// Left to right: coefficients of odd horizontal frequency change their sign.
    fn mirrored(self) -> Self {
        Self(self.0 ^ 0xaaaa_aaaa_aaaa_aaaa)
    }

    /// Rows become columns.
    fn transposed(self) -> Self {
        let mut bits = 0;
        for y in 0..8 {
            for x in 0..8 {
                bits |= (self.0 >> (8 * y + x) & 1) << (8 * x + y);
            }
        }
        Self(bits)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for Hash {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        u64::from_str_radix(text, 16).map(Self)
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture with light in all coefficients.
    fn picture() -> Luma {
        let bytes = (0..1024u32).map(|at| {
            let (x, y) = (f64::from(at % 32), f64::from(at / 32));
            (128.0
                + 60.0 * (x * 0.23 + y * y * 0.011).sin()
                + 55.0 * (y * 0.31 + x * x * 0.02).cos()) as u8
        });
        Luma { width: 32, height: 32, bytes: bytes.collect() }
    }

    #[test]
    fn the_hash_of_a_turned_picture_is_the_turned_hash() {
        let hash = Hash::of(&picture());
        // Orientations as they are to be undone: how a picture stored so is shown.
        let turns = [
            (1, false, 0),
            (6, false, 1),
            (3, false, 2),
            (8, false, 3),
            (2, true, 0),
            (7, true, 1),
            (4, true, 2),
            (5, true, 3),
        ];
        for (orientation, mirrored, quarters) in turns {
            let turned = Hash::of(&picture().turned(orientation));
            let expected = hash.turned(Turn { mirrored, quarters });
            assert!(turned.distance(expected) <= 1, "{orientation}: {turned} {expected}");
        }
    }

    #[test]
    fn a_hash_is_written_and_read() {
        let hash = Hash(0x00ab_cdef_0123_4567);
        assert_eq!(hash.to_string(), "00abcdef01234567");
        assert_eq!(hash.to_string().parse(), Ok(hash));
        assert_eq!(Hash::of(&Luma { width: 32, height: 32, bytes: vec![9; 1024] }), Hash(0));
    }
}
