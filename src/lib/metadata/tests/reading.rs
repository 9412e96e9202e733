//! Files of each format are read; damaged ones give what is left, and never a panic.

mod samples;

use std::io::{Cursor, Read, Seek, SeekFrom};
use std::path::Path;

use headwater_metadata::{
    Clock, Error, Format, Metadata, Options, Source, Stamp, date, folder_stamps, name_stamps, read,
};
use jiff::tz::Offset;
use proptest::prelude::*;

fn metadata(name: &str, bytes: &[u8]) -> Metadata {
    read(Path::new(name), &mut Cursor::new(bytes)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn stamp(metadata: &Metadata, source: Source) -> Stamp {
    let found = metadata.stamps.iter().find(|s| s.source == source);
    *found.unwrap_or_else(|| panic!("no {source} in {:?}", metadata.stamps))
}

const TWO_HOURS: Clock = Clock::Offset(Offset::constant(2));

#[test]
fn exif_is_read_in_all_containers() {
    for (name, bytes) in samples::all() {
        if !matches!(name, "a.jpg" | "a.png" | "a.webp" | "a.heic" | "a.raf" | "a.dng") {
            continue;
        }
        let found = metadata(name, &bytes);
        let original = stamp(&found, Source::ExifOriginal);
        assert_eq!(original.time.to_string(), "2019-07-21T12:30:05.25", "{name}");
        assert_eq!(original.clock, TWO_HOURS, "{name}");
        assert_eq!(stamp(&found, Source::Gps).time.to_string(), "2019-07-21T10:30:05", "{name}");
        assert_eq!(stamp(&found, Source::ExifModified).clock, Clock::Wall, "{name}");
        assert_eq!(found.refused[0].source, Source::ExifDigitized, "{name}");
        assert_eq!(found.camera.name().as_deref(), Some("Apple iPhone 8"), "{name}");
        assert_eq!(found.content_identifier.as_deref(), Some("ID-1"), "{name}");
        assert_eq!((found.orientation, found.exposure.seconds), (Some(6), Some(0.02)), "{name}");
        let gps = found.gps.expect("a position");
        assert!((gps.latitude - 41.9).abs() < 1e-9 && (gps.longitude - 12.5).abs() < 1e-9);
        assert!(found.warnings.is_empty(), "{name}: {:?}", found.warnings);
    }
}

#[test]
fn formats_and_sizes_come_from_the_content() {
    for (name, format, size) in [
        ("a.jpg", Format::Jpeg, Some((4032, 3024))),
        ("a.png", Format::Png, Some((64, 32))),
        ("a.webp", Format::Webp, Some((64, 32))),
        ("a.heic", Format::Heic, Some((4032, 3024))),
        ("a.mov", Format::Mov, Some((1920, 1080))),
        ("a.mp4", Format::Mp4, Some((1920, 1080))),
        ("a.mts", Format::Mts, None),
        ("a.avi", Format::Avi, Some((640, 480))),
        ("a.mkv", Format::Mkv, None),
        ("a.raf", Format::Raf, Some((4032, 3024))),
        ("a.dng", Format::Dng, Some((4032, 3024))),
        ("a.gif", Format::Gif, Some((64, 32))),
    ] {
        let all = samples::all();
        let (_, bytes) = all.iter().find(|(n, _)| *n == name).expect(name);
        let found = metadata(name, bytes);
        assert_eq!(found.format, format, "{name}");
        assert_eq!(found.width.zip(found.height), size, "{name}");
    }
    let misnamed = metadata("a.png", &samples::jpeg());
    assert_eq!(misnamed.format, Format::Jpeg);
}

#[test]
fn xmp_iptc_and_texts_are_read_beside_exif() {
    let found = metadata("a.jpg", &samples::jpeg());
    let created = stamp(&found, Source::XmpDateCreated);
    assert_eq!(
        (created.time.to_string().as_str(), created.clock),
        ("2019-07-21T12:30:05.25", TWO_HOURS)
    );
    let iptc = stamp(&found, Source::Iptc);
    assert_eq!((iptc.time.to_string().as_str(), iptc.clock), ("2019-07-21T12:30:05", TWO_HOURS));
    assert_eq!(found.labels, ["sea"]);
    let found = metadata("a.png", &samples::png());
    assert_eq!(stamp(&found, Source::PngCreationTime).clock, TWO_HOURS);
    assert_eq!(stamp(&found, Source::PngTime).time.to_string(), "2019-07-22T08:00:00");
}

#[test]
fn movies_tell_their_date_place_and_other_half() {
    let found = metadata("a.mov", &samples::mov());
    let created = stamp(&found, Source::QuickTimeCreationDate);
    assert_eq!(
        (created.time.to_string().as_str(), created.clock),
        ("2019-07-21T12:30:05", TWO_HOURS)
    );
    let header = stamp(&found, Source::QuickTimeHeader);
    assert_eq!(
        (header.time.to_string().as_str(), header.clock),
        ("2019-07-21T10:30:05", Clock::Utc)
    );
    assert_eq!(found.content_identifier.as_deref(), Some("ID-1"));
    assert_eq!((found.duration, found.orientation), (Some(2.9), Some(6)));
    assert!((found.gps.expect("a position").latitude - 41.9).abs() < 1e-9);
    let found = metadata("a.mp4", &samples::mp4());
    assert!((found.gps.expect("a position").longitude - 12.5).abs() < 1e-9);
    for (name, bytes, time, clock) in [
        ("a.mts", samples::mts(), "2019-07-21T12:30:05", TWO_HOURS),
        ("a.avi", samples::avi(), "2019-07-21T12:30:05", Clock::Wall),
        ("a.mkv", samples::mkv(), "2019-07-21T10:30:05", Clock::Utc),
    ] {
        let recorded = stamp(&metadata(name, &bytes), Source::Video);
        assert_eq!((recorded.time.to_string().as_str(), recorded.clock), (time, clock), "{name}");
    }
}

/// A reader that counts what is read.
struct Counted<R>(R, u64);

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.0.read(buffer)?;
        self.1 += count as u64;
        Ok(count)
    }
}

impl<R: Seek> Seek for Counted<R> {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.0.seek(to)
    }
}

#[test]
fn of_a_long_movie_only_the_header_is_read() {
    let movie = samples::mov();
    let at = movie.windows(4).position(|w| w == b"mdat").expect("pictures") - 4;
    let mut long = movie[..at].to_vec();
    long.extend((20_000_008_u32).to_be_bytes());
    long.extend(b"mdat");
    long.resize(long.len() + 20_000_000, 7);
    long.extend(&movie[at + 9008..]);
    let mut counted = Counted(Cursor::new(long), 0);
    let found = read(Path::new("a.mov"), &mut counted).expect("a movie");
    assert_eq!(stamp(&found, Source::QuickTimeCreationDate).clock, TWO_HOURS);
    assert!(counted.1 < 200_000, "{} bytes were read", counted.1);
}

#[test]
fn what_is_no_picture_is_an_error() {
    let error =
        |bytes: &[u8]| read(Path::new("a.jpg"), &mut Cursor::new(bytes)).expect_err("an error");
    assert!(matches!(error(b""), Error::Empty));
    assert!(matches!(error(b"plain text, not a picture"), Error::Unsupported));
    assert!(matches!(error(b"%PDF-1.7"), Error::Unsupported));
}

#[test]
fn positions_that_cannot_be_are_left_out() {
    for (latitude, longitude) in [((0, 1), (0, 1)), ((91, 1), (0, 1)), ((1, 0), (1, 1))] {
        let latitudes = [latitude, (0, 1), (0, 1)];
        let longitudes = [longitude, (0, 1), (0, 1)];
        let gps = samples::Value::Directory(vec![
            (1, samples::Value::Text("N")),
            (2, samples::Value::Fractions(&latitudes)),
            (3, samples::Value::Text("E")),
            (4, samples::Value::Fractions(&longitudes)),
        ]);
        assert_eq!(metadata("a.tif", &samples::tiff(&[(0x8825, gps)])).gps, None);
    }
}

/// Everything that takes bytes or names from outside, with the result's own rules.
fn sound(name: &str, bytes: &[u8]) {
    let Ok(found) = read(Path::new(name), &mut Cursor::new(bytes)) else { return };
    let length = bytes.len() as u64;
    assert!(found.previews.iter().all(|p| p.offset < length));
    assert!(found.gps.is_none_or(|g| g.latitude.abs() <= 90.0 && g.longitude.abs() <= 180.0));
    let options = Options::at("2026-11-21T12:00:00Z".parse().expect("a moment"));
    if let Some(taken) = date(&found.stamps, &options).taken {
        assert!((0.0..=1.0).contains(&taken.confidence), "{taken:?}");
        assert!((1826..=2026).contains(&taken.local.year()), "{taken:?}");
    }
}

proptest! {
    #[test]
    fn damaged_files_never_panic(
        which in 0..12_usize,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let (name, mut bytes) = samples::all().swap_remove(which);
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(at) = cut {
            bytes.truncate(at.index(bytes.len()));
        }
        sound(name, &bytes);
    }

    #[test]
    fn any_name_is_read(name in "\\PC{0,40}", digits in "[0-9_. -]{0,40}") {
        for text in [format!("{name}/{digits}"), format!("{digits}/{name}"), format!("{digits}{name}.jpg")] {
            let path = Path::new(&text);
            prop_assert!(name_stamps(path).len() <= 1);
            prop_assert!(folder_stamps(path).len() <= 1);
        }
    }
}
