use std::fs::File;
use std::io::{BufRead, BufReader, Seek};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use jpeg_encoder::{ColorType, Encoder};
use serde::{Deserialize, Serialize};

use crate::decode::{Decoded, LONGEST, Size, decode};
use crate::error::LookError;
use crate::hash::Hash;
use crate::kind::Features;
use crate::likeness::{Likeness, SIDE};
use crate::measure::{exposure, sharpness};
use crate::pixels::Rgb;

/// How to look.
#[derive(Clone, Debug)]
pub struct Options {
    /// Longest side of the thumbnail in pixels; none is made without.
    pub thumbnail: Option<u16>,
    /// JPEG quality of the thumbnail, 1 to 100.
    pub quality: u8,
    /// Bytes of memory for one picture, about: one that needs more is refused.
    pub memory: u64,
    /// Whether the pixels that were measured are handed out.
    pub pixels: bool,
    /// Whether it is measured what [`crate::kind()`] wants to know; else its features are zero.
    pub features: bool,
}

impl Default for Options {
    /// No thumbnail, quality 70, 112 MiB, with features.
    fn default() -> Self {
        Self { thumbnail: None, quality: 70, memory: 112 << 20, pixels: false, features: true }
    }
}

/// What a file is, by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// JPEG (JFIF, Exif, MPO).
    Jpeg,
    /// PNG.
    Png,
    /// GIF: its first frame.
    Gif,
    /// WebP: its first frame.
    Webp,
    /// Windows bitmap.
    Bmp,
    /// TIFF that is no raw picture.
    Tiff,
    /// HEIF with HEVC pixels.
    Heic,
    /// HEIF with AV1 pixels.
    Avif,
    /// A camera's raw picture (DNG, CR2, CR3, NEF, ARW, ORF, RW2, RAF, PEF, …), by its preview.
    Raw,
}

/// Which pixels the measures come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Seen {
    /// The picture's own.
    Picture,
    /// Those of the preview inside it.
    Preview,
}

/// What a picture looks like.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Look {
    /// What the file is.
    pub format: Format,
    /// Width in pixels, turned as the picture is to be shown.
    pub width: u32,
    /// Height in pixels, turned as the picture is to be shown.
    pub height: u32,
    /// The EXIF orientation that was applied: 1 (as stored) to 8.
    pub orientation: u8,
    /// Which pixels were measured.
    pub seen: Seen,
    /// The file ends before the last pixel: what is missing counts as grey.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
    /// How sharp: 0 (nothing but blur) upwards. See [`crate::look()`].
    pub sharpness: f64,
    /// How light.
    pub exposure: Exposure,
    /// Standard deviation of brightness over its range: 0 (one tone) to 0.5 (black and white).
    pub contrast: f64,
    /// A hash that re-encoding and resizing leave nearly as it is.
    pub hash: Hash,
    /// For comparison with pictures of the same scene.
    pub likeness: Likeness,
    /// What tells photos from screenshots and documents: see [`crate::kind()`].
    pub features: Features,
    /// A small JPEG of it, if asked for.
    #[serde(skip)]
    pub thumbnail: Option<Vec<u8>>,
    /// Its pixels, if asked for.
    #[serde(skip)]
    pub pixels: Option<Shown>,
}

/// A picture as it is shown, about 1000 pixels long or as many as there are.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// Red, green and blue of each pixel, row by row from the top.
    pub rgb: Vec<u8>,
}

/// How light a picture is: parts of 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Exposure {
    /// Mean brightness: 0 (black) to 1 (white).
    pub mean: f64,
    /// Share of pixels that are as good as black.
    pub shadows: f64,
    /// Share of pixels that are as good as white.
    pub highlights: f64,
}

/// Looks at the picture in a file: see [`look`].
///
/// # Errors
/// As [`look`].
pub fn look_at(path: &Path, options: &Options) -> Result<Look, LookError> {
    look(BufReader::with_capacity(1 << 16, File::open(path)?), options)
}

/// Looks at a picture.
///
/// Sharpness, exposure and contrast are measured at about 1000 pixels of the longest side, or as many as
/// there are. Sharpness is the root mean square of the Laplacian over the sharpest quarter of the
/// picture, relative to its contrast: comparable between pictures of one scene and one size.
///
/// # Errors
/// [`LookError`] where there are no pixels to look at.
pub fn look<R: BufRead + Seek>(mut source: R, options: &Options) -> Result<Look, LookError> {
    // Decoders of other people's making may panic at damage; all that they touch is dropped then.
    let decoded = catch_unwind(AssertUnwindSafe(|| decode(&mut source, options.memory)));
    let decoded = decoded.map_err(|_| LookError::Damaged("the decoder failed".into()))??;
    Ok(measured(decoded, options))
}

fn measured(decoded: Decoded, options: &Options) -> Look {
    let Size { width, height } = decoded.size;
    let orientation = decoded.orientation;
    // A few pixels more than wanted, as 12 megapixels come, are not worth another pass.
    let longest = u32::from(LONGEST);
    let pixels = match decoded.pixels {
        pixels if pixels.width.max(pixels.height) <= longest + longest / 8 => pixels,
        pixels => pixels.within(longest),
    };
    let luma = pixels.luma();
    let (exposure, contrast) = exposure(&luma);
    let sharpness = sharpness(&luma, contrast);
    let features = if options.features {
        Features::of(&pixels, &luma, decoded.transparent)
    } else {
        Features { transparent: decoded.transparent, ..Features::default() }
    };
    let side = SIDE as u32;
    let small = pixels.resized(side, side).turned(orientation);
    let thumbnail = options.thumbnail.map(|longest| {
        let small = pixels.clone().within(longest.into()).turned(orientation);
        thumbnail(&small, options.quality)
    });
    let shown = options.pixels.then(|| {
        let pixels = pixels.turned(orientation);
        Shown { width: pixels.width, height: pixels.height, rgb: pixels.bytes }
    });
    let (width, height) = if orientation >= 5 { (height, width) } else { (width, height) };
    Look {
        format: decoded.format,
        width,
        height,
        orientation,
        seen: decoded.seen,
        truncated: decoded.truncated,
        sharpness: rounded(sharpness),
        exposure: Exposure {
            mean: rounded(exposure.mean),
            shadows: rounded(exposure.shadows),
            highlights: rounded(exposure.highlights),
        },
        contrast: rounded(contrast),
        hash: Hash::of(&small.luma()),
        likeness: Likeness::of(&small),
        features,
        thumbnail,
        pixels: shown,
    }
}

/// Four decimals: more would pretend to something.
pub(crate) fn rounded(number: f64) -> f64 {
    (number * 1e4).round() / 1e4
}

fn thumbnail(pixels: &Rgb, quality: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    let side = |side: u32| u16::try_from(side).unwrap_or(u16::MAX);
    let encoder = Encoder::new(&mut bytes, quality.clamp(1, 100));
    let (width, height) = (side(pixels.width), side(pixels.height));
    // Sides of at most 1000 pixels, and a list that takes any number of bytes.
    encoder
        .encode(&pixels.bytes, width, height, ColorType::Rgb)
        .unwrap_or_else(|e| unreachable!("{e}"));
    bytes
}
