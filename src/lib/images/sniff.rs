use std::io::Read as _;

use crate::decode::Source;
use crate::error::LookError;
use crate::look::Format;

/// What a file is, by its first bytes.
pub(crate) fn sniff(source: &mut dyn Source) -> Result<Format, LookError> {
    let mut head = Vec::new();
    source.take(64).read_to_end(&mut head)?;
    format(&head).ok_or_else(|| {
        LookError::Unsupported(if head.is_empty() {
            "an empty file".into()
        } else {
            "not a picture of a format that is decoded here".into()
        })
    })
}

fn format(head: &[u8]) -> Option<Format> {
    Some(match head {
        [0xff, 0xd8, 0xff, ..] => Format::Jpeg,
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Format::Png,
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Format::Gif,
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Format::Webp,
        [b'B', b'M', _, _, _, _, 0, 0, 0, 0, ..] => Format::Bmp,
        // CR2: a TIFF with its name behind the header.
        [b'I', b'I', 42, 0, _, _, _, _, b'C', b'R', ..] => Format::Raw,
        [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => Format::Tiff,
        // ORF, RW2.
        [b'I', b'I', b'R', b'O' | b'S', ..] | [b'M', b'M', b'O', b'R', ..] => Format::Raw,
        [b'I', b'I', b'U', 0, ..] => Format::Raw,
        [b'F', b'U', b'J', b'I', b'F', b'I', b'L', b'M', b'C', b'C', b'D', b'-', ..] => Format::Raw,
        // Sigma's X3F, Minolta's MRW.
        [b'F', b'O', b'V', b'b', ..] | [0, b'M', b'R', b'M', ..] => Format::Raw,
        [_, _, _, _, b'f', b't', b'y', b'p', brands @ ..] => brand(brands)?,
        _ => return None,
    })
}

/// By the brands of an ISO base media file (ISO/IEC 14496-12): the major one, a version, others.
fn brand(brands: &[u8]) -> Option<Format> {
    let (brands, _) = brands.as_chunks::<4>();
    let has = |wanted: &[&[u8; 4]]| brands.iter().any(|brand| wanted.contains(&brand));
    if has(&[b"crx "]) {
        Some(Format::Raw)
    } else if has(&[b"avif", b"avis"]) {
        Some(Format::Avif)
    } else if has(&[b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"]) {
        Some(Format::Heic)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_told_by_their_first_bytes() {
        let cases: [(&[u8], Option<Format>); 9] = [
            (b"\xff\xd8\xff\xe1", Some(Format::Jpeg)),
            (b"II*\0\x10\0\0\0CR\x02\0", Some(Format::Raw)),
            (b"II*\0\x08\0\0\0", Some(Format::Tiff)),
            (b"\0\0\0\x18ftypcrx \0\0\0\x01crx isom", Some(Format::Raw)),
            (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", Some(Format::Heic)),
            (b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif", Some(Format::Avif)),
            (b"\0\0\0\x18ftypqt  \0\0\0\0qt  ", None),
            (b"%PDF-1.7", None),
            (b"", None),
        ];
        for (head, expected) in cases {
            assert_eq!(format(head), expected, "{}", head.escape_ascii());
        }
    }
}
