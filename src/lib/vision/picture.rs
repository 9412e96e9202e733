//! Pixels, and parts of them at other sizes.

/// Pixels of a picture, as it is shown.
#[derive(Clone, Copy, Debug)]
pub struct Picture<'a> {
    width: usize,
    height: usize,
    rgb: &'a [u8],
}

/// A part of a picture, in pixels; it may reach beyond the edges.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Part {
    pub(crate) x: f32,
    pub(crate) y: f32,
    pub(crate) width: f32,
    pub(crate) height: f32,
}

/// Red, green, blue: 0 to 255.
pub(crate) type Colour = [f32; 3];

impl<'a> Picture<'a> {
    /// A picture of `width` × `height` pixels, three bytes each, row by row from the top; `None`
    /// where there are not as many, or none.
    #[must_use]
    pub fn new(width: u32, height: u32, rgb: &'a [u8]) -> Option<Self> {
        let (width, height) = (width as usize, height as usize);
        let fits = width.checked_mul(height)?.checked_mul(3)? == rgb.len();
        (fits && !rgb.is_empty()).then_some(Self { width, height, rgb })
    }

    /// In pixels.
    pub(crate) fn size(&self) -> (usize, usize) {
        (self.width, self.height)
    }

    pub(crate) fn whole(&self) -> Part {
        Part { x: 0.0, y: 0.0, width: self.width as f32, height: self.height as f32 }
    }

    /// Black beyond the edges.
    fn pixel(&self, x: i64, y: i64) -> Colour {
        let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y)) else { return [0.0; 3] };
        if x >= self.width || y >= self.height {
            return [0.0; 3];
        }
        let at = (y * self.width + x) * 3;
        [self.rgb[at], self.rgb[at + 1], self.rgb[at + 2]].map(f32::from)
    }

    /// The part at another size, row by row: mean colours of the areas that pixels cover where it
    /// gets smaller, straight lines between pixels where it gets larger.
    pub(crate) fn resized(&self, part: Part, width: usize, height: usize) -> Vec<Colour> {
        let columns = spans(part.x, part.width, width);
        let rows = spans(part.y, part.height, height);
        let mut pixels = Vec::with_capacity(width * height);
        for row in &rows {
            for column in &columns {
                let mut sum = [0.0; 3];
                for (y, weight_y) in row.pixels() {
                    for (x, weight_x) in column.pixels() {
                        let weight = weight_x * weight_y;
                        for (sum, value) in sum.iter_mut().zip(self.pixel(x, y)) {
                            *sum += weight * value;
                        }
                    }
                }
                pixels.push(sum);
            }
        }
        pixels
    }

    /// Brightness (ITU-R BT.601) of the pixels of a part that lie inside the picture, 0 to 255, row
    /// by row.
    pub(crate) fn luma(&self, part: Part) -> Vec<f32> {
        let side = |from: f32, length: f32, end: usize| {
            let clamp = |at: f32| at.clamp(0.0, end as f32) as usize;
            clamp(from.round())..clamp((from + length).round())
        };
        let columns = side(part.x, part.width, self.width);
        let mut luma = Vec::new();
        for y in side(part.y, part.height, self.height) {
            for x in columns.clone() {
                let [r, g, b] = self.pixel(x as i64, y as i64);
                luma.push(0.299 * r + 0.587 * g + 0.114 * b);
            }
        }
        luma
    }
}

/// Neighbouring pixels of a side that one new pixel is made of.
struct Span {
    first: i64,
    count: i64,
    /// Share of the last one, where there are two that are weighed by distance.
    last: Option<f32>,
}

impl Span {
    fn pixels(&self) -> impl Iterator<Item = (i64, f32)> + '_ {
        (0..self.count).map(|n| {
            let weight = match self.last {
                Some(last) if n == 0 => 1.0 - last,
                Some(last) => last,
                None => 1.0 / self.count as f32,
            };
            (self.first + n, weight)
        })
    }
}

fn spans(from: f32, length: f32, count: usize) -> Vec<Span> {
    let step = length / count.max(1) as f32;
    (0..count)
        .map(|n| {
            let start = from + n as f32 * step;
            if step >= 1.0 {
                let first = (start + 0.5).floor() as i64;
                let end = ((start + step) + 0.5).floor() as i64;
                Span { first, count: (end - first).max(1), last: None }
            } else {
                let middle = start + step / 2.0 - 0.5;
                let first = middle.floor();
                Span { first: first as i64, count: 2, last: Some(middle - first) }
            }
        })
        .collect()
}
