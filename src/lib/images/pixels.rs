//! Pictures in memory: resizing and turning.

/// Rows of pixels, `CHANNELS` bytes each.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pixels<const CHANNELS: usize> {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) bytes: Vec<u8>,
}

/// Red, green, blue.
pub(crate) type Rgb = Pixels<3>;
/// Brightness.
pub(crate) type Luma = Pixels<1>;

impl<const CHANNELS: usize> Pixels<CHANNELS> {
    /// The mean colours of the areas that each new pixel covers, in whole pixels.
    pub(crate) fn resized(&self, width: u32, height: u32) -> Self {
        let (columns, rows) = (spans(self.width, width), spans(self.height, height));
        let stride = self.width as usize * CHANNELS;
        let mut bytes = Vec::with_capacity(columns.len() * rows.len() * CHANNELS);
        // 16 million pixels fit into a sum: more than memory is allowed for.
        let mut sums = vec![0u32; stride];
        for &(top, bottom) in &rows {
            // Down first, over whole rows: the compiler handles many values at once.
            sums.fill(0);
            for row in self.bytes[top * stride..bottom * stride].chunks_exact(stride) {
                for (sum, value) in sums.iter_mut().zip(row) {
                    *sum = sum.wrapping_add(u32::from(*value));
                }
            }
            let (pixels, _) = sums.as_chunks::<CHANNELS>();
            for &(left, right) in &columns {
                let mut sum = [0u32; CHANNELS];
                for pixel in &pixels[left..right] {
                    for (sum, value) in sum.iter_mut().zip(pixel) {
                        *sum = sum.wrapping_add(*value);
                    }
                }
                let count = ((right - left) * (bottom - top)) as u32;
                bytes.extend(sum.map(|sum| (sum.wrapping_add(count / 2) / count) as u8));
            }
        }
        Self { width, height, bytes }
    }

    /// Smaller, so that no side is longer; as it is where none is.
    pub(crate) fn within(self, longest: u32) -> Self {
        let now = self.width.max(self.height);
        if now <= longest {
            return self;
        }
        let side = |side: u32| {
            let side = (u64::from(side) * u64::from(longest) + u64::from(now) / 2) / u64::from(now);
            u32::try_from(side).unwrap_or(longest).max(1)
        };
        self.resized(side(self.width), side(self.height))
    }

    /// Turned as an EXIF orientation (1 to 8) says.
    pub(crate) fn turned(self, orientation: u8) -> Self {
        if !(2..=8).contains(&orientation) {
            return self;
        }
        let (width, height) = (self.width as usize, self.height as usize);
        let swapped = orientation >= 5;
        let (to_width, to_height) = if swapped { (height, width) } else { (width, height) };
        let mut bytes = Vec::with_capacity(self.bytes.len());
        for y in 0..to_height {
            for x in 0..to_width {
                // Where the pixel shown at (x, y) is stored.
                let (from_x, from_y) = match orientation {
                    2 => (width - 1 - x, y),
                    3 => (width - 1 - x, height - 1 - y),
                    4 => (x, height - 1 - y),
                    5 => (y, x),
                    6 => (y, height - 1 - x),
                    7 => (width - 1 - y, height - 1 - x),
                    _ => (width - 1 - y, x),
                };
                let at = (from_y * width + from_x) * CHANNELS;
                bytes.extend_from_slice(&self.bytes[at..at + CHANNELS]);
            }
        }
        let (width, height) =
            if swapped { (self.height, self.width) } else { (self.width, self.height) };
        Self { width, height, bytes }
    }
}

/// The pixels of a side that each pixel of another length covers; one at least.
fn spans(from: u32, to: u32) -> Vec<(usize, usize)> {
    let place = |n: u32| (u64::from(n) * u64::from(from) / u64::from(to.max(1))) as usize;
    (0..to).map(|n| (place(n), place(n + 1).max(place(n) + 1))).collect()
}

impl Rgb {
    /// Brightness, by the weights of ITU-R BT.601, which JPEG has.
    pub(crate) fn luma(&self) -> Luma {
        let (pixels, _) = self.bytes.as_chunks::<3>();
        let luma = |&[r, g, b]: &[u8; 3]| {
            ((u32::from(r) * 19595 + u32::from(g) * 38470 + u32::from(b) * 7471 + 32768) >> 16)
                as u8
        };
        Luma { width: self.width, height: self.height, bytes: pixels.iter().map(luma).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orientations_move_the_corners_where_they_belong() {
        // Stored as  a b   and what is shown for each orientation, row by row.
        //            c d
        //            e f
        let stored = Luma { width: 2, height: 3, bytes: b"abcdef".to_vec() };
        let shown: [&[u8]; 8] = [
            b"abcdef", b"badcfe", b"fedcba", b"efcdab", b"acebdf", b"ecafdb", b"fdbeca", b"bdface",
        ];
        for (orientation, shown) in (1u8..).zip(shown) {
            let turned = stored.clone().turned(orientation);
            assert_eq!(turned.bytes, shown, "{orientation}");
            let expected = if orientation < 5 { (2, 3) } else { (3, 2) };
            assert_eq!((turned.width, turned.height), expected, "{orientation}");
        }
        assert_eq!(stored.clone().turned(0), stored);
    }

    #[test]
    fn resized_pixels_are_means_of_areas() {
        let picture = Luma { width: 4, height: 2, bytes: vec![0, 100, 8, 8, 100, 200, 8, 8] };
        assert_eq!(picture.resized(2, 1).bytes, [100, 8]);
        let long = Luma { width: 1000, height: 1, bytes: vec![7; 1000] }.within(10);
        assert_eq!((long.width, long.height, long.bytes[9]), (10, 1, 7));
    }
}
