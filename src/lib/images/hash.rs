use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

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
    /// All four turns, and with `mirrored` those of the mirrored picture too; as it is comes first.
    pub fn all(mirrored: bool) -> impl Iterator<Item = Self> {
        let both: &[bool] = if mirrored { &[false, true] } else { &[false] };
        both.iter().flat_map(|&mirrored| (0..4).map(move |quarters| Self { mirrored, quarters }))
    }
}

impl Hash {
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
