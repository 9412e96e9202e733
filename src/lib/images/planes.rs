//! Decoded planes of brightness and two differences of colour, and the colours that they make.

/// How the samples of a picture are to be read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    /// Samples left of the picture, and above it.
    pub(crate) left: usize,
    pub(crate) top: usize,
    pub(crate) width: usize,
    pub(crate) height: usize,
    /// Pixels across and down that share one colour; none where there is only brightness.
    pub(crate) chroma: Option<(usize, usize)>,
    /// Bits of a sample of brightness, and of colour.
    pub(crate) depth: (u8, u8),
    pub(crate) colours: Colours,
    /// All values are used, not only 16 to 235 (of 8 bits).
    pub(crate) full: bool,
}

/// What the planes say (ITU-T H.273, table 4).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Colours {
    /// Green, blue, red.
    Identity,
    /// The shares of red and blue in brightness.
    Weights(f32, f32),
}

/// The shares of ITU-R BT.601, which JPEG has.
pub(crate) const BT601: Colours = Colours::Weights(0.299, 0.114);

impl Layout {
    /// The mean colour of a square of pixels. `sample` gives the value at a column and row of one
    /// of the three planes.
    pub(crate) fn mean(
        &self,
        x: usize,
        y: usize,
        side: usize,
        sample: impl Fn(usize, usize, usize) -> Option<u16>,
    ) -> [u8; 3] {
        let (right, lower) = ((x + side).min(self.width), (y + side).min(self.height));
        let mean = |plane: usize, across: usize, down: usize, depth: u8| {
            let (mut sum, mut count) = (0u64, 0u64);
            for y in (self.top + y) / down..(self.top + lower).div_ceil(down) {
                for x in (self.left + x) / across..(self.left + right).div_ceil(across) {
                    if let Some(value) = sample(plane, x, y) {
                        sum += u64::from(value);
                        count += 1;
                    }
                }
            }
            (sum as f32 / count.max(1) as f32) / f32::from(1u16 << depth.saturating_sub(8))
        };
        let byte = |value: f32| (value + 0.5) as u8;
        let stretched = |value: f32| if self.full { value } else { (value - 16.0) * 255.0 / 219.0 };
        let luma = stretched(mean(0, 1, 1, self.depth.0));
        let Some((across, down)) = self.chroma else { return [byte(luma); 3] };
        let [blue, red] = [1, 2].map(|plane| mean(plane, across, down, self.depth.1));
        let (for_red, for_blue) = match self.colours {
            Colours::Identity => return [byte(stretched(red)), byte(luma), byte(stretched(blue))],
            Colours::Weights(red, blue) => (red, blue),
        };
        let range = if self.full { 1.0 } else { 255.0 / 224.0 };
        let (blue, red) = ((blue - 128.0) * range, (red - 128.0) * range);
        let (to_red, to_blue) = (2.0 * (1.0 - for_red), 2.0 * (1.0 - for_blue));
        let green =
            (to_red * for_red * red + to_blue * for_blue * blue) / (1.0 - for_red - for_blue);
        [byte(luma + to_red * red), byte(luma - green), byte(luma + to_blue * blue)]
    }
}
