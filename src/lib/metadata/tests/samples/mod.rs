//! Small files of each format, made here: metadata without pixels.

/// A value of a TIFF entry.
pub(crate) enum Value<'a> {
    Text(&'a str),
    Short(u16),
    Long(u32),
    /// Fractions.
    Fractions(&'a [(u32, u32)]),
    Bytes(&'a [u8]),
    /// A directory of its own, at the offset that is written.
    Directory(Vec<(u16, Value<'a>)>),
}

/// A TIFF structure with one main directory, big-endian.
pub(crate) fn tiff(entries: &[(u16, Value<'_>)]) -> Vec<u8> {
    let mut out = b"MM\0*\0\0\0\x08".to_vec();
    directory(&mut out, entries);
    out
}

fn directory(out: &mut Vec<u8>, entries: &[(u16, Value<'_>)]) {
    let start = out.len();
    out.extend((entries.len() as u16).to_be_bytes());
    out.resize(start + 2 + entries.len() * 12 + 4, 0);
    for (index, (tag, value)) in entries.iter().enumerate() {
        let (kind, count, bytes): (u16, u32, Vec<u8>) = match value {
            Value::Text(text) => (2, text.len() as u32 + 1, [text.as_bytes(), b"\0"].concat()),
            Value::Short(number) => (3, 1, [number.to_be_bytes(), [0, 0]].concat()),
            Value::Long(number) => (4, 1, number.to_be_bytes().to_vec()),
            Value::Bytes(bytes) => (7, bytes.len() as u32, bytes.to_vec()),
            Value::Fractions(all) => {
                let number = |(a, b): &(u32, u32)| [a.to_be_bytes(), b.to_be_bytes()].concat();
                (5, all.len() as u32, all.iter().flat_map(number).collect())
            }
            Value::Directory(inner) => {
                let at = out.len() as u32;
                directory(out, inner);
                (4, 1, at.to_be_bytes().to_vec())
            }
        };
        let mut entry = [tag.to_be_bytes(), kind.to_be_bytes()].concat();
        entry.extend(count.to_be_bytes());
        if bytes.len() <= 4 {
            entry.extend(&bytes);
            entry.resize(12, 0);
        } else {
            entry.extend((out.len() as u32).to_be_bytes());
            out.extend(&bytes);
        }
        let at = start + 2 + index * 12;
        out[at..at + 12].copy_from_slice(&entry);
    }
}

/// Apple's maker note with a content identifier.
fn apple(id: &str) -> Vec<u8> {
    let mut note = b"Apple iOS\0\0\x01MM".to_vec();
    note.extend([0, 1, 0, 0x11, 0, 2]);
    note.extend((id.len() as u32 + 1).to_be_bytes());
    note.extend(32_u32.to_be_bytes());
    note.extend([0; 4]);
    note.resize(32, 0);
    note.extend(id.as_bytes());
    note.push(0);
    note
}

/// EXIF of a phone: 2019-07-21 12:30:05.25 +02:00 near Rome.
pub(crate) fn exif() -> Vec<u8> {
    let note = apple("ID-1");
    tiff(&[
        (0x10F, Value::Text("Apple")),
        (0x110, Value::Text("iPhone 8")),
        (0x112, Value::Short(6)),
        (0x132, Value::Text("2019:07:22 10:00:00")),
        (
            0x8769,
            Value::Directory(vec![
                (0x829A, Value::Fractions(&[(1, 50)])),
                (0x9003, Value::Text("2019:07:21 12:30:05")),
                (0x9004, Value::Text("0000:00:00 00:00:00")),
                (0x9011, Value::Text("+02:00")),
                (0x927C, Value::Bytes(&note)),
                (0x9291, Value::Text("25")),
                (0xA002, Value::Long(4032)),
                (0xA003, Value::Long(3024)),
            ]),
        ),
        (
            0x8825,
            Value::Directory(vec![
                (1, Value::Text("N")),
                (2, Value::Fractions(&[(41, 1), (54, 1), (0, 1)])),
                (3, Value::Text("E")),
                (4, Value::Fractions(&[(12, 1), (30, 1), (0, 1)])),
                (7, Value::Fractions(&[(10, 1), (30, 1), (5, 1)])),
                (0x1D, Value::Text("2019:07:21")),
            ]),
        ),
    ])
}

pub(crate) const XMP: &str = r#"<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF
xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""
xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/"
photoshop:DateCreated="2019-07-21T12:30:05.25+02:00"><dc:subject><rdf:Bag><rdf:li>sea</rdf:li>
</rdf:Bag></dc:subject></rdf:Description></rdf:RDF></x:xmpmeta>"#;

fn segment(marker: u8, body: &[u8]) -> Vec<u8> {
    let length = (body.len() as u16 + 2).to_be_bytes();
    [&[0xFF, marker][..], &length, body].concat()
}

/// IPTC of the day 2019-07-21 in Photoshop's resources.
fn photoshop() -> Vec<u8> {
    let iptc = b"\x1c\x02\x37\0\x0820190721\x1c\x02\x3c\0\x0b123005+0200\x1c\x02\x19\0\x03sea";
    let mut block = b"Photoshop 3.0\x008BIM\x04\x04\0\0".to_vec();
    block.extend((iptc.len() as u32).to_be_bytes());
    block.extend(iptc);
    block
}

pub(crate) fn jpeg() -> Vec<u8> {
    let mut out = vec![0xFF, 0xD8];
    out.extend(segment(0xE1, &[b"Exif\0\0", exif().as_slice()].concat()));
    out.extend(segment(0xE1, &[b"http://ns.adobe.com/xap/1.0/\0", XMP.as_bytes()].concat()));
    out.extend(segment(0xED, &photoshop()));
    out.extend(segment(0xC0, &[8, 0x0B, 0xD0, 0x0F, 0xC0, 1, 1, 0x11, 0]));
    out.extend(segment(0xDA, &[1, 1, 0, 0, 63, 0]));
    out.extend([0x55, 0xFF, 0xD9]);
    out
}

fn chunk(kind: &[u8], body: &[u8]) -> Vec<u8> {
    // Checksums are not looked at.
    [&(body.len() as u32).to_be_bytes(), kind, body, &[0; 4]].concat()
}

pub(crate) fn png() -> Vec<u8> {
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    out.extend(chunk(b"IHDR", &[0, 0, 0, 64, 0, 0, 0, 32, 8, 2, 0, 0, 0]));
    out.extend(chunk(b"eXIf", &exif()));
    out.extend(chunk(b"tIME", &[0x07, 0xE3, 7, 22, 8, 0, 0]));
    out.extend(chunk(b"tEXt", b"Creation Time\x00Sun, 21 Jul 2019 12:30:05 +0200"));
    out.extend(chunk(b"iTXt", &[b"XML:com.adobe.xmp\0\0\0\0\0", XMP.as_bytes()].concat()));
    out.extend(chunk(b"IDAT", &[1; 100]));
    out.extend(chunk(b"IEND", b""));
    out
}

pub(crate) fn webp() -> Vec<u8> {
    let chunk = |kind: &[u8], body: &[u8]| {
        let pad = vec![0; body.len() % 2];
        [kind, &(body.len() as u32).to_le_bytes(), body, &pad].concat()
    };
    let mut body = b"WEBP".to_vec();
    body.extend(chunk(b"VP8X", &[0x0C, 0, 0, 0, 63, 0, 0, 31, 0, 0]));
    body.extend(chunk(b"EXIF", &exif()));
    body.extend(chunk(b"XMP ", XMP.as_bytes()));
    [b"RIFF", &(body.len() as u32).to_le_bytes()[..], &body].concat()
}

fn item(kind: &[u8], body: &[u8]) -> Vec<u8> {
    [&(body.len() as u32 + 8).to_be_bytes(), kind, body].concat()
}

/// A HEIC with an EXIF item in `idat` and the size of its primary item.
pub(crate) fn heic() -> Vec<u8> {
    let block = [&[0, 0, 0, 0][..], &exif()].concat();
    let infe = item(b"infe", &[&[2, 0, 0, 0, 0, 2, 0, 0][..], b"Exif\0"].concat());
    let mut location = vec![1, 0, 0, 0, 0x44, 0, 0, 1, 0, 2, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0];
    location.extend((block.len() as u32).to_be_bytes());
    let ispe = item(b"ispe", &[0, 0, 0, 0, 0, 0, 0x0F, 0xC0, 0, 0, 0x0B, 0xD0]);
    let links = item(b"ipma", &[0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 1, 0x81]);
    let meta = [
        vec![0; 4],
        item(b"hdlr", b"\0\0\0\0\0\0\0\0pict\0\0\0\0\0\0\0\0\0\0\0\0\0"),
        item(b"pitm", &[0, 0, 0, 0, 0, 1]),
        item(b"iinf", &[&[0, 0, 0, 0, 0, 1][..], &infe].concat()),
        item(b"iloc", &location),
        item(b"iprp", &[item(b"ipco", &ispe), links].concat()),
        item(b"idat", &block),
    ];
    let kind = item(b"ftyp", b"heic\0\0\0\0mif1heic");
    [kind, item(b"meta", &meta.concat()), item(b"mdat", &[7; 50])].concat()
}

fn movie_header(seconds: u32) -> Vec<u8> {
    let mut body = vec![0; 100];
    body[4..8].copy_from_slice(&seconds.to_be_bytes());
    body[12..16].copy_from_slice(&600_u32.to_be_bytes());
    body[16..20].copy_from_slice(&1740_u32.to_be_bytes());
    item(b"mvhd", &body)
}

fn track() -> Vec<u8> {
    let mut body = vec![0; 84];
    body[44..48].copy_from_slice(&0x0001_0000_u32.to_be_bytes());
    body[52..56].copy_from_slice(&0xFFFF_0000_u32.to_be_bytes());
    body[76..80].copy_from_slice(&(1920_u32 << 16).to_be_bytes());
    body[80..84].copy_from_slice(&(1080_u32 << 16).to_be_bytes());
    item(b"trak", &item(b"tkhd", &body))
}

/// The video half of a Live Photo, its header behind the pictures.
pub(crate) fn mov() -> Vec<u8> {
    let texts = [
        ("com.apple.quicktime.creationdate", "2019-07-21T12:30:05+0200"),
        ("com.apple.quicktime.content.identifier", "ID-1"),
        ("com.apple.quicktime.location.ISO6709", "+41.9000+012.5000+020.000/"),
    ];
    let mut keys = vec![0, 0, 0, 0, 0, 0, 0, 3];
    let mut list = Vec::new();
    for (index, (key, value)) in texts.iter().enumerate() {
        keys.extend(item(b"mdta", key.as_bytes()));
        let data = item(b"data", &[&[0, 0, 0, 1, 0, 0, 0, 0][..], value.as_bytes()].concat());
        list.extend(item(&(index as u32 + 1).to_be_bytes(), &data));
    }
    let handler = item(b"hdlr", b"\0\0\0\0\0\0\0\0mdta\0\0\0\0\0\0\0\0\0\0\0\0\0");
    let meta = item(b"meta", &[handler, item(b"keys", &keys), item(b"ilst", &list)].concat());
    // 2019-07-21 10:30:05 UTC, counted from 1904.
    let movie = item(b"moov", &[movie_header(3_646_549_805), track(), meta].concat());
    [item(b"ftyp", b"qt  \0\0\0\0qt  "), item(b"mdat", &[7; 9000]), movie].concat()
}

/// A movie of an Android phone.
pub(crate) fn mp4() -> Vec<u8> {
    let user = item(b"udta", &item(b"\xA9xyz", b"\0\x12\x15\xC7+41.9000+012.5000/"));
    let movie = item(b"moov", &[movie_header(3_646_549_805), track(), user].concat());
    [item(b"ftyp", b"mp42\0\0\0\0isommp42"), movie, item(b"mdat", &[7; 100])].concat()
}

/// An AVCHD stream: one packet with the recording time.
pub(crate) fn mts() -> Vec<u8> {
    let mut data =
        b"\x06\x05\x2f\x17\xee\x8c\x60\xf8\x4d\x11\xd9\x8c\xd6\x08\0\x20\x0c\x9a\x66MDPM".to_vec();
    data.extend([2, 0x18, 0x04, 0x20, 0x19, 0x07, 0x19, 0x21, 0x12, 0x30, 0x05]);
    let mut out = Vec::new();
    for number in 0..4 {
        let mut packet = vec![0, 0, 0, 0, 0x47, 0x50, 0x11, 0x10];
        if number == 1 {
            packet.extend(&data);
        }
        packet.resize(192, 0xFF);
        out.extend(packet);
    }
    out
}

pub(crate) fn avi() -> Vec<u8> {
    let chunk =
        |kind: &[u8], body: &[u8]| [kind, &(body.len() as u32).to_le_bytes(), body].concat();
    let mut header = vec![0; 56];
    header[32..36].copy_from_slice(&640_u32.to_le_bytes());
    header[36..40].copy_from_slice(&480_u32.to_le_bytes());
    let list = [b"hdrl", chunk(b"avih", &header).as_slice()].concat();
    let date = chunk(b"IDIT", b"Sun Jul 21 12:30:05 2019\n\0");
    let body = [b"AVI ", chunk(b"LIST", &list).as_slice(), &date].concat();
    [b"RIFF", &(body.len() as u32).to_le_bytes()[..], &body].concat()
}

pub(crate) fn mkv() -> Vec<u8> {
    let head = b"\x1A\x45\xDF\xA3\x80\x18\x53\x80\x67\x01\xFF\xFF\xFF\xFF\xFF\xFF\xFF";
    // 2019-07-21 10:30:05, in nanoseconds since 2001.
    let date = 585_397_805_000_000_000_i64.to_be_bytes();
    let info = [b"\x15\x49\xA9\x66\x8B\x44\x61\x88".as_slice(), &date].concat();
    [head.as_slice(), &info].concat()
}

/// A raw file of Fujifilm: a header, then the preview with all metadata.
pub(crate) fn raf() -> Vec<u8> {
    let preview = jpeg();
    let mut out = b"FUJIFILMCCD-RAW 0201FF383501X-T3".to_vec();
    out.resize(84, 0);
    out.extend(100_u32.to_be_bytes());
    out.extend((preview.len() as u32).to_be_bytes());
    out.resize(100, 0);
    out.extend(preview);
    out
}

/// All of them, by name.
pub(crate) fn all() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("a.jpg", jpeg()),
        ("a.png", png()),
        ("a.webp", webp()),
        ("a.heic", heic()),
        ("a.mov", mov()),
        ("a.mp4", mp4()),
        ("a.mts", mts()),
        ("a.avi", avi()),
        ("a.mkv", mkv()),
        ("a.raf", raf()),
        ("a.dng", exif()),
        ("a.gif", b"GIF89a\x40\0\x20\0\0\0\0".to_vec()),
    ]
}
