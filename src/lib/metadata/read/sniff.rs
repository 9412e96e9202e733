//! The format of a file, from its first bytes.

use std::path::Path;

use crate::format::Format;

/// The format of a file that starts with `head`; among the raw formats made from TIFF the name's
/// extension decides.
pub(super) fn format(head: &[u8], path: &Path) -> Option<Format> {
    let named = path.extension().and_then(|e| e.to_str()).and_then(Format::from_extension);
    let at = |offset: usize, magic: &[u8]| {
        head.get(offset..).is_some_and(|rest| rest.starts_with(magic))
    };
    if at(0, &[0xFF, 0xD8]) {
        return Some(Format::Jpeg);
    }
    if at(0, b"\x89PNG\r\n\x1a\n") {
        return Some(Format::Png);
    }
    if at(0, b"GIF87a") || at(0, b"GIF89a") {
        return Some(Format::Gif);
    }
    if at(0, b"RIFF") {
        return match head.get(8..12)? {
            b"WEBP" => Some(Format::Webp),
            b"AVI " => Some(Format::Avi),
            _ => None,
        };
    }
    if at(0, b"FUJIFILMCCD-RAW") {
        return Some(Format::Raf);
    }
    if at(0, b"IIRO") || at(0, b"IIRS") || at(0, b"MMOR") {
        return Some(Format::Orf);
    }
    if at(0, b"IIU\0") {
        return Some(Format::Rw2);
    }
    if at(0, b"II*\0") || at(0, b"MM\0*") {
        return Some(tiff(head, named));
    }
    if at(0, &[0xFF, 0x0A]) || at(0, b"\0\0\0\x0CJXL \r\n\x87\n") {
        return Some(Format::Jxl);
    }
    if at(4, b"ftyp") {
        return brand(head, named);
    }
    // QuickTime before there was a file type.
    if [b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"].iter().any(|kind| at(4, *kind)) {
        return Some(Format::Mov);
    }
    if at(0, &[0x1A, 0x45, 0xDF, 0xA3]) {
        return Some(Format::Mkv);
    }
    let sync = |offset: usize| head.get(offset) == Some(&0x47);
    if (sync(0) && sync(188) && sync(376)) || (sync(4) && sync(196) && sync(388)) {
        return Some(Format::Mts);
    }
    let dib = |size: u8| head.get(14) == Some(&size) && at(15, &[0, 0, 0]);
    (at(0, b"BM") && (dib(12) || dib(40) || dib(56) || dib(108) || dib(124))).then_some(Format::Bmp)
}

fn tiff(head: &[u8], named: Option<Format>) -> Format {
    if head.get(8..10) == Some(b"CR") {
        return Format::Cr2;
    }
    match named {
        Some(
            format @ (Format::Dng
            | Format::Cr2
            | Format::Nef
            | Format::Arw
            | Format::Pef
            | Format::Srw
            | Format::Orf),
        ) => format,
        _ => Format::Tiff,
    }
}

/// The brands of an ISO media file: the major one decides, then those it is compatible with.
fn brand(head: &[u8], named: Option<Format>) -> Option<Format> {
    let size = u32::from_be_bytes(head.get(..4)?.try_into().ok()?);
    let end = usize::try_from(size).ok()?.min(head.len());
    let compatible = head.get(16..end).unwrap_or_default().chunks_exact(4);
    let brands = std::iter::once(head.get(8..12)?).chain(compatible);
    let mut heif = None;
    for (index, brand) in brands.enumerate() {
        match brand {
            b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" => return Some(Format::Heic),
            b"avif" | b"avis" => return Some(Format::Avif),
            b"mif1" | b"msf1" | b"mif2" => heif = Some(Format::Heif),
            b"crx " => return Some(Format::Cr3),
            b"jxl " => return Some(Format::Jxl),
            b"qt  " if index == 0 => return Some(Format::Mov),
            _ => {}
        }
    }
    heif.or(Some(if named == Some(Format::Mov) { Format::Mov } else { Format::Mp4 }))
}
