//! How much there is to see of eyes.

use crate::picture::{Part, Picture};

/// Eyes that are nearer to each other, in pixels, cannot be judged.
const LEAST: f32 = 10.0;

/// How clearly the less clear of two eyes is seen: the standard deviation of brightness around it
/// over the mean brightness between and around both. The dark iris, the white beside it and the
/// light in it count, so that lids and blur lower it. Comparable between shots of one face, not
/// between faces. None where the eyes are too small or beyond the edge.
pub(crate) fn clearness(picture: &Picture<'_>, eyes: [[f32; 2]; 2]) -> Option<f32> {
    let [left, right] = eyes;
    let apart = (right[0] - left[0]).hypot(right[1] - left[1]);
    if !(apart >= LEAST) {
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
    let (mean, _) = moments(&around(middle, 2.0 * apart, apart))?;
    let one = |eye| Some(moments(&around(eye, 0.45 * apart, 0.25 * apart))?.1);
    Some(one(left)?.min(one(right)?) / mean.max(1.0))
}

/// Mean and standard deviation.
fn moments(luma: &[f32]) -> Option<(f32, f32)> {
    if luma.is_empty() {
        return None;
    }
    let count = luma.len() as f32;
    let mean = luma.iter().sum::<f32>() / count;
    let variance = luma.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / count;
    Some((mean, variance.sqrt()))
}
