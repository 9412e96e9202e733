//! HEVC pictures (ITU-T H.265) in HEIF files.

use rusty_h265::nal::unescape;
use rusty_h265::ps::parse_sps;
use rusty_h265::{Decoder, Error, Frame};

use crate::boxes::Cursor;
use crate::decode::Size;
use crate::error::LookError;
use crate::heif::Tile;
use crate::planes::{BT601, Layout};

/// NAL unit types (table 7-1) up to here hold slices; these are the parameter sets.
const LAST_SLICE: u8 = 31;
const SEQUENCE: u8 = 33;

/// An `hvcC` box (ISO/IEC 14496-15): parameter sets, and how many bytes a unit's length has.
pub(crate) struct Parameters<'a> {
    units: Vec<&'a [u8]>,
    length: usize,
}

impl<'a> Parameters<'a> {
    pub(crate) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        cursor.take(21)?;
        let length = usize::from(cursor.u8()? & 3) + 1;
        let mut units = Vec::new();
        for _ in 0..cursor.u8()? {
            cursor.u8()?;
            for _ in 0..cursor.u16()? {
                let size = cursor.u16()?;
                units.push(cursor.take(size.into())?);
            }
        }
        Some(Self { units, length })
    }

    /// Refuses what would need more memory than there is, before the decoder takes it.
    fn check(&self, size: Size, memory: u64) -> Result<(), LookError> {
        for unit in self.units.iter().filter(|unit| kind(unit) == Some(SEQUENCE)) {
            let rbsp = unescape(unit.get(2..).unwrap_or_default());
            let set = parse_sps(&rbsp.data).map_err(refuse)?;
            // Three planes of 16 bits, a copy for filters, and what is kept of each block.
            if u64::from(set.width) * u64::from(set.height) * 7 > memory {
                let Size { width, height } = size;
                return Err(LookError::TooLarge { width, height, memory });
            }
        }
        Ok(())
    }
}

/// The type of a NAL unit.
fn kind(unit: &[u8]) -> Option<u8> {
    unit.first().map(|byte| byte >> 1 & 0x3f)
}

/// Decodes units with their lengths before them.
pub(crate) fn decode(
    parameters: &Parameters<'_>,
    bytes: &[u8],
    size: Size,
    memory: u64,
) -> Result<Tile, LookError> {
    parameters.check(size, memory)?;
    let frame = frame(parameters, bytes).map_err(refuse)?;
    let (_, _, width, height) = frame.picture.crop;
    let side = |side: usize| u32::try_from(side).unwrap_or(0);
    let (width, height) = (side(width), side(height));
    if width == 0 || height == 0 {
        return Err(LookError::Damaged("a picture without pixels".into()));
    }
    let (width, height) = (width.min(size.width), height.min(size.height));
    Ok(Tile { width, height, planes: Box::new(move |x, y, side| mean(&frame, x, y, side)) })
}

fn frame(parameters: &Parameters<'_>, bytes: &[u8]) -> Result<Frame, Error> {
    let mut decoder = Decoder::new();
    for unit in &parameters.units {
        decoder.push_nal(unit, None)?;
    }
    let mut cursor = Cursor::new(bytes);
    let mut failed = None;
    while !cursor.left().is_empty() {
        let Some(length) = cursor.number(parameters.length) else { break };
        let Some(unit) = usize::try_from(length).ok().and_then(|length| cursor.take(length)) else {
            failed = Some(Error::invalid("a unit breaks off"));
            break;
        };
        // Parameter sets in between could ask for any amount of memory.
        if kind(unit).is_some_and(|kind| kind <= LAST_SLICE)
            && let Err(error) = decoder.push_nal(unit, None)
        {
            failed = Some(error);
        }
    }
    decoder.flush();
    match (decoder.next_frame(), failed) {
        (_, Some(error)) => Err(error),
        (frame, None) => frame,
    }
}

fn refuse(error: Error) -> LookError {
    match error {
        Error::Unsupported(what) => LookError::Unsupported(format!("HEVC with {what}")),
        Error::Unimplemented(what) => LookError::Unsupported(format!("HEVC with {what}")),
        other => LookError::Damaged(other.to_string()),
    }
}

/// The mean colour of a square of pixels, by the weights of ITU-R BT.601 over the full range, which
/// phones write.
fn mean(frame: &Frame, x: usize, y: usize, side: usize) -> [u8; 3] {
    let picture = &frame.picture;
    let (left, top, width, height) = picture.crop;
    let layout = Layout {
        left,
        top,
        width,
        height,
        chroma: match picture.chroma_format_idc {
            0 => None,
            1 => Some((2, 2)),
            2 => Some((2, 1)),
            _ => Some((1, 1)),
        },
        depth: (picture.bit_depth_luma, picture.bit_depth_chroma),
        colours: BT601,
        full: true,
    };
    layout.mean(x, y, side, |plane, x, y| {
        let plane = &picture.planes[plane];
        plane.data.get(y * plane.stride + x).copied()
    })
}
