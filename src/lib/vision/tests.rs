use crate::boxes::{Candidate, Overlap, distinct};
use crate::eyes::clearness;
use crate::picture::{Part, Picture};

fn one(left: f32, top: f32, side: f32, score: f32) -> Candidate {
    Candidate { left, top, right: left + side, bottom: top + side, score }
}

#[test]
fn parts_are_resized_and_black_beyond_the_edge() {
    let rgb: Vec<u8> = (0..4u8 * 4).flat_map(|n| [n * 10, 0, 255]).collect();
    let picture = Picture::new(4, 4, &rgb).expect("a picture");
    let half = picture.resized(picture.whole(), 2, 2);
    // The mean of 0, 10, 40, 50.
    assert_eq!(half[0], [25.0, 0.0, 255.0]);
    let beyond = Part { x: 3.0, y: 3.0, width: 2.0, height: 2.0 };
    let beyond = picture.resized(beyond, 2, 2);
    assert_eq!(beyond[0], [150.0, 0.0, 255.0]);
    assert_eq!(beyond[1..], [[0.0; 3]; 3]);
    let larger = picture.resized(Part { x: 1.0, y: 1.0, width: 1.0, height: 1.0 }, 4, 4);
    assert!(larger.iter().all(|p| (p[2] - 255.0).abs() < 0.01), "{larger:?}");
    assert!(Picture::new(4, 4, &rgb[1..]).is_none() && Picture::new(0, 0, &[]).is_none());
}

#[test]
fn of_boxes_that_overlap_the_surest_stays() {
    let boxes = [one(0.0, 0.0, 10.0, 0.7), one(1.0, 1.0, 10.0, 0.9), one(50.0, 0.0, 10.0, 0.8)];
    assert_eq!(distinct(&boxes, 0.5, Overlap::Union), [1, 2]);
    let inside = [one(0.0, 0.0, 10.0, 0.7), one(2.0, 2.0, 3.0, 0.6)];
    assert_eq!(distinct(&inside, 0.5, Overlap::Union), [0, 1]);
    assert_eq!(distinct(&inside, 0.5, Overlap::Smaller), [0]);
    assert!(!one(f32::NAN, 0.0, 10.0, 1.0).is_sound(10, 10));
    assert!(!one(0.0, 0.0, 1e9, 1.0).is_sound(10, 10));
}

/// A face: grey, with two eyes at (30, 40) and (70, 40).
fn face(open: bool) -> Vec<u8> {
    let mut rgb = vec![150; 100 * 100 * 3];
    for eye in [30.0f32, 70.0] {
        for y in 0..100u8 {
            for x in 0..100u8 {
                let (dx, dy) = (f32::from(x) - eye, f32::from(y) - 40.0);
                let lid = dx.abs() < 8.0 && dy.abs() < 1.0;
                let value = match (dx / 8.0).hypot(dy / 4.0) {
                    _ if !open && lid => 80,
                    _ if !open => continue,
                    _ if dx.hypot(dy) < 3.5 => 20,
                    r if r < 1.0 => 230,
                    _ => continue,
                };
                let at = (usize::from(y) * 100 + usize::from(x)) * 3;
                rgb[at..at + 3].fill(value);
            }
        }
    }
    rgb
}

#[test]
fn closed_eyes_are_less_clear() {
    let clear = |open: bool, eyes| {
        let rgb = face(open);
        clearness(&Picture::new(100, 100, &rgb).expect("a picture"), eyes)
    };
    let eyes = [[30.0, 40.0], [70.0, 40.0]];
    let (open, closed) = (clear(true, eyes).expect("eyes"), clear(false, eyes).expect("eyes"));
    assert!(open > 1.5 * closed, "{open} {closed}");
    assert_eq!(clear(true, [[30.0, 40.0], [33.0, 40.0]]), None, "too near");
    assert_eq!(clear(true, [[-30.0, 40.0], [70.0, 40.0]]), None, "beyond the edge");
    assert_eq!(clear(true, [[f32::NAN, 40.0], [70.0, 40.0]]), None);
}
