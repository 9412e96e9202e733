use std::array::from_fn;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::hash::Turn;
use crate::pixels::{Luma, Rgb};

/// Pixels of a side.
pub(crate) const SIDE: usize = 32;
/// Bins of the histogram of colours: 5 × 5 of two chroma channels.
const COLOURS: usize = 25;

/// What is kept of a picture to tell whether another one shows the same scene: its brightness at
/// 32 × 32 pixels, and how its colours are spread. Written as base64 of 1049 bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Likeness {
    /// Rows of brightness.
    pub(crate) luma: Box<[u8; SIDE * SIDE]>,
    /// Shares of colours, 255 for all.
    pub(crate) colours: [u8; COLOURS],
}

impl Likeness {
    /// Of a picture reduced to 32 × 32 pixels.
    pub(crate) fn of(pixels: &Rgb) -> Self {
        let bytes = pixels.luma().bytes;
        let luma = from_fn(|at| bytes.get(at).copied().unwrap_or(0));
        let mut counts = [0u32; COLOURS];
        for &[r, g, b] in pixels.bytes.as_chunks::<3>().0 {
            let (r, g, b) = (i32::from(r), i32::from(g), i32::from(b));
            // Red against green, and blue against both, in five steps each: most colours are
            // pale, and grey ones are in the middle of a step, not between two.
            let bin = |difference: i32| match difference {
                ..-40 => 0,
                -40..-12 => 1,
                -12..=12 => 2,
                13..=40 => 3,
                _ => 4,
            };
            counts[5 * bin(r - g) + bin(b - (r + g) / 2)] += 1;
        }
        let colours = counts.map(|count| (count * 255 / (SIDE * SIDE) as u32) as u8);
        Self { luma: Box::new(luma), colours }
    }

    /// How much the other picture is this one turned, 0 to 1: at another size, encoded anew, or
    /// with a little more light. Another shot of the scene is not the same picture; for that, see
    /// [`Likeness::compare`].
    #[must_use]
    pub fn repeats(&self, other: &Self, turn: Turn) -> f64 {
        let luma = Luma { width: SIDE as u32, height: SIDE as u32, bytes: self.luma.to_vec() };
        let turned = luma.turned(turn.orientation()).bytes;
        let mine = detail(&from_fn(|at| turned[at]));
        let best = correlation(&mine, &detail(&other.luma), 0, 0).max(0.0);
        f64::from(best) * self.common_colours(other).sqrt()
    }

    /// How much another picture from the same place shows the same, 0 to 1: as
    /// [`Likeness::repeats`] without a turn; and where neither has any detail (night, fog, a lens
    /// that is covered), by their brightness and colours.
    #[must_use]
    pub fn same_view(&self, other: &Self) -> f64 {
        if self == other {
            return 1.0;
        }
        let (a, b) = (detail(&self.luma), detail(&other.luma));
        let is_flat = |detail: &[f32]| detail.iter().map(|v| v * v).sum::<f32>() < FLAT;
        let likeness = match (is_flat(&a), is_flat(&b)) {
            (true, true) => {
                let mean = |luma: &[u8]| luma.iter().map(|v| f32::from(*v)).sum::<f32>() / 1024.0;
                1.0 - (mean(&self.luma[..]) - mean(&other.luma[..])).abs() / 255.0
            }
            (true, false) | (false, true) => 0.0,
            (false, false) => correlation(&a, &b, 0, 0).max(0.0),
        };
        f64::from(likeness) * self.common_colours(other).sqrt()
    }

    /// The share of colours that both have.
    fn common_colours(&self, other: &Self) -> f64 {
        let common = self.colours.iter().zip(&other.colours).map(|(a, b)| u32::from(*a.min(b)));
        let total = |colours: &[u8]| colours.iter().map(|n| u32::from(*n)).sum::<u32>();
        let total = total(&self.colours).max(total(&other.colours)).max(1);
        f64::from(common.sum::<u32>()) / f64::from(total)
    }

    /// How alike two pictures are, 0 to 1, whatever their exposure, and though one may be shifted
    /// by up to a quarter of the frame: the largest normalised cross-correlation of their
    /// detail over the shifts, lessened where their colours differ.
    #[must_use]
    pub fn compare(&self, other: &Self) -> f64 {
        if self == other {
            return 1.0;
        }
        let (a, b) = (detail(&self.luma), detail(&other.luma));
        let mut best = 0f32;
        for y in -SHIFT..=SHIFT {
            for x in -SHIFT..=SHIFT {
                best = best.max(correlation(&a, &b, x, y));
            }
        }
        f64::from(best) * self.common_colours(other).sqrt()
    }
}

/// Sum of squares of the detail below which there is only noise: two steps of brightness a pixel.
const FLAT: f32 = 4.0 * (SIDE * SIDE) as f32;

/// Shifts that are tried, in pixels of 32.
const SHIFT: isize = 8;

/// Brightness less its mean around: what light falls where says little about the scene.
fn detail(luma: &[u8; SIDE * SIDE]) -> [f32; SIDE * SIDE] {
    // Sums of all that is above and to the left (Crow's summed-area table, 1984).
    let mut sums = [[0u32; SIDE + 1]; SIDE + 1];
    for y in 0..SIDE {
        let mut row = 0;
        for x in 0..SIDE {
            row += u32::from(luma[y * SIDE + x]);
            sums[y + 1][x + 1] = sums[y][x + 1] + row;
        }
    }
    let mean = |x: usize, y: usize, reach: usize| {
        let span = |at: usize| (at.saturating_sub(reach), (at + reach + 1).min(SIDE));
        let ((left, right), (top, bottom)) = (span(x), span(y));
        let sum = sums[bottom][right] + sums[top][left] - sums[top][right] - sums[bottom][left];
        sum as f32 / ((right - left) * (bottom - top)) as f32
    };
    from_fn(|at| {
        let (x, y) = (at % SIDE, at / SIDE);
        mean(x, y, 1) - mean(x, y, 6)
    })
}

/// The normalised cross-correlation of what two pictures have in common if the second one is
/// shifted.
fn correlation(a: &[f32; SIDE * SIDE], b: &[f32; SIDE * SIDE], x: isize, y: isize) -> f32 {
    let start = |shift: isize| (shift.max(0) as usize, (-shift).max(0) as usize);
    let ((ax, bx), (ay, by)) = (start(x), start(y));
    let (width, height) = (SIDE - x.unsigned_abs(), SIDE - y.unsigned_abs());
    let (mut ab, mut aa, mut bb) = (0f32, 0f32, 0f32);
    for row in 0..height {
        let a = &a[(ay + row) * SIDE + ax..][..width];
        let b = &b[(by + row) * SIDE + bx..][..width];
        for (a, b) in a.iter().zip(b) {
            ab += a * b;
            aa += a * a;
            bb += b * b;
        }
    }
    // A picture without detail is like none.
    if aa.min(bb) < 1.0 { 0.0 } else { ab / (aa * bb).sqrt() }
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
        let (luma, colours) = parts.ok_or_else(|| serde::de::Error::custom("not 1049 bytes"))?;
        Ok(Self { luma, colours })
    }
}
