//! From bytes to a few pixels.

use std::io::{self, BufRead, Seek, SeekFrom};

use image::codecs::{
    bmp::BmpDecoder, gif::GifDecoder, png::PngDecoder, tiff::TiffDecoder, webp::WebPDecoder,
};
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, Limits};

use crate::error::LookError;
use crate::look::{Format, Seen};
use crate::pixels::Rgb;
use crate::sniff::sniff;
use crate::{heif, jpeg, raw};

/// Pixels of the longest side that sharpness is measured at.
pub(crate) const LONGEST: u16 = 1000;

/// Bytes to decode. Always behind a pointer: what decoders make of it is compiled once.
pub(crate) trait Source: BufRead + Seek {}

impl<S: BufRead + Seek> Source for S {}

/// Width and height in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) width: u32,
    pub(crate) height: u32,
}

/// A picture, perhaps smaller than it is stored, not turned yet.
#[derive(Debug)]
pub(crate) struct Decoded {
    pub(crate) format: Format,
    /// As stored.
    pub(crate) size: Size,
    /// As in EXIF, 1 to 8.
    pub(crate) orientation: u8,
    pub(crate) seen: Seen,
    pub(crate) truncated: bool,
    pub(crate) transparent: bool,
    pub(crate) pixels: Rgb,
}

impl Decoded {
    pub(crate) fn new(format: Format, size: Size, pixels: Rgb) -> Self {
        Self {
            format,
            size,
            orientation: 1,
            seen: Seen::Picture,
            truncated: false,
            transparent: false,
            pixels,
        }
    }
}

/// Decodes what `source` has from its beginning.
pub(crate) fn decode(mut source: &mut dyn Source, memory: u64) -> Result<Decoded, LookError> {
    source.rewind()?;
    let format = sniff(source)?;
    source.rewind()?;
    match format {
        Format::Jpeg => jpeg::decode(&mut source, LONGEST, memory),
        Format::Png => {
            let decoder = PngDecoder::with_limits(source, limits(memory)).map_err(refuse)?;
            through(decoder, format, memory)
        }
        Format::Gif => through(GifDecoder::new(source).map_err(refuse)?, format, memory),
        Format::Bmp => through(BmpDecoder::new(source).map_err(refuse)?, format, memory),
        Format::Webp => through(WebPDecoder::new(source).map_err(refuse)?, format, memory),
        Format::Tiff => match raw::decode(source, format, memory)? {
            Some(decoded) => Ok(decoded),
            None => {
                source.seek(SeekFrom::Start(0))?;
                through(TiffDecoder::new(source).map_err(refuse)?, format, memory)
            }
        },
        Format::Raw => raw::decode(source, format, memory)?
            .ok_or_else(|| LookError::Unsupported("a raw picture without a preview".into())),
        Format::Heic | Format::Avif => heif::decode(source, format, memory),
    }
}

fn limits(memory: u64) -> Limits {
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(memory);
    limits
}

/// Decodes at full size, by a decoder of the crate `image`.
fn through(
    mut decoder: impl ImageDecoder,
    format: Format,
    memory: u64,
) -> Result<Decoded, LookError> {
    let (width, height) = decoder.dimensions();
    let size = Size { width, height };
    if width == 0 || height == 0 {
        return Err(LookError::Damaged("it has no pixels".into()));
    }
    // A copy as 8-bit RGB comes beside what the decoder gives.
    let needed = decoder.total_bytes().saturating_add(u64::from(width) * u64::from(height) * 3);
    if needed > memory {
        return Err(LookError::TooLarge { width, height, memory });
    }
    let too_large = |e| match e {
        ImageError::Limits(_) => LookError::TooLarge { width, height, memory },
        other => refuse(other),
    };
    decoder.set_limits(limits(memory)).map_err(too_large)?;
    let orientation = decoder.orientation().map_or(1, Orientation::to_exif);
    let image = DynamicImage::from_decoder(decoder).map_err(too_large)?;
    let (pixels, transparent) = opaque(image);
    Ok(Decoded { orientation, transparent, ..Decoded::new(format, size, pixels) })
}

/// What is transparent is shown over white, and whether anything is.
fn opaque(image: DynamicImage) -> (Rgb, bool) {
    let (width, height) = (image.width(), image.height());
    if !image.color().has_alpha() {
        return (Rgb { width, height, bytes: image.into_rgb8().into_raw() }, false);
    }
    let rgba = image.into_rgba8().into_raw();
    let mut transparent = false;
    let over = |colour: u8, alpha: u8| {
        ((u32::from(colour) * u32::from(alpha) + 255 * u32::from(255 - alpha)) / 255) as u8
    };
    let mut bytes = Vec::with_capacity(rgba.len() / 4 * 3);
    for &[r, g, b, alpha] in rgba.as_chunks::<4>().0 {
        transparent |= alpha < 255;
        bytes.extend_from_slice(&[over(r, alpha), over(g, alpha), over(b, alpha)]);
    }
    (Rgb { width, height, bytes }, transparent)
}

fn refuse(error: ImageError) -> LookError {
    match error {
        ImageError::IoError(e) if e.kind() == io::ErrorKind::UnexpectedEof => LookError::Truncated,
        // Damaged data comes as such an error too.
        ImageError::IoError(e)
            if matches!(
                e.kind(),
                io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::Other
            ) =>
        {
            LookError::Damaged(e.to_string())
        }
        ImageError::IoError(e) => LookError::Io(e),
        ImageError::Unsupported(e) => LookError::Unsupported(e.to_string()),
        ImageError::Limits(e) => LookError::Unsupported(e.to_string()),
        other => {
            let message = other.to_string();
            if message.contains("unexpected end of file") || message.contains("UnexpectedEof") {
                LookError::Truncated
            } else {
                LookError::Damaged(message)
            }
        }
    }
}
