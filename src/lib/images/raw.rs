//! Raw pictures by the JPEG previews that cameras put in.
//!
//! Most are TIFF files (TIFF 6.0; DNG 1.7; CR2, NEF, ARW, PEF, SRW, ORF, RW2): the directories say
//! where the previews are. Of those that are not, or hide them in a maker's notes, previews are
//! found by their first bytes.

use std::io::{BufRead as _, Read as _, SeekFrom};

use crate::decode::{Decoded, LONGEST, Size, Source};
use crate::error::LookError;
use crate::jpeg;
use crate::look::{Format, Seen};
use crate::tiff::{self, Stretch};

/// Bytes searched for previews that no directory names.
const SEARCHED: u64 = 128 << 20;
/// Previews that are looked at.
const PREVIEWS: usize = 32;

/// Decodes the largest preview. None for a TIFF that is no raw picture, or a raw one without.
pub(crate) fn decode(
    source: &mut dyn Source,
    format: Format,
    memory: u64,
) -> Result<Option<Decoded>, LookError> {
    let found = tiff::read(source)?;
    if format == Format::Tiff && !found.as_ref().is_some_and(|f| f.is_raw) {
        return Ok(None);
    }
    let mut stretches = found.as_ref().map_or_else(Vec::new, |f| f.previews.clone());
    stretches.extend(fuji(source)?);
    let mut best = largest(source, &stretches)?;
    if best.is_none() {
        let stretches = search(source)?;
        best = largest(source, &stretches)?;
    }
    let Some((stretch, _)) = best else { return Ok(None) };
    source.seek(SeekFrom::Start(stretch.offset))?;
    let preview = jpeg::decode(&mut source.take(stretch.length), LONGEST, memory)?;
    let told = found.as_ref().and_then(|f| f.size);
    let size = told.filter(|s| s.width >= preview.size.width).unwrap_or(preview.size);
    let orientation = found.and_then(|f| f.orientation).unwrap_or(preview.orientation);
    Ok(Some(Decoded { format: Format::Raw, size, orientation, seen: Seen::Preview, ..preview }))
}

/// The one with the most pixels of those that can be decoded.
fn largest(
    source: &mut dyn Source,
    stretches: &[Stretch],
) -> Result<Option<(Stretch, Size)>, LookError> {
    let mut best: Option<(Stretch, Size)> = None;
    let area = |size: &Size| u64::from(size.width) * u64::from(size.height);
    for stretch in stretches.iter().take(PREVIEWS) {
        source.seek(SeekFrom::Start(stretch.offset))?;
        let Some(size) = jpeg::size(&mut source.take(stretch.length)) else { continue };
        if best.as_ref().is_none_or(|(_, other)| area(&size) > area(other)) {
            best = Some((*stretch, size));
        }
    }
    Ok(best)
}

/// RAF: the preview's place stands in the header, big end first.
fn fuji(source: &mut dyn Source) -> Result<Option<Stretch>, LookError> {
    let mut head = Vec::new();
    source.seek(SeekFrom::Start(0))?;
    source.take(92).read_to_end(&mut head)?;
    if !head.starts_with(b"FUJIFILMCCD-RAW") || head.len() < 92 {
        return Ok(None);
    }
    let word = |at: usize| u64::from(u32::from_be_bytes([0, 1, 2, 3].map(|n| head[at + n])));
    Ok(Some(Stretch { offset: word(84), length: word(88) }))
}

/// Where the first bytes of a JPEG stand.
fn search(source: &mut dyn Source) -> Result<Vec<Stretch>, LookError> {
    source.seek(SeekFrom::Start(0))?;
    let mut rest = source.take(SEARCHED);
    let (mut offset, mut seen) = (0u64, [0u8; 2]);
    let mut found = Vec::new();
    loop {
        let buffer = rest.fill_buf()?;
        if buffer.is_empty() || found.len() == PREVIEWS {
            return Ok(found);
        }
        for (at, &byte) in (offset..).zip(buffer) {
            if seen == [0xff, 0xd8] && byte == 0xff && found.len() < PREVIEWS {
                found.push(Stretch { offset: at - 2, length: u64::MAX });
            }
            seen = [seen[1], byte];
        }
        let length = buffer.len();
        offset += length as u64;
        rest.consume(length);
    }
}
