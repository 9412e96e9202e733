//! AV1 pictures (AV1 Bitstream & Decoding Process Specification, 2019) in AVIF files (AOM, 2022).

use re_rav1d::dav1d::pixel::{MatrixCoefficients, YUVRange};
use re_rav1d::dav1d::{
    Decoder, Error, Picture, PixelLayout, PlanarImageComponent, Plane, Settings,
};

use crate::decode::Size;
use crate::error::LookError;
use crate::heif::Tile;
use crate::planes::{BT601, Colours, Layout};

/// Kinds of units (section 6.2.2) that hold a picture, or the head of one.
const HEAD: u8 = 3;
const FRAME: u8 = 6;

/// Pictures of one item: a still one has one, one that comes in layers up to four.
const PICTURES: usize = 8;

/// What an `av1C` box (AV1 Codec ISO Media File Format Binding, section 2.3) says of the samples.
pub(crate) struct Parameters {
    /// More than 8 bits.
    deep: bool,
    /// Samples for four pixels.
    samples: u64,
}

impl Parameters {
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let &[0x81, _, flags, ..] = bytes else { return None };
        let is_set = |bit: u8| flags >> bit & 1 == 1;
        let samples = match (is_set(4), is_set(3), is_set(2)) {
            (true, _, _) => 4,
            (_, true, true) => 6,
            (_, true, false) => 8,
            (_, false, _) => 12,
        };
        Some(Self { deep: is_set(6), samples })
    }
}

/// A decoded picture, in planes.
pub(crate) struct Decoded {
    layout: Layout,
    planes: Vec<Plane>,
    /// Bytes of a row of brightness, and of one of colour.
    strides: [usize; 2],
}

/// Decodes an item, which says all that belongs to it.
pub(crate) fn decode(
    parameters: &Parameters,
    bytes: Vec<u8>,
    size: Size,
    memory: u64,
) -> Result<Tile, LookError> {
    let Size { width, height } = size;
    let pixels = u64::from(width) * u64::from(height);
    // The samples, and what is kept of each block for the pictures that could follow.
    let needed = pixels * parameters.samples / 4 * if parameters.deep { 2 } else { 1 } + pixels;
    if needed > memory {
        return Err(LookError::TooLarge { width, height, memory });
    }
    if pictures(&bytes).ok_or(LookError::Truncated)? > PICTURES {
        return Err(LookError::Unsupported("a film in place of an AV1 picture".into()));
    }
    let mut settings = Settings::new();
    // Other pictures have the other cores.
    settings.set_n_threads(1);
    settings.set_max_frame_delay(1);
    settings.set_frame_size_limit(u32::try_from(pixels).unwrap_or(u32::MAX));
    let picture = picture(&settings, bytes).map_err(refuse)?;
    let decoded = Decoded::new(&picture);
    let (width, height) = (picture.width().min(width), picture.height().min(height));
    Ok(Tile { width, height, planes: Box::new(move |x, y, side| decoded.mean(x, y, side)) })
}

/// How many pictures the units have; none where they break off.
fn pictures(mut bytes: &[u8]) -> Option<usize> {
    let mut pictures = 0;
    while let [head, rest @ ..] = bytes {
        let kind = head >> 3 & 15;
        pictures += usize::from(kind == HEAD || kind == FRAME);
        // An extension has one byte; a unit without a length is the last one.
        let mut rest = rest.get(usize::from(head >> 2 & 1)..)?;
        if head >> 1 & 1 == 0 {
            break;
        }
        let mut length = 0u64;
        for at in 0..8 {
            let (byte, after) = rest.split_first()?;
            rest = after;
            length |= u64::from(byte & 0x7f) << (7 * at);
            if byte & 0x80 == 0 {
                break;
            }
        }
        bytes = rest.get(usize::try_from(length).ok()?..)?;
    }
    Some(pictures)
}

/// The last picture: where there are layers, each has more detail than the one before.
fn picture(settings: &Settings, bytes: Vec<u8>) -> Result<Picture, Error> {
    let mut decoder = Decoder::with_settings(settings)?;
    let mut sent = decoder.send_data(bytes, None, None, None);
    let mut last = Err(Error::Again);
    for _ in 0..=PICTURES {
        match decoder.get_picture() {
            Ok(picture) => last = Ok(picture),
            Err(error) if error.is_again() && sent.is_err_and(|e| e.is_again()) => {}
            Err(error) => return last.or(Err(error)),
        }
        match sent {
            Err(error) if error.is_again() => sent = decoder.send_pending_data(),
            Err(error) => return Err(error),
            Ok(()) => {}
        }
    }
    last
}

fn refuse(error: Error) -> LookError {
    match error {
        Error::Again => LookError::Damaged("an AV1 picture without pixels".into()),
        Error::UnsupportedBitstream => LookError::Unsupported("AV1 of a kind not known".into()),
        other => LookError::Damaged(format!("AV1: {other}")),
    }
}

impl Decoded {
    fn new(picture: &Picture) -> Self {
        let chroma = match picture.pixel_layout() {
            PixelLayout::I400 => None,
            PixelLayout::I420 => Some((2, 2)),
            PixelLayout::I422 => Some((2, 1)),
            PixelLayout::I444 => Some((1, 1)),
        };
        let depth = picture.bits_per_component().map_or(8, |bits| bits.0 as u8);
        let colours = match picture.matrix_coefficients() {
            MatrixCoefficients::Identity => Colours::Identity,
            MatrixCoefficients::BT709 => Colours::Weights(0.2126, 0.0722),
            MatrixCoefficients::BT2020NonConstantLuminance => Colours::Weights(0.2627, 0.0593),
            _ => BT601,
        };
        use PlanarImageComponent::{U, V, Y};
        let components = if chroma.is_some() { &[Y, U, V][..] } else { &[Y] };
        Self {
            layout: Layout {
                left: 0,
                top: 0,
                width: picture.width() as usize,
                height: picture.height() as usize,
                chroma,
                depth: (depth, depth),
                colours,
                full: picture.color_range() == YUVRange::Full,
            },
            planes: components.iter().map(|component| picture.plane(*component)).collect(),
            strides: [picture.stride(Y) as usize, picture.stride(U) as usize],
        }
    }

    fn mean(&self, x: usize, y: usize, side: usize) -> [u8; 3] {
        let deep = self.layout.depth.0 > 8;
        self.layout.mean(x, y, side, |plane, x, y| {
            let row = self.planes.get(plane)?.get(y * self.strides[usize::from(plane > 0)]..)?;
            match deep {
                true => Some(u16::from_ne_bytes([*row.get(2 * x)?, *row.get(2 * x + 1)?])),
                false => row.get(x).map(|value| u16::from(*value)),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::pictures;

    #[test]
    fn pictures_are_counted_by_their_units() {
        // A temporal delimiter, a picture of 2 bytes, one to the end.
        let units = [0x12, 0, 0x32, 2, 9, 9, 0x30, 1, 2, 3];
        assert_eq!(pictures(&units), Some(2));
        assert_eq!(pictures(&units[..5]), None);
        assert_eq!(pictures(&[0x32, 0x80]), None);
        assert_eq!(pictures(&[]), Some(0));
    }
}
