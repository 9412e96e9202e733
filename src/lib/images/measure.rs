//! Measures of brightness. (`imageproc` has a Laplacian too, and brings matrices, random numbers
//! and fonts along for it.)

use crate::look::Exposure;
use crate::pixels::Luma;

/// Pixels of a tile's side.
const TILE: usize = 32;
/// What is nearly black, and nearly white.
const SHADOW: u8 = 4;
const HIGHLIGHT: u8 = 251;

/// Exposure and contrast.
pub(crate) fn exposure(luma: &Luma) -> (Exposure, f64) {
    // Four that are added up: one alone waits, where neighbours are equal, for what was stored.
    let mut parts = [[0u32; 256]; 4];
    let (fours, rest) = luma.bytes.as_chunks::<4>();
    for four in fours {
        for (part, byte) in parts.iter_mut().zip(four) {
            part[usize::from(*byte)] += 1;
        }
    }
    rest.iter().for_each(|byte| parts[0][usize::from(*byte)] += 1);
    let histogram: [u64; 256] =
        std::array::from_fn(|level| parts.iter().map(|part| u64::from(part[level])).sum());
    let count = luma.bytes.len().max(1) as f64;
    let share = |part: &[u64]| part.iter().sum::<u64>() as f64 / count;
    let moment = |power: i32| {
        let weighted = (0u32..).zip(&histogram);
        weighted.map(|(level, n)| (f64::from(level) / 255.0).powi(power) * *n as f64).sum::<f64>()
            / count
    };
    let mean = moment(1);
    let exposure = Exposure {
        mean,
        shadows: share(&histogram[..=usize::from(SHADOW)]),
        highlights: share(&histogram[usize::from(HIGHLIGHT)..]),
    };
    (exposure, (moment(2) - mean * mean).max(0.0).sqrt())
}

/// The root of the mean square of the Laplacian (the difference of a pixel from its four
/// neighbours; Pertuz et al., 2013) over the sharpest quarter of the picture's tiles, relative to
/// the contrast: a subject that stands out against a blurred background counts as sharp, and more
/// or less exposure changes nothing.
pub(crate) fn sharpness(luma: &Luma, contrast: f64) -> f64 {
    let (width, height) = (luma.width as usize, luma.height as usize);
    if width < 3 || height < 3 || contrast < 1e-3 {
        return 0.0;
    }
    let columns = (width - 2).div_ceil(TILE);
    let mut tiles = Vec::new();
    let mut sums = vec![(0u64, 0u64); columns];
    let mut rows = 0;
    for y in 1..height - 1 {
        let row = |y: usize| &luma.bytes[y * width..(y + 1) * width];
        let (above, here, below) = (row(y - 1), row(y), row(y + 1));
        for (column, sum) in sums.iter_mut().enumerate() {
            let from = column * TILE;
            let to = (from + TILE).min(width - 2);
            sum.0 += squares(&above[from..], &here[from..], &below[from..], to - from);
            sum.1 += (to - from) as u64;
        }
        rows += 1;
        if rows == TILE || y == height - 2 {
            tiles.extend(sums.iter().map(|&(sum, count)| sum as f64 / count.max(1) as f64));
            sums.fill((0, 0));
            rows = 0;
        }
    }
    tiles.sort_unstable_by(|a, b| b.total_cmp(a));
    tiles.truncate(tiles.len().div_ceil(4));
    let mean = tiles.iter().sum::<f64>() / tiles.len().max(1) as f64;
    mean.sqrt() / (255.0 * contrast)
}

/// The squares of the Laplacian of some pixels of a row; slices begin one pixel before the first.
fn squares(above: &[u8], here: &[u8], below: &[u8], count: usize) -> u64 {
    let (above, below) = (&above[1..=count], &below[1..=count]);
    let (left, middle, right) = (&here[..count], &here[1..=count], &here[2..count + 2]);
    let mut sum = 0u32;
    for at in 0..count {
        let around = i32::from(above[at])
            + i32::from(below[at])
            + i32::from(left[at])
            + i32::from(right[at]);
        let difference = 4 * i32::from(middle[at]) - around;
        // At most 32 × 1020² fits.
        sum += (difference * difference) as u32;
    }
    sum.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stripes(period: usize, dark: u8, light: u8) -> Luma {
        let bytes = (0..256 * 256)
            .map(|at| if (at % 256 / period).is_multiple_of(2) { dark } else { light });
        Luma { width: 256, height: 256, bytes: bytes.collect() }
    }

    fn sharp(luma: &Luma) -> f64 {
        sharpness(luma, exposure(luma).1)
    }

    #[test]
    fn exposure_counts_light() {
        let (exposure, contrast) = exposure(&stripes(8, 0, 255));
        assert!((exposure.mean - 0.5).abs() < 1e-9 && (contrast - 0.5).abs() < 1e-9);
        assert_eq!((exposure.shadows, exposure.highlights), (0.5, 0.5));
    }

    #[test]
    fn more_detail_is_sharper_at_any_exposure() {
        let fine = sharp(&stripes(4, 50, 100));
        assert!(fine > 1.2 * sharp(&stripes(16, 50, 100)), "fine detail");
        assert!((fine - sharp(&stripes(4, 100, 200))).abs() < 1e-6, "twice the light");
        let mut blurred = stripes(4, 50, 100);
        for at in 1..blurred.bytes.len() {
            blurred.bytes[at] = blurred.bytes[at - 1].midpoint(blurred.bytes[at]);
        }
        assert!(fine > 1.2 * sharp(&blurred), "blurred");
    }

    #[test]
    fn nothing_is_not_sharp() {
        assert_eq!(sharp(&stripes(4, 9, 9)), 0.0);
        assert_eq!(sharp(&Luma { width: 2, height: 1, bytes: vec![0, 255] }), 0.0);
    }
}
