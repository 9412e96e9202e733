use serde::{Deserialize, Serialize};

use crate::look::Look;

/// What tells photos from screenshots and documents: parts of 1, measured at 256 pixels of the
/// longest side or less.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Features {
    /// Share of pixels that equal their neighbours exactly (drawn surfaces; noise leaves none).
    pub flat: f64,
    /// Share of the ten most frequent colours (of 4096).
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

/// What a picture seems to be.
#[must_use]
pub fn kind(_look: &Look, hints: &Hints) -> Guess {
    let kind = if hints.screenshot { Kind::Screenshot } else { Kind::Photo };
    Guess { kind, confidence: 0.34, why: Vec::new() }
}
