//! Pictures that are larger than memory, or that only pretend to be pictures.

use std::process::Command;

use serde_json::Value;

use crate::fixture::{Shot, Tree};

/// What the program may take of memory and addresses together, in KiB: 300 MB.
const LIMIT: u32 = 300_000;

/// Runs the program over `in` within the limit.
fn sorted(tree: &Tree) -> Vec<Value> {
    let program = testkit::programs_folder().join("sortphotos");
    let run = Command::new("bash")
        .args(["-c", &format!("ulimit -v {LIMIT}; exec \"$@\""), "-"])
        .arg(program)
        .args(["in", "--to", "out/{taken}", "--look", "always", "--no-cache", "--jobs", "2"])
        .current_dir(tree.path())
        .env_clear()
        .env("HOME", tree.path())
        // Each further arena of the C library reserves addresses, which are no memory.
        .env("MALLOC_ARENA_MAX", "1")
        .output()
        .expect("bash runs");
    let text = String::from_utf8(run.stdout).expect("UTF-8");
    assert_eq!(run.status.code(), Some(0), "{text}{}", String::from_utf8_lossy(&run.stderr));
    text.lines().map(|line| serde_json::from_str(line).expect("a record")).collect()
}

/// A JPEG of one grey, of any size up to 65,535 pixels a side: the head of a small one with another
/// size, and six bits for each block (no difference from the block before, end of block).
fn grey(width: u16, height: u16) -> Vec<u8> {
    let mut file = Vec::new();
    let encoder = jpeg_encoder::Encoder::new(&mut file, 90);
    encoder.encode(&[128; 64], 8, 8, jpeg_encoder::ColorType::Luma).expect("a JPEG");
    let marker =
        |kind: u8| file.windows(2).position(|pair| pair == [0xff, kind]).expect("a marker");
    let (frame, scan) = (marker(0xc0), marker(0xda));
    let mut jpeg = file[..scan + 10].to_vec();
    jpeg[frame + 5..frame + 7].copy_from_slice(&height.to_be_bytes());
    jpeg[frame + 7..frame + 9].copy_from_slice(&width.to_be_bytes());
    let blocks = usize::from(width).div_ceil(8) * usize::from(height).div_ceil(8);
    // 001010, four times.
    jpeg.extend([0x28, 0xa2, 0x8a].repeat(blocks.div_ceil(4)));
    jpeg.extend([0xff, 0xd9]);
    jpeg
}

/// A chunk of a PNG.
fn chunk(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut crc = u32::MAX;
    for byte in kind.iter().chain(body) {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
        }
    }
    let length = u32::try_from(body.len()).expect("short").to_be_bytes();
    [&length[..], kind, body, &(!crc).to_be_bytes()].concat()
}

/// A PNG that says it has 900 million pixels.
fn bomb() -> Vec<u8> {
    let side = 30_000u32.to_be_bytes();
    let head = [&side[..], &side, &[8, 2, 0, 0, 0]].concat();
    let zeros = [0x78, 0x9c, 0x63, 0x60, 0x00, 0x00, 0x00, 0x02, 0x00, 0x01];
    [
        &b"\x89PNG\r\n\x1a\n"[..],
        &chunk(b"IHDR", &head),
        &chunk(b"IDAT", &zeros),
        &chunk(b"IEND", &[]),
    ]
    .concat()
}

#[test]
fn pictures_of_any_size_are_looked_at_or_refused_within_300_megabytes() {
    let tree = Tree::new(&[
        ("in/1.jpg", Shot::at("2024:03:05 14:07:09").pixels(grey(16_000, 12_500))),
        ("in/2.jpg", Shot::at("2024:03:06 14:07:09").pixels(grey(65_000, 65_000))),
        ("in/4.jpg", Shot::at("2024:03:08 14:07:09").scene(3)),
    ]);
    tree.write("in/IMG_20240307_140709.png", &bomb());
    let records = sorted(&tree);
    let photo = |n: usize| &records[n]["photo"];
    // 200 megapixels are seen, at an eighth of the size.
    assert_eq!((&photo(0)["width"], &photo(0)["height"]), (&16_000.into(), &12_500.into()));
    assert!(photo(0)["exposure"]["mean"].as_f64().is_some_and(|m| (m - 0.5).abs() < 0.01));
    for n in [1, 3] {
        let why = photo(n)["warnings"][0].as_str().expect("a warning");
        assert!(why.contains("memory") || why.contains("large"), "{why}");
        assert!(photo(n)["sharpness"].is_null());
    }
    assert!(photo(2)["sharpness"].is_number());
    // What cannot be looked at is sorted all the same.
    assert!(records.iter().all(|record| record["plan"]["action"] == "move"), "{records:?}");
}

#[test]
fn a_date_without_pixels_is_a_date() {
    let bare = Shot::at("2024:03:05 14:07:09").camera("Acme", "P1").bytes();
    let end = bare.windows(2).position(|pair| pair == [0xff, 0xe0] || pair == [0xff, 0xdb]);
    let tree = Tree::new(&[]);
    tree.write("in/exif-only.jpg", &[&bare[..end.expect("a marker")], &[0xff, 0xd9]].concat());
    let records = sorted(&tree);
    assert_eq!(records[0]["photo"]["taken"], "2024-03-05T14:07:09", "{records:?}");
    assert!(records[0]["photo"]["warnings"][0].is_string(), "{records:?}");
    assert_eq!(records[0]["plan"]["to"], "out/20240305-140709.jpg", "{records:?}");
}
