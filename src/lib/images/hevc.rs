//! HEVC pictures (ITU-T H.265) in HEIF files.

use rusty_h265::nal::unescape;
use rusty_h265::ps::parse_sps;
use rusty_h265::{Decoder, Error, Frame};

use crate::boxes::Cursor;
use crate::decode::Size;
use crate::error::LookError;

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

/// A decoded picture, in planes.
pub(crate) struct Tile {
    pub(crate) width: u32,
    pub(crate) height: u32,
    frame: Frame,
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
    Ok(Tile { width: width.min(size.width), height: height.min(size.height), frame })
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

impl Tile {
    /// The mean colour of a square of pixels, by the weights of ITU-R BT.601 over the full range,
    /// which phones write.
    pub(crate) fn mean(&self, x: usize, y: usize, side: usize) -> [u8; 3] {
        let picture = &self.frame.picture;
        let (left, top, _, _) = picture.crop;
        let (right, lower) =
            ((x + side).min(self.width as usize), (y + side).min(self.height as usize));
        let mean = |plane: usize, across: usize, down: usize, depth: u8| {
            let plane = &picture.planes[plane];
            let (mut sum, mut count) = (0u64, 0u64);
            for y in (top + y) / down..(top + lower).div_ceil(down) {
                for x in (left + x) / across..(left + right).div_ceil(across) {
                    if let Some(value) = plane.data.get(y * plane.stride + x) {
                        sum += u64::from(*value);
                        count += 1;
                    }
                }
            }
            (sum as f32 / count.max(1) as f32) / f32::from(1u16 << depth.saturating_sub(8))
        };
        let luma = mean(0, 1, 1, picture.bit_depth_luma);
        let (across, down) = match picture.chroma_format_idc {
            0 => return [luma as u8; 3],
            1 => (2, 2),
            2 => (2, 1),
            _ => (1, 1),
        };
        let blue = mean(1, across, down, picture.bit_depth_chroma) - 128.0;
        let red = mean(2, across, down, picture.bit_depth_chroma) - 128.0;
        let byte = |value: f32| (value + 0.5) as u8;
        [
            byte(luma + 1.402 * red),
            byte(luma - 0.344_136 * blue - 0.714_136 * red),
            byte(luma + 1.772 * blue),
        ]
    }
}
