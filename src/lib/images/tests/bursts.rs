//! Bursts made here: shifts, blur, exposure; scenes right after each other, two cameras at a time.

use std::collections::BTreeSet;
use std::io::Cursor;

use headwater_images::{BurstOptions, Faces, Look, Options, Shot, bursts, look};
use image::imageops;
use image::{Rgb, RgbImage};

#[path = "scenes.rs"]
mod scenes;

use scenes::{jpeg, random, scene};

struct Taken {
    scene: u32,
    time: f64,
    camera: &'static str,
    sharp: bool,
    look: Look,
}

fn shot(from: &RgbImage, seed: u32, sharp: bool) -> Look {
    let at = |n: u32, most: f64| (random(seed, n) * most) as u32;
    let cut = imageops::crop_imm(from, at(1, 50.0), at(2, 40.0), 600, 450).to_image();
    let blur = if sharp { 0.0 } else { 0.8 + 2.0 * random(seed, 3) };
    let cut = if sharp { cut } else { imageops::blur(&cut, blur as f32) };
    let gain = 0.75 + 0.5 * random(seed, 4);
    let lit = RgbImage::from_fn(cut.width(), cut.height(), |x, y| {
        Rgb(cut.get_pixel(x, y).0.map(|c| (f64::from(c) * gain).min(255.0) as u8))
    });
    look(Cursor::new(jpeg(&lit, 88, 1, false)), &Options::default()).expect("a JPEG")
}

/// 24 scenes of one to five shots.
fn shots() -> Vec<Taken> {
    let mut clocks = [1_700_000_000.0, 1_700_000_000.2];
    let mut all = Vec::new();
    for number in 0..24 {
        let from = scene(100 + number, 660, 495);
        let camera = number as usize % 2;
        clocks[camera] += if number % 3 == 0 { 30.0 } else { 2.0 };
        let count = 1 + number % 5;
        for n in 0..count {
            let sharp = n == number % count;
            let look = shot(&from, 1000 * number + n, sharp);
            let name = ["one", "two"][camera];
            all.push(Taken { scene: number, time: clocks[camera], camera: name, sharp, look });
            clocks[camera] += 0.4;
        }
    }
    all
}

fn given(taken: &[Taken]) -> Vec<Shot<'_>> {
    let shot = |t: &Taken| (Some(t.time), Some(t.camera));
    let given = |t| {
        let (taken, camera) = shot(t);
        Shot { taken, camera, burst: None, look: &t.look, faces: None }
    };
    taken.iter().map(given).collect()
}

#[test]
fn bursts_are_found_and_the_sharpest_is_chosen() {
    let all = shots();
    let found = bursts(&given(&all), &BurstOptions::default());
    let mut pairs = BTreeSet::new();
    for burst in &found {
        for (place, a) in burst.members.iter().enumerate() {
            pairs.extend(burst.members[place + 1..].iter().map(|b| (*a.min(b), *a.max(b))));
        }
        assert_eq!(burst.ratings.len(), burst.members.len());
        assert!(burst.ratings.iter().all(|r| (0.0..=1.0).contains(&r.score) && !r.why.is_empty()));
    }
    let wanted: BTreeSet<(usize, usize)> = (0..all.len())
        .flat_map(|b| (0..b).map(move |a| (a, b)))
        .filter(|(a, b)| all[*a].scene == all[*b].scene)
        .collect();
    let right = wanted.intersection(&pairs).count() as f64;
    let f1 = 2.0 * right / (wanted.len() + pairs.len()) as f64;
    assert!(f1 >= 0.97, "F1 {f1}");
    let several = all.iter().filter(|t| t.sharp && t.scene % 5 != 0).count();
    let chosen = found.iter().filter(|burst| all[burst.best].sharp).count();
    assert!(chosen as f64 >= 0.95 * several as f64, "{chosen} of {several}");
}

#[test]
fn time_camera_and_what_the_camera_says_decide() {
    let from = scene(7, 660, 495);
    let look = [shot(&from, 1, true), shot(&from, 2, false), shot(&scene(8, 660, 495), 3, true)];
    let shot =
        |taken, camera, burst, look| Shot { taken: Some(taken), camera, burst, look, faces: None };
    let found = |shots: &[Shot<'_>]| -> Vec<Vec<usize>> {
        bursts(shots, &BurstOptions::default()).into_iter().map(|b| b.members).collect()
    };
    let (one, two) = (Some("one"), Some("two"));
    let near = [shot(9.0, one, None, &look[0]), shot(8.0, one, None, &look[1])];
    assert_eq!(found(&near), [[1, 0]], "in order of time");
    let far = [shot(1.0, one, None, &look[0]), shot(8.0, one, None, &look[1])];
    assert_eq!(found(&far), [[0; 0]; 0], "too long between");
    let others = [shot(8.0, one, None, &look[0]), shot(8.0, two, None, &look[1])];
    assert_eq!(found(&others), [[0; 0]; 0], "two cameras");
    let unlike = [shot(8.0, one, None, &look[0]), shot(8.5, one, None, &look[2])];
    assert_eq!(found(&unlike), [[0; 0]; 0], "two scenes");
    let named = [shot(8.0, one, Some("x"), &look[0]), shot(80.0, one, Some("x"), &look[2])];
    assert_eq!(found(&named), [[0, 1]], "the camera says so");
    let told_apart = [shot(8.0, one, Some("x"), &look[0]), shot(8.5, one, Some("y"), &look[1])];
    assert_eq!(found(&told_apart), [[0; 0]; 0], "the camera says so");
    let mut undated = near;
    undated[0].taken = None;
    assert_eq!(found(&undated), [[0; 0]; 0], "no time");
}

#[test]
fn open_eyes_are_worth_more_than_a_little_sharpness_and_less_than_much() {
    let from = scene(77, 660, 495);
    let (sharp, blurred) = (shot(&from, 1, true), shot(&from, 1, false));
    let given = |look, taken, count, eyes| Shot {
        taken: Some(taken),
        camera: None,
        burst: None,
        look,
        faces: Some(Faces { count, eyes }),
    };
    let best = |shots: &[Shot<'_>]| {
        let found = bursts(shots, &BurstOptions::default());
        assert_eq!(found.len(), 1, "one burst");
        let why = found[0].ratings.iter().map(|rating| rating.why.clone()).collect::<Vec<_>>();
        (found[0].best, why)
    };
    let (place, why) = best(&[given(&sharp, 1.0, 1, Some(0.1)), given(&sharp, 1.5, 1, Some(0.4))]);
    assert_eq!(place, 1, "{why:?}");
    assert!(why[0].contains("eyes 25 % as clear"), "{why:?}");
    let (place, why) = best(&[given(&sharp, 1.0, 1, Some(0.4)), given(&sharp, 1.5, 2, Some(0.4))]);
    assert_eq!(place, 1, "{why:?}");
    assert!(why[0].contains("1 of 2 faces"), "{why:?}");
    // Nothing known of the eyes of one is no reason against it.
    let (place, _) = best(&[given(&sharp, 1.0, 1, None), given(&sharp, 1.5, 1, Some(0.4))]);
    assert_eq!(place, 0);
    let (place, why) =
        best(&[given(&sharp, 1.0, 1, Some(0.3)), given(&blurred, 1.5, 1, Some(0.4))]);
    assert_eq!(place, 0, "{why:?}");
    assert!(why[1].contains("as sharp"), "{why:?}");
}
