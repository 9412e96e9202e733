//! How much there is to see of eyes.

use crate::picture::{Part, Picture};

/// Eyes that are nearer to each other, in pixels, cannot be judged.
const LEAST: f32 = 10.0;

/// How clearly the less clear of two eyes is seen: how much darker than the skin between both it
/// is, as the root of the mean square over the box around it, in shares of the skin's brightness.
/// The iris, the pupil and the lashes count, so that lids and blur lower it. Comparable between
/// shots of one face, not between faces. None where the eyes are too small or beyond the edge.
pub(crate) fn clearness(picture: &Picture<'_>, eyes: [[f32; 2]; 2]) -> Option<f32> {
    let [left, right] = eyes;
    let apart = (right[0] - left[0]).hypot(right[1] - left[1]);
    if apart.is_nan() || apart < LEAST {
        return None;
    }
    let (width, height) = picture.size();
    let inside =
        |[x, y]: [f32; 2]| (0.0..width as f32).contains(&x) && (0.0..height as f32).contains(&y);
    if !inside(left) || !inside(right) {
        return None;
    }
    let around = |[x, y]: [f32; 2], w: f32, h: f32| {
        picture.luma(Part { x: x - w / 2.0, y: y - h / 2.0, width: w, height: h })
    };
    let middle = [(left[0] + right[0]) / 2.0, (left[1] + right[1]) / 2.0];
    let skin = median(around(middle, 0.3 * apart, 0.3 * apart))?.max(1.0);
    let one = |eye| dark(&around(eye, 0.4 * apart, 0.22 * apart), skin);
    Some(one(left)?.min(one(right)?))
}

fn median(mut luma: Vec<f32>) -> Option<f32> {
    let middle = luma.len() / 2;
    (!luma.is_empty()).then(|| *luma.select_nth_unstable_by(middle, f32::total_cmp).1)
}

fn dark(luma: &[f32], skin: f32) -> Option<f32> {
    let squares = luma.iter().map(|v| ((skin - v).max(0.0) / skin).powi(2));
    (!luma.is_empty()).then(|| (squares.sum::<f32>() / luma.len() as f32).sqrt())
}
