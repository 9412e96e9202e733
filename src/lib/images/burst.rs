use serde::Serialize;

use crate::look::Look;

/// One of the pictures to be grouped.
#[derive(Clone, Copy, Debug)]
pub struct Shot<'a> {
    /// When: seconds since 1970, with their fractions if known. Without, it is in no burst.
    pub taken: Option<f64>,
    /// Which camera, by any name that is the same for all its pictures.
    pub camera: Option<&'a str>,
    /// What the camera says about its bursts (as Apple's `BurstUUID`): the same for all of one.
    pub burst: Option<&'a str>,
    /// What it looks like.
    pub look: &'a Look,
}

/// What makes a burst.
#[derive(Clone, Copy, Debug)]
pub struct BurstOptions {
    /// Seconds between one shot and the next, at most.
    pub gap: f64,
    /// [Likeness](crate::Likeness::compare) of one shot and another one of the burst, at least.
    pub likeness: f64,
}

impl Default for BurstOptions {
    /// 3 seconds, 0.7.
    fn default() -> Self {
        Self { gap: 3.0, likeness: 0.7 }
    }
}

/// Shots of one scene, one right after the other.
#[derive(Clone, Debug, PartialEq)]
pub struct Burst {
    /// Their numbers in the list given, in order of time; two or more.
    pub members: Vec<usize>,
    /// The number of the best one.
    pub best: usize,
    /// What they are worth, in the order of `members`.
    pub ratings: Vec<Rating>,
}

/// What a shot is worth among those of its burst.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rating {
    /// 0 to 1; the best one has the highest.
    pub score: f64,
    /// Likeness to the best one.
    pub likeness: f64,
    /// Why it is the best, or what the best one has before it, for people.
    pub why: String,
}

/// Groups shots by time, camera and likeness, and rates those of each group. In order of time;
/// shots that are in no group are left out.
#[must_use]
pub fn bursts(_shots: &[Shot<'_>], _options: &BurstOptions) -> Vec<Burst> {
    Vec::new()
}
