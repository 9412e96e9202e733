//! `dedupe --near --files`, as its users run it, over pictures made here.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use image::imageops::{self, FilterType};
use image::{DynamicImage, Rgb, RgbImage};
use jpeg_encoder::{ColorType, Encoder};
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::{Program, program};

/// A scene of lights and shapes that no two seeds share.
fn scene(seed: u32, width: u32, height: u32) -> RgbImage {
    let random = |n: u32| {
        let mut x = seed.wrapping_mul(0x9e37_79b9) ^ n.wrapping_mul(0x85eb_ca6b);
        for _ in 0..3 {
            x ^= x >> 15;
            x = x.wrapping_mul(0x2c1b_3c6d);
            x ^= x >> 12;
        }
        f64::from(x % 10_000) / 10_000.0
    };
    let spots: Vec<[f64; 6]> =
        (0..24).map(|n| [0, 1, 2, 3, 4, 5].map(|part| random(6 * n + part))).collect();
    RgbImage::from_fn(width, height, |x, y| {
        let (x, y) = (f64::from(x) / f64::from(width), f64::from(y) / f64::from(height));
        let mut colour = [40.0 + 80.0 * x, 60.0 + 60.0 * y, 90.0];
        for [left, top, size, r, g, b] in &spots {
            let (dx, dy) = (x - left, y - top);
            if (dx * dx + dy * dy).sqrt() < 0.03 + 0.12 * size {
                colour = [255.0 * r, 255.0 * g, 255.0 * b];
            }
        }
        Rgb(colour.map(|c| c as u8))
    })
}

/// Writes a JPEG with an EXIF orientation.
fn jpeg(path: &Path, picture: &RgbImage, quality: u8, orientation: u8) {
    let mut encoder = Encoder::new_file(path, quality).expect("a file");
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
}

fn dedupe(folder: &TempDir, args: &[&str]) -> Program {
    program("dedupe").arg(folder.path()).args(["--near", "--files"]).args(args)
}

fn name(value: &Value) -> String {
    let path = Path::new(value.as_str().expect("a path"));
    path.file_name().and_then(|n| n.to_str()).expect("a name").to_owned()
}

/// One scene at four sizes and turns, a copy, another scene, and what is no picture.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let picture = scene(1, 800, 600);
    let small = |width, height| imageops::resize(&picture, width, height, FilterType::Triangle);
    small(400, 300).save(at("a-small.png")).expect("a PNG");
    picture.save(at("b-large.png")).expect("a PNG");
    // Stored on its side, and shown upright by its orientation.
    jpeg(&at("c-stored-turned.jpg"), &imageops::rotate270(&small(640, 480)), 60, 6);
    DynamicImage::from(imageops::rotate90(&small(512, 384)))
        .save(at("d-turned.png"))
        .expect("a PNG");
    imageops::flip_horizontal(&picture).save(at("e-mirrored.png")).expect("a PNG");
    fs::copy(at("a-small.png"), at("f-copy.png")).expect("a copy");
    scene(2, 800, 600).save(at("g-other.png")).expect("a PNG");
    fs::write(at("h-broken.png"), &fs::read(at("b-large.png")).expect("it")[..999])
        .expect("a file");
    fs::write(at("i-text.txt"), "no picture").expect("a file");
    folder
}

#[test]
fn pictures_that_show_the_same_repeat_the_best_one() {
    let folder = folder();
    let outcome = dedupe(&folder, &["--report", "--jobs", "1"]).run().code(0);
    let records = outcome.records();
    let standing = |n: usize| {
        let dup = &records[n]["dup"];
        let of = if dup["of"].is_null() { String::new() } else { name(&dup["of"]) };
        (dup["kind"].as_str().expect("a kind").to_owned(), of)
    };
    let near = ("near".to_owned(), "b-large.png".to_owned());
    assert_eq!(standing(0), near, "{outcome}");
    assert_eq!(standing(1), ("first".into(), String::new()), "{outcome}");
    assert_eq!(standing(2), near, "{outcome}");
    assert_eq!(standing(3), near, "{outcome}");
    assert_eq!(standing(4).0, "unique", "mirrored: {outcome}");
    assert_eq!(standing(5), ("exact".into(), "a-small.png".into()), "{outcome}");
    for other in 6..9 {
        assert_eq!(standing(other).0, "unique", "{outcome}");
    }
    let group = &records[1]["dup"]["group"];
    for member in [0, 2, 3, 5] {
        assert_eq!(&records[member]["dup"]["group"], group, "{outcome}");
    }
    let why = |n: usize| records[n]["dup"]["why"].as_str().unwrap_or_default().to_owned();
    assert!(why(2).starts_with("the same picture: "), "{outcome}");
    assert!(why(3).starts_with("the same picture, turned by 90 degrees: "), "{outcome}");
    assert!(why(7).starts_with("not seen as a picture: "), "{outcome}");
    assert_eq!(records[8]["dup"]["why"], json!(null), "{outcome}");
    assert!(records[2]["dup"]["similarity"].as_f64().expect("a number") >= 0.9, "{outcome}");

    let again = dedupe(&folder, &["--report", "--jobs", "4"]).run().code(0);
    let dups = |records: &[Value]| -> Vec<Value> {
        records.iter().map(|record| record["dup"].clone()).collect()
    };
    assert_eq!(dups(&again.records()), dups(&records));
}

#[test]
fn avif_pictures_are_compared_with_others() {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["8-bit-420.avif", "grid.avif", "scene.png", "turned-mirrored.avif"] {
        fs::copy(testkit::data(&format!("photos/av1/{name}")), folder.path().join(name))
            .expect("a copy");
    }
    let run = dedupe(&folder, &["--report", "--mirrored", "--threshold", "0.95"]).run().code(0);
    let kinds: Vec<Value> = run.records().iter().map(|r| r["dup"]["kind"].clone()).collect();
    assert_eq!(kinds.iter().filter(|kind| *kind == "near").count(), 3, "{run}");
    assert_eq!(kinds.iter().filter(|kind| *kind == "first").count(), 1, "{run}");
}

#[test]
fn what_counts_as_the_same_and_which_stays_can_be_said() {
    let folder = folder();
    let kept = |args: &[&str]| -> Vec<String> {
        let outcome = dedupe(&folder, args).run().code(0);
        outcome.records().iter().map(|record| name(&record["path"])).collect()
    };
    let all = ["b-large.png", "e-mirrored.png", "g-other.png", "h-broken.png", "i-text.txt"];
    assert_eq!(kept(&[]), all);
    assert_eq!(kept(&["--mirrored"]), ["b-large.png", "g-other.png", "h-broken.png", "i-text.txt"]);
    assert_eq!(kept(&["--keep", "first"])[0], "a-small.png");
    assert_eq!(kept(&["--threshold", "1"]).len(), 8, "none but the copy");

    let both = program("dedupe").args(["--near", "--files", "--apply", "delete", "x"]).run();
    both.code(2);
}

#[test]
fn what_pictures_look_like_is_kept_until_they_change() {
    let folder = folder();
    let old = SystemTime::now() - Duration::from_secs(60);
    for entry in fs::read_dir(folder.path()).expect("a folder") {
        let file = fs::File::options().write(true).open(entry.expect("it").path()).expect("a file");
        file.set_modified(old).expect("a time");
    }
    // A state counts once nothing can change it unseen: the time of that change is the kernel's.
    std::thread::sleep(Duration::from_millis(2200));
    let cache = tempfile::tempdir().expect("a folder");
    let run = || {
        let run = dedupe(&folder, &["-v", "-d", "--cache"]).arg(cache.path().join("c.db"));
        let run = run.run().code(0);
        let found: Vec<(String, Value)> =
            run.records().iter().map(|r| (name(&r["path"]), r["dup"].clone())).collect();
        (found, run.messages())
    };
    let (first, messages) = run();
    assert!(messages.contains("8 files are looked at, 0 are known"), "{messages}");
    let (again, messages) = run();
    assert_eq!(again, first);
    // The broken one is looked at again: another program may read it, as this one may later.
    assert!(messages.contains("1 files are looked at, 6 are known"), "{messages}");
    scene(3, 400, 300).save(folder.path().join("a-small.png")).expect("a PNG");
    let (changed, messages) = run();
    assert!(changed != first && messages.contains("known"), "{messages}");
    assert!(changed.iter().all(|(name, _)| name != "a-small.png"), "{changed:?}");
}
