//! Looking at whole, turned, cut, hostile and damaged pictures.

use std::io::Cursor;

use headwater_images::{Format, Hints, Kind, Look, LookError, Options, Seen, Turn, kind, look};
use image::imageops;
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use proptest::prelude::*;

#[path = "scenes.rs"]
mod scenes;

use scenes::{jpeg, scene};

fn see(bytes: &[u8]) -> Result<Look, LookError> {
    look(Cursor::new(bytes), &Options { thumbnail: Some(100), ..Options::default() })
}

fn written(picture: &RgbImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::from(picture.clone()).write_to(&mut bytes, format).expect("it is written");
    bytes.into_inner()
}

/// A TIFF file with one directory of numbers, and something behind it.
fn tiff(entries: &[(u16, u32)], behind: &[u8]) -> Vec<u8> {
    let mut bytes = b"II*\0\x08\0\0\0".to_vec();
    bytes.extend((entries.len() as u16).to_le_bytes());
    for (tag, value) in entries {
        bytes.extend(tag.to_le_bytes());
        bytes.extend([4, 0, 1, 0, 0, 0]);
        bytes.extend(value.to_le_bytes());
    }
    bytes.extend([0; 4]);
    bytes.extend(behind);
    bytes
}

/// A raw picture: its directory says where the preview is, or keeps it to itself.
fn raw(preview: &[u8], told: bool) -> Vec<u8> {
    let begin = 8 + 2 + 12 * 5 + 4;
    let offset = if told { begin } else { 0 };
    let length = if told { preview.len() as u32 } else { 0 };
    tiff(&[(0x100, 6000), (0x101, 4000), (0x106, 32803), (0x201, offset), (0x202, length)], preview)
}

#[test]
fn a_picture_is_the_same_in_every_format() {
    let picture = scene(1, 640, 480);
    let first = see(&written(&picture, ImageFormat::Png)).expect("a PNG");
    assert_eq!((first.width, first.height, first.format), (640, 480, Format::Png));
    let mut all = vec![
        (Format::Jpeg, jpeg(&picture, 80, 1, false)),
        (Format::Jpeg, jpeg(&picture, 80, 1, true)),
        (Format::Raw, raw(&jpeg(&picture, 80, 1, false), true)),
        (Format::Raw, raw(&jpeg(&picture, 80, 1, false), false)),
    ];
    for (format, written_as) in [
        (Format::Gif, ImageFormat::Gif),
        (Format::Webp, ImageFormat::WebP),
        (Format::Bmp, ImageFormat::Bmp),
        (Format::Tiff, ImageFormat::Tiff),
    ] {
        all.push((format, written(&picture, written_as)));
    }
    for (format, bytes) in all {
        let look = see(&bytes).unwrap_or_else(|e| panic!("{format:?}: {e}"));
        assert_eq!(look.format, format);
        assert!(look.hash.distance(first.hash) <= 4, "{format:?}");
        assert!(look.likeness.compare(&first.likeness) > 0.9, "{format:?}");
        assert!(
            look.likeness.repeats(&first.likeness, Turn { mirrored: false, quarters: 0 }) > 0.9
        );
        assert!((look.exposure.mean - first.exposure.mean).abs() < 0.02, "{format:?}");
        if format == Format::Raw {
            assert_eq!((look.width, look.height, look.seen), (6000, 4000, Seen::Preview));
        } else {
            assert_eq!((look.width, look.height, look.seen), (640, 480, Seen::Picture));
        }
    }
}

#[test]
fn orientations_are_undone() {
    let upright = scene(2, 480, 320);
    let expected = see(&jpeg(&upright, 90, 1, false)).expect("a JPEG");
    let turned = |orientation: u8| match orientation {
        2 => imageops::flip_horizontal(&upright),
        3 => imageops::rotate180(&upright),
        4 => imageops::flip_vertical(&upright),
        5 => imageops::rotate270(&imageops::flip_horizontal(&upright)),
        6 => imageops::rotate270(&upright),
        7 => imageops::rotate90(&imageops::flip_horizontal(&upright)),
        8 => imageops::rotate90(&upright),
        _ => upright.clone(),
    };
    for orientation in 1..=8 {
        let look = see(&jpeg(&turned(orientation), 90, orientation, false)).expect("a JPEG");
        assert_eq!((look.width, look.height), (480, 320), "{orientation}");
        assert_eq!(look.orientation, orientation);
        assert!(look.hash.distance(expected.hash) <= 4, "{orientation}");
        let thumbnail = see(look.thumbnail.as_deref().expect("one")).expect("a thumbnail");
        assert_eq!((thumbnail.width, thumbnail.height), (100, 67), "{orientation}");
        assert!(thumbnail.hash.distance(expected.hash) <= 8, "{orientation}");
    }
}

#[test]
fn heif_pictures_are_decoded() {
    let path =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../../../tests/data/photos/RGB_8__128x128.heif");
    let bytes = std::fs::read(path).expect("the file");
    let seen = see(&bytes).expect("a HEIF picture");
    assert_eq!((seen.width, seen.height, seen.format), (128, 128, Format::Heic));
    // As libheif 1.23 decodes it.
    assert!((seen.exposure.mean - 0.5019).abs() < 0.01, "{:?}", seen.exposure);
    assert!((seen.contrast - 0.1784).abs() < 0.01, "{}", seen.contrast);
    for cut in [20, 200, 400, 600, bytes.len() / 2, bytes.len() - 1] {
        assert!(see(&bytes[..cut]).is_err(), "{cut}");
    }
    let mut turned = bytes.clone();
    let kind = bytes.windows(4).position(|w| w == b"hvc1").expect("the kind of the item");
    turned[kind..kind + 4].copy_from_slice(b"av01");
    // The parameters still say what is in there.
    assert!(see(&turned).is_ok());
    turned[kind..kind + 4].copy_from_slice(b"jpeg");
    assert!(matches!(see(&turned), Err(LookError::Unsupported(_))));
}

#[test]
fn what_breaks_off_is_marked_or_refused() {
    let whole = jpeg(&scene(3, 800, 600), 90, 1, false);
    let cut = see(&whole[..whole.len() * 2 / 3]).expect("most of it is there");
    assert!(cut.truncated && !see(&whole).expect("all of it").truncated);
    assert!(see(&whole[..40]).is_err());
    let png = written(&scene(3, 800, 600), ImageFormat::Png);
    let error = see(&png[..png.len() / 2]).expect_err("half of it");
    assert!(matches!(error, LookError::Truncated), "{error}");
    for nothing in [&b""[..], b"text", b"%PDF-1.7"] {
        assert!(matches!(see(nothing), Err(LookError::Unsupported(_))));
    }
}

#[test]
fn what_would_need_too_much_memory_is_refused() {
    // A progressive JPEG of 65,500 x 65,500 pixels in a few bytes.
    let mut bomb = vec![0xff, 0xd8, 0xff, 0xdb, 0, 67, 0];
    bomb.extend([1; 64]);
    bomb.extend([0xff, 0xc2, 0, 17, 8, 0xff, 0xdc, 0xff, 0xdc, 3]);
    bomb.extend([1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0]);
    bomb.extend([0xff, 0xd9]);
    assert!(matches!(see(&bomb), Err(LookError::TooLarge { width: 65_500, .. })));
    let mut png = written(&RgbImage::new(8, 8), ImageFormat::Bmp);
    // A bitmap that says it has 60,000 x 60,000 pixels.
    png[18..22].copy_from_slice(&60_000u32.to_le_bytes());
    png[22..26].copy_from_slice(&60_000u32.to_le_bytes());
    assert!(matches!(see(&png), Err(LookError::TooLarge { .. })));
    // 200 megapixels of a baseline JPEG are one eighth a side, and not refused.
    let large = jpeg(&RgbImage::from_pixel(16_000, 1_250, Rgb([90, 120, 30])), 50, 1, false);
    let seen = look(Cursor::new(&large), &Options { memory: 16 << 20, ..Options::default() });
    assert_eq!(seen.expect("it is reduced").width, 16_000);
}

#[test]
fn kinds_are_told_by_what_is_seen_and_known() {
    let photo = see(&jpeg(&scene(4, 800, 600), 85, 1, false)).expect("a JPEG");
    let camera = Hints { camera: true, ..Hints::default() };
    assert_eq!(kind(&photo, &camera).kind, Kind::Photo);
    // Bars and buttons in plain colours, at the size of a phone's screen.
    let screen = RgbImage::from_fn(1080, 2400, |x, y| match (x / 60, y / 100) {
        (_, 0) => Rgb([30, 60, 200]),
        (1..=9, row) if row % 3 == 1 && y % 40 < 20 => Rgb([20, 20, 20]),
        (12..=15, row) if row % 4 == 2 => Rgb([230, 80, 60]),
        _ => Rgb([245, 246, 250]),
    });
    let screen = see(&written(&screen, ImageFormat::Png)).expect("a PNG");
    let guess = kind(&screen, &Hints::default());
    assert_eq!(guess.kind, Kind::Screenshot, "{guess:?} {:?}", screen.features);
    assert!(guess.why.iter().any(|why| why == "the size of a screen"), "{guess:?}");
    // Lines of words on white.
    let page = RgbImage::from_fn(1240, 1754, |x, y| {
        let line = y % 34 < 12 && (100..1140).contains(&x) && (120..1600).contains(&y);
        let stroke = scenes::random(y / 34, x / 7) > 0.45 && (x + y) % 5 < 3;
        Rgb([if line && stroke { 40 } else { 250 }; 3])
    });
    let page = see(&jpeg(&page, 80, 1, false)).expect("a JPEG");
    let guess = kind(&page, &Hints::default());
    assert_eq!(guess.kind, Kind::Document, "{guess:?} {:?}", page.features);
}

#[test]
fn a_look_is_written_and_read() {
    let seen = see(&jpeg(&scene(5, 300, 200), 85, 1, false)).expect("a JPEG");
    let text = serde_json::to_string(&seen).expect("JSON");
    let read: Look = serde_json::from_str(&text).expect("a look");
    assert_eq!(read, Look { thumbnail: None, ..seen });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    /// Damaged pictures are seen or refused; nothing else happens.
    #[test]
    fn damage_is_survived(
        which in 0usize..7,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..12),
        cut in any::<prop::sample::Index>(),
        whole in any::<bool>(),
    ) {
        let picture = scene(6, 64, 48);
        let mut bytes = match which {
            0 => jpeg(&picture, 70, 6, false),
            1 => jpeg(&picture, 70, 1, true),
            2 => raw(&jpeg(&picture, 70, 1, false), true),
            3 => written(&picture, ImageFormat::Png),
            4 => written(&picture, ImageFormat::Tiff),
            5 => written(&picture, ImageFormat::WebP),
            _ => written(&picture, ImageFormat::Gif),
        };
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if !whole {
            bytes.truncate(cut.index(bytes.len()) + 1);
        }
        let options = Options { memory: 16 << 20, thumbnail: Some(32), ..Options::default() };
        if let Ok(look) = look(Cursor::new(&bytes), &options) {
            prop_assert!(look.sharpness.is_finite() && look.contrast.is_finite());
            prop_assert!(look.width > 0 && look.height > 0);
        }
    }
}
