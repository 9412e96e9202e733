//! Boxes around what may be a face.

use crate::picture::Part;

/// A box and how sure it is, 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Candidate {
    pub(crate) left: f32,
    pub(crate) top: f32,
    pub(crate) right: f32,
    pub(crate) bottom: f32,
    pub(crate) score: f32,
}

/// How two boxes are told to be of one face.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Overlap {
    /// What they share, of what both cover.
    Union,
    /// What they share, of the smaller one.
    Smaller,
}

impl Candidate {
    pub(crate) fn width(&self) -> f32 {
        self.right - self.left
    }

    pub(crate) fn height(&self) -> f32 {
        self.bottom - self.top
    }

    fn area(&self) -> f32 {
        self.width().max(0.0) * self.height().max(0.0)
    }

    fn overlap(&self, other: &Self, how: Overlap) -> f32 {
        let width = self.right.min(other.right) - self.left.max(other.left);
        let height = self.bottom.min(other.bottom) - self.top.max(other.top);
        let shared = width.max(0.0) * height.max(0.0);
        let of = match how {
            Overlap::Union => self.area() + other.area() - shared,
            Overlap::Smaller => self.area().min(other.area()),
        };
        if of > 0.0 { shared / of } else { 0.0 }
    }

    /// Moved by shares of its own sides: left, top, right, bottom.
    pub(crate) fn moved(&self, by: &[f32]) -> Self {
        let (width, height) = (self.width(), self.height());
        Self {
            left: self.left + by[0] * width,
            top: self.top + by[1] * height,
            right: self.right + by[2] * width,
            bottom: self.bottom + by[3] * height,
            score: self.score,
        }
    }

    /// A square around the same middle, in whole pixels.
    pub(crate) fn squared(&self) -> Self {
        let side = self.width().max(self.height());
        let left = (self.left + (self.width() - side) / 2.0).round();
        let top = (self.top + (self.height() - side) / 2.0).round();
        let side = side.round();
        Self { left, top, right: left + side, bottom: top + side, score: self.score }
    }

    pub(crate) fn part(&self) -> Part {
        Part { x: self.left, y: self.top, width: self.width(), height: self.height() }
    }

    /// Whether it is a box of a picture of that size, and not of some network gone astray.
    pub(crate) fn is_sound(&self, width: usize, height: usize) -> bool {
        let most = 4.0 * width.max(height) as f32;
        let sides = [self.left, self.top, self.right, self.bottom];
        sides.iter().all(|side| side.is_finite() && side.abs() <= most)
            && self.width() >= 2.0
            && self.height() >= 2.0
            && self.score.is_finite()
    }
}

/// The surest ones, each without others that overlap it by more than `most`; by their places in
/// the list.
pub(crate) fn distinct(boxes: &[Candidate], most: f32, how: Overlap) -> Vec<usize> {
    let mut order: Vec<usize> = (0..boxes.len()).collect();
    order.sort_by(|a, b| boxes[*b].score.total_cmp(&boxes[*a].score));
    let mut kept: Vec<usize> = Vec::new();
    for n in order {
        if kept.iter().all(|k| boxes[*k].overlap(&boxes[n], how) <= most) {
            kept.push(n);
        }
    }
    kept
}
