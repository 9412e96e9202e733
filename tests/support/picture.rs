//! Pictures made for tests.

use jpeg_encoder::{ColorType, Encoder};

/// An entry of a TIFF directory: tag, type, count, value.
type Entry = (u16, u16, u32, Vec<u8>);

/// A picture as a camera might have written it.
#[derive(Clone, Default)]
pub struct Shot {
    taken: Option<String>,
    offset: Option<String>,
    camera: Option<(String, String)>,
    gps: Option<(u32, u32)>,
    scene: u32,
    blurred: bool,
    side: u16,
    text: Option<String>,
    pixels: Option<Vec<u8>>,
}

impl Shot {
    /// Taken at this time, as EXIF has it: `2024:03:05 14:07:09`.
    pub fn at(taken: &str) -> Self {
        Self { taken: Some(taken.to_owned()), side: 96, scene: 1, ..Self::default() }
    }

    /// No date inside.
    pub fn undated() -> Self {
        Self { side: 96, scene: 2, ..Self::default() }
    }

    /// No picture at all.
    pub fn text(text: &str) -> Self {
        Self { text: Some(text.to_owned()), ..Self::default() }
    }

    /// With the pixels of this JPEG.
    #[must_use]
    pub fn pixels(mut self, jpeg: Vec<u8>) -> Self {
        self.pixels = Some(jpeg);
        self
    }

    /// All of one colour.
    ///
    /// # Panics
    /// When no JPEG can be made of it.
    #[must_use]
    pub fn colour(self, rgb: [u8; 3]) -> Self {
        let mut file = Vec::new();
        let pixels = rgb.repeat(64 * 64);
        Encoder::new(&mut file, 90).encode(&pixels, 64, 64, ColorType::Rgb).expect("a JPEG");
        self.pixels(file)
    }

    /// The offset from UTC: `+01:00`.
    #[must_use]
    pub fn offset(mut self, offset: &str) -> Self {
        self.offset = Some(offset.to_owned());
        self
    }

    /// Make and model.
    #[must_use]
    pub fn camera(mut self, make: &str, model: &str) -> Self {
        self.camera = Some((make.to_owned(), model.to_owned()));
        self
    }

    /// Whole degrees north and east.
    #[must_use]
    pub fn gps(mut self, north: u32, east: u32) -> Self {
        self.gps = Some((north, east));
        self
    }

    /// What it shows.
    #[must_use]
    pub fn scene(mut self, scene: u32) -> Self {
        self.scene = scene;
        self
    }

    /// Without its fine lines.
    #[must_use]
    pub fn blurred(mut self) -> Self {
        self.blurred = true;
        self
    }

    /// Pixels of a side.
    #[must_use]
    pub fn side(mut self, side: u16) -> Self {
        self.side = side;
        self
    }

    /// The file.
    ///
    /// # Panics
    /// When no JPEG can be made of it.
    pub fn bytes(&self) -> Vec<u8> {
        if let Some(text) = &self.text {
            return text.clone().into_bytes();
        }
        let file = self.pixels.clone().unwrap_or_else(|| self.drawn());
        let exif = self.exif();
        let mut bytes = file[..2].to_vec();
        bytes.extend([0xff, 0xe1]);
        bytes.extend(u16::try_from(exif.len() + 8).expect("short").to_be_bytes());
        bytes.extend(b"Exif\0\0");
        bytes.extend(exif);
        bytes.extend(&file[2..]);
        bytes
    }

    /// A JPEG of the scene.
    fn drawn(&self) -> Vec<u8> {
        let side = usize::from(self.side);
        let value = |x: usize, y: usize| {
            // Blocks of a pattern that depends on the scene, with fine lines in them.
            let block = (x * 8 / side + 8 * (y * 8 / side)) as u32;
            let mixed = (block + 1).wrapping_mul(2_654_435_761).wrapping_add(self.scene * 40_503);
            let coarse = (mixed.wrapping_mul(mixed | 1) >> 24) as u8 / 2 + 32;
            let fine = if (x + y) % 4 < 2 { 48 } else { 0 };
            if self.blurred { coarse + 24 } else { coarse + fine }
        };
        let pixels: Vec<u8> = (0..side * side).map(|n| value(n % side, n / side)).collect();
        let mut file = Vec::new();
        let encoder = Encoder::new(&mut file, 90);
        encoder.encode(&pixels, self.side, self.side, ColorType::Luma).expect("a JPEG");
        file
    }

    /// A TIFF structure (EXIF 3.0, chapter 4.6), little-endian.
    fn exif(&self) -> Vec<u8> {
        let ascii = |tag: u16, text: &str| -> Entry {
            (tag, 2, text.len() as u32 + 1, [text.as_bytes(), &[0]].concat())
        };
        let mut first: Vec<Entry> = Vec::new();
        if let Some((make, model)) = &self.camera {
            first.extend([ascii(0x10f, make), ascii(0x110, model)]);
        }
        let mut exif: Vec<Entry> = Vec::new();
        exif.extend(self.taken.as_deref().map(|taken| ascii(0x9003, taken)));
        exif.extend(self.offset.as_deref().map(|offset| ascii(0x9011, offset)));
        let degrees = |n: u32| -> Vec<u8> {
            [n, 1, 0, 1, 0, 1].iter().flat_map(|n: &u32| n.to_le_bytes()).collect()
        };
        let gps: Vec<Entry> = self.gps.map_or_else(Vec::new, |(north, east)| {
            vec![ascii(1, "N"), (2, 5, 3, degrees(north)), ascii(3, "E"), (4, 5, 3, degrees(east))]
        });
        let size = |entries: usize| 2 + 12 * entries as u32 + 4;
        let pointers = 1 + usize::from(!gps.is_empty());
        let exif_at = 8 + size(first.len() + pointers);
        let gps_at = exif_at + size(exif.len());
        let mut data_at = gps_at + if gps.is_empty() { 0 } else { size(gps.len()) };
        first.push((0x8769, 4, 1, exif_at.to_le_bytes().to_vec()));
        if !gps.is_empty() {
            first.push((0x8825, 4, 1, gps_at.to_le_bytes().to_vec()));
        }
        let mut out = [&b"II"[..], &42u16.to_le_bytes(), &8u32.to_le_bytes()].concat();
        let mut data: Vec<u8> = Vec::new();
        let folders = [&first, &exif].into_iter().chain((!gps.is_empty()).then_some(&gps));
        for folder in folders {
            out.extend(u16::try_from(folder.len()).expect("few").to_le_bytes());
            for (tag, kind, count, value) in folder {
                out.extend([tag.to_le_bytes(), kind.to_le_bytes()].concat());
                out.extend(count.to_le_bytes());
                if value.len() <= 4 {
                    out.extend(value.iter().copied().chain([0; 4]).take(4));
                } else {
                    out.extend(data_at.to_le_bytes());
                    data_at += value.len() as u32;
                    data.extend(value);
                }
            }
            out.extend([0; 4]);
        }
        out.extend(data);
        out
    }
}
