//! Pictures made here, for the tests beside it.

#![allow(dead_code, unreachable_pub)]

use image::{Rgb, RgbImage};
use jpeg_encoder::{ColorType, Encoder};

/// Numbers of 0 to 1 that look random.
pub fn random(seed: u32, n: u32) -> f64 {
    let mut x = seed.wrapping_mul(0x9e37_79b9) ^ n.wrapping_mul(0x85eb_ca6b);
    for _ in 0..3 {
        x ^= x >> 15;
        x = x.wrapping_mul(0x2c1b_3c6d);
        x ^= x >> 12;
    }
    f64::from(x % 10_000) / 10_000.0
}

/// A scene of discs and stripes that no two seeds share.
pub fn scene(seed: u32, width: u32, height: u32) -> RgbImage {
    let discs: Vec<[f64; 7]> =
        (0..30).map(|n| [0, 1, 2, 3, 4, 5, 6].map(|part| random(seed, 7 * n + part))).collect();
    RgbImage::from_fn(width, height, |x, y| {
        let (x, y) = (f64::from(x) / f64::from(width), f64::from(y) / f64::from(height));
        let mut colour = [40.0 + 80.0 * x, 60.0 + 60.0 * y, 90.0];
        for [left, top, size, r, g, b, stripes] in &discs {
            let (dx, dy) = (x - left, y - top);
            if (dx * dx + dy * dy).sqrt() < 0.03 + 0.12 * size {
                let light = if (dx * (40.0 + 300.0 * stripes)).sin() > 0.0 { 1.0 } else { 0.7 };
                colour = [r, g, b].map(|c| 20.0 + 180.0 * c * light);
            }
        }
        Rgb(colour.map(|c| c as u8))
    })
}

/// A JPEG, with the EXIF orientation in its metadata.
pub fn jpeg(picture: &RgbImage, quality: u8, orientation: u8, progressive: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, quality);
    encoder.set_progressive(progressive);
    let exif = [
        b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".as_slice(),
        &[orientation],
        b"\0\0\0\0\0\0",
    ];
    encoder.add_exif_metadata(&exif.concat()).expect("metadata");
    let side = |side: u32| u16::try_from(side).expect("a side");
    encoder
        .encode(picture, side(picture.width()), side(picture.height()), ColorType::Rgb)
        .expect("a JPEG");
    bytes
}
