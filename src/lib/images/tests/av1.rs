//! AVIF pictures, as avifenc writes them: every kind of samples, tiles, turns, damage.

use std::io::Cursor;

use headwater_images::{Format, Look, LookError, Options, look};
use image::{RgbImage, imageops};
use proptest::prelude::*;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../tests/data/photos/av1/");

fn file(name: &str) -> Vec<u8> {
    std::fs::read(format!("{FOLDER}{name}")).expect("the file")
}

fn see(bytes: &[u8]) -> Result<Look, LookError> {
    look(Cursor::new(bytes), &Options { pixels: true, ..Options::default() })
}

/// The picture that all of them were made from.
fn original() -> RgbImage {
    image::load_from_memory(&file("scene.png")).expect("a PNG").into_rgb8()
}

/// The mean difference of a colour's value, 0 to 255.
fn difference(seen: &Look, expected: &RgbImage) -> f64 {
    let shown = seen.pixels.as_ref().expect("pixels");
    assert_eq!((shown.width, shown.height), expected.dimensions());
    let differences = shown.rgb.iter().zip(expected.as_raw()).map(|(a, b)| a.abs_diff(*b));
    differences.map(f64::from).sum::<f64>() / shown.rgb.len() as f64
}

#[test]
fn samples_of_every_kind_are_the_colours_that_they_were() {
    for name in [
        "8-bit-420.avif",
        "10-bit-444-limited-bt709.avif",
        "12-bit-422.avif",
        "alpha.avif",
        "grid.avif",
    ] {
        let seen = see(&file(name)).expect(name);
        assert_eq!((seen.width, seen.height, seen.format), (192, 128, Format::Avif), "{name}");
        let difference = difference(&seen, &original());
        assert!(difference < 4.0, "{name}: {difference}");
    }
    let grey = see(&file("grey.avif")).expect("one of brightness alone");
    let mut expected = original();
    for pixel in expected.pixels_mut() {
        let [r, g, b] = pixel.0.map(u32::from);
        pixel.0 = [((299 * r + 587 * g + 114 * b) / 1000) as u8; 3];
    }
    assert!(difference(&grey, &expected) < 4.0);
}

#[test]
fn turns_are_undone() {
    let seen = see(&file("turned-mirrored.avif")).expect("a picture");
    assert_eq!((seen.width, seen.height), (128, 192));
    // A quarter turn against the clock, top and bottom exchanged then.
    let turned = imageops::flip_vertical(&imageops::rotate270(&original()));
    let difference = difference(&seen, &turned);
    assert!(difference < 4.0, "{difference}");
}

#[test]
fn what_breaks_off_or_is_too_large_is_refused() {
    let whole = file("8-bit-420.avif");
    for cut in [20, 100, 300, whole.len() / 2, whole.len() - 1] {
        assert!(see(&whole[..cut]).is_err(), "{cut}");
    }
    let place = whole.windows(4).position(|w| w == b"ispe").expect("its size") + 8;
    let mut large = whole.clone();
    large[place..place + 8].copy_from_slice(&[0, 0, 0x40, 0, 0, 0, 0x40, 0]);
    let error = see(&large).expect_err("it says that it has 268 megapixels");
    assert!(matches!(error, LookError::TooLarge { width: 16_384, .. }), "{error}");
    let mut small = whole;
    small[place..place + 8].copy_from_slice(&[0, 0, 0, 9, 0, 0, 0, 9]);
    let error = see(&small).expect_err("it has more pixels than it says");
    assert!(matches!(error, LookError::Damaged(_)), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    /// Damaged pictures are seen or refused; nothing else happens.
    #[test]
    fn damage_is_survived(
        grid in any::<bool>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..12),
        cut in any::<prop::sample::Index>(),
        whole in any::<bool>(),
    ) {
        let mut bytes = file(if grid { "grid.avif" } else { "12-bit-422.avif" });
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if !whole {
            bytes.truncate(cut.index(bytes.len()) + 1);
        }
        if let Ok(look) = look(Cursor::new(&bytes), &Options { memory: 16 << 20, ..Options::default() }) {
            prop_assert!(look.width > 0 && look.height > 0 && look.sharpness.is_finite());
        }
    }
}
