use std::f64::consts::SQRT_2;

use serde::{Deserialize, Serialize};

use crate::look::{Format, Look, rounded};

/// What tells photos from screenshots and documents: parts of 1, measured at 1000 pixels of
/// the longest side or less.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Features {
    /// Share of pixels that equal their neighbours exactly (drawn surfaces; noise leaves none).
    pub flat: f64,
    /// Share of pixels that have one of the ten most frequent colours (of 4096).
    pub few: f64,
    /// Share of pixels that are nearly white.
    pub paper: f64,
    /// Share of pixels without colour.
    pub grey: f64,
    /// Share of sharp changes of brightness.
    pub edges: f64,
    /// Share of those that run straight along rows or columns.
    pub straight: f64,
    /// Anything is transparent.
    pub transparent: bool,
}

/// What a picture is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Taken of the world.
    Photo,
    /// Taken of a screen's content.
    Screenshot,
    /// A page: scanned, photographed, or rendered.
    Document,
}

/// What else is known about the picture, from metadata and names.
#[derive(Clone, Copy, Debug, Default)]
pub struct Hints {
    /// Its metadata names a camera, or an exposure time.
    pub camera: bool,
    /// Its name or metadata say that it is a screenshot.
    pub screenshot: bool,
    /// Its name or metadata say that it was scanned.
    pub scan: bool,
}

/// What a picture seems to be, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Guess {
    /// What.
    pub kind: Kind,
    /// How sure, 0.34 to 1.
    pub confidence: f64,
    /// What speaks for it, for people.
    pub why: Vec<String>,
}

/// What a picture seems to be: points for each kind by what was measured and what else is known,
/// and the softmax of the points as confidence. Rules of thumb, not a trained model.
#[must_use]
pub fn kind(look: &Look, hints: &Hints) -> Guess {
    let mut points = Points::default();
    points.hints(hints);
    points.frame(look, hints);
    points.surface(&look.features);
    points.guess()
}

/// Sides of screens in pixels, short one first: phones, tablets, desktops.
#[rustfmt::skip]
const SCREENS: [(u32, u32); 44] = [
    (640, 1136), (720, 1280), (720, 1440), (720, 1520), (720, 1560), (720, 1600), (750, 1334),
    (768, 1024), (768, 1366), (800, 1280), (828, 1792), (900, 1440), (900, 1600), (1050, 1680),
    (1080, 1920), (1080, 2160), (1080, 2220), (1080, 2280), (1080, 2310), (1080, 2340),
    (1080, 2400), (1080, 2408), (1080, 2460), (1080, 2520), (1125, 2436), (1170, 2532),
    (1179, 2556), (1200, 1920), (1206, 2622), (1220, 2712), (1242, 2208), (1242, 2688),
    (1284, 2778), (1290, 2796), (1320, 2868), (1344, 2992), (1440, 2560), (1440, 2960),
    (1440, 3040), (1440, 3088), (1440, 3120), (1440, 3200), (1536, 2048), (2160, 3840),
];

/// Points for photo, screenshot, document, and their reasons.
#[derive(Default)]
struct Points {
    points: [f64; 3],
    why: [Vec<String>; 3],
}

impl Points {
    fn add(&mut self, kind: Kind, points: f64, why: &str) {
        self.points[kind as usize] += points;
        if points > 0.0 {
            self.why[kind as usize].push(why.to_owned());
        }
    }

    fn hints(&mut self, hints: &Hints) {
        if hints.screenshot {
            self.add(Kind::Screenshot, 6.0, "its name or metadata say so");
        }
        if hints.scan {
            self.add(Kind::Document, 5.0, "its name or metadata speak of a scan");
        }
        if hints.camera {
            self.add(Kind::Photo, 2.5, "a camera took it");
            self.add(Kind::Screenshot, -2.0, "");
        }
    }

    /// What the format and the sides say.
    fn frame(&mut self, look: &Look, hints: &Hints) {
        self.add(Kind::Photo, 0.5, "most pictures are");
        let (short, long) = (look.width.min(look.height), look.width.max(look.height));
        let photographic = matches!(look.format, Format::Raw | Format::Heic);
        if photographic {
            self.add(Kind::Photo, 2.0, "cameras write this format");
        }
        if hints.camera || photographic {
            return;
        }
        if look.format == Format::Png {
            self.add(Kind::Screenshot, 1.0, "a PNG without a camera");
        }
        if SCREENS.contains(&(short, long)) {
            self.add(Kind::Screenshot, 2.0, "the size of a screen");
        }
        let ratio = f64::from(long) / f64::from(short.max(1));
        if [SQRT_2, 11.0 / 8.5].iter().any(|page| (ratio / page - 1.0).abs() < 0.006) {
            self.add(Kind::Document, 0.7, "the shape of a page");
        }
    }

    /// What the pixels say.
    fn surface(&mut self, features: &Features) {
        let Features { flat, few, paper, grey, edges, straight, .. } = *features;
        match flat {
            0.6.. => {
                self.add(Kind::Screenshot, 2.0, "large areas of exactly one colour");
                self.add(Kind::Document, 0.8, "large areas of exactly one colour");
            }
            0.0..0.3 => self.add(Kind::Photo, 1.5, "fine differences everywhere"),
            _ => {}
        }
        if straight > 0.5 && edges > 0.005 {
            self.add(Kind::Screenshot, 1.0, "edges along rows and columns");
        }
        if few < 0.45 {
            self.add(Kind::Photo, 1.0, "many colours");
        }
        if paper + 0.05 > 0.6 && grey > 0.8 {
            self.add(Kind::Document, 2.0, "mostly white, hardly any colour");
            if edges > 0.01 {
                self.add(Kind::Document, 1.0, "dark strokes on it");
            }
        } else if few > 0.6 && grey > 0.85 && (0.01..0.35).contains(&edges) && paper > 0.2 {
            self.add(Kind::Document, 1.5, "dark strokes on light grey");
        }
        if features.transparent {
            self.add(Kind::Screenshot, 0.5, "transparent parts");
        }
    }

    fn guess(self) -> Guess {
        let kinds = [Kind::Photo, Kind::Screenshot, Kind::Document];
        let total: f64 = self.points.iter().map(|p| p.exp()).sum();
        let mut best = 0;
        for kind in 1..kinds.len() {
            if self.points[kind] > self.points[best] {
                best = kind;
            }
        }
        let confidence = rounded(self.points[best].exp() / total);
        let [photo, screenshot, document] = self.why;
        let why = [photo, screenshot, document].into_iter().nth(best).unwrap_or_default();
        Guess { kind: kinds[best], confidence, why }
    }
}
