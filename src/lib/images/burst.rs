use std::collections::{BTreeMap, HashMap, VecDeque};

use serde::Serialize;

use crate::look::{Look, rounded};

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
    /// Its faces, where they were looked for.
    pub faces: Option<Faces>,
}

/// The faces of a shot that count: the largest one, and those not much smaller.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Faces {
    /// How many there are.
    pub count: usize,
    /// How clearly their eyes are seen, on average; to be compared within a burst only. None where
    /// that is not known.
    pub eyes: Option<f64>,
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
///
/// A shot joins those of its camera that were taken within the gap before it and look like it; what
/// the camera itself calls a burst is one, whatever it looks like.
#[must_use]
pub fn bursts(shots: &[Shot<'_>], options: &BurstOptions) -> Vec<Burst> {
    let mut order: Vec<(f64, usize)> =
        shots.iter().enumerate().filter_map(|(n, shot)| Some((shot.taken?, n))).collect();
    order.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let mut groups = Groups((0..shots.len()).collect());
    // Shots of the last seconds, and the last one of each burst that a camera named.
    let mut recent: VecDeque<(f64, usize)> = VecDeque::new();
    let mut named: HashMap<(Option<&str>, &str), usize> = HashMap::new();
    for &(taken, n) in &order {
        let shot = &shots[n];
        while recent.front().is_some_and(|(before, _)| taken - before > options.gap) {
            recent.pop_front();
        }
        for &(_, other) in recent.iter().rev() {
            let before = &shots[other];
            // Of two bursts that the camera tells apart none joins the other.
            let told_apart = before.burst.zip(shot.burst).is_some_and(|(a, b)| a != b);
            if before.camera == shot.camera
                && !told_apart
                && groups.first(other) != groups.first(n)
                && shot.look.likeness.compare(&before.look.likeness) >= options.likeness
            {
                groups.join(other, n);
            }
        }
        recent.push_back((taken, n));
        if let Some(burst) = shot.burst
            && let Some(other) = named.insert((shot.camera, burst), n)
        {
            groups.join(other, n);
        }
    }
    let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let mut places = HashMap::new();
    for (place, &(_, n)) in order.iter().enumerate() {
        let first = *places.entry(groups.first(n)).or_insert(place);
        members.entry(first).or_default().push(n);
    }
    members.into_values().filter(|m| m.len() > 1).map(|m| rated(shots, m)).collect()
}

/// Which shots belong together: each points to an earlier one of its group, or to itself.
struct Groups(Vec<usize>);

impl Groups {
    fn first(&mut self, mut n: usize) -> usize {
        while self.0[n] != n {
            self.0[n] = self.0[self.0[n]];
            n = self.0[n];
        }
        n
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.first(a), self.first(b));
        self.0[a.max(b)] = a.min(b);
    }
}

/// Share of the score that a shot loses whose pixels are all black or white.
const CLIPPED: f64 = 0.25;
/// Share of the score that a black or white shot loses.
const DARK: f64 = 0.1;
/// Share of the score that a shot loses in which no eyes are seen, and others of the burst have.
const EYES: f64 = 0.35;

/// How clearly faces and eyes are seen in the shots of a burst: 1 for the clearest of them, and for
/// shots that nothing is known of.
fn seen(shots: &[Shot<'_>], members: &[usize]) -> Vec<f64> {
    let faces = |n: usize| shots[n].faces;
    let eyes = |n: usize| faces(n).and_then(|f| Some(f.eyes? * f.count as f64));
    let known = |n: &usize| faces(*n).is_some_and(|f| f.count == 0 || f.eyes.is_some());
    let most = members.iter().filter_map(|n| eyes(*n)).fold(0.0, f64::max);
    // Fewer faces are worse than more; the eyes of each count the same.
    let share = |n: &usize| if known(n) { eyes(*n).unwrap_or(0.0) / most } else { 1.0 };
    members.iter().map(|n| if most > 0.0 { share(n) } else { 1.0 }).collect()
}

fn rated(shots: &[Shot<'_>], members: Vec<usize>) -> Burst {
    let look = |n: usize| shots[n].look;
    let clipped = |n: usize| look(n).exposure.shadows + look(n).exposure.highlights;
    let sharpest = members.iter().map(|n| look(*n).sharpness).fold(f64::MIN_POSITIVE, f64::max);
    let clearest = members.iter().map(|n| clipped(*n)).fold(1.0, f64::min);
    let seen: HashMap<usize, f64> = members.iter().copied().zip(seen(shots, &members)).collect();
    let score = |n: usize| {
        let sharp = look(n).sharpness / sharpest;
        let unclipped = 1.0 - CLIPPED * (clipped(n) - clearest);
        let middle = 1.0 - DARK * (2.0 * look(n).exposure.mean - 1.0).abs();
        let whole = if look(n).truncated { 0.1 } else { 1.0 };
        let awake = 1.0 - EYES * (1.0 - seen[&n]);
        (sharp * unclipped * middle * whole * awake).clamp(0.0, 1.0)
    };
    let mut best = members[0];
    for &n in &members {
        if score(n) > score(best) {
            best = n;
        }
    }
    let ratings = members.iter().map(|&n| Rating {
        score: rounded(score(n)),
        likeness: rounded(look(n).likeness.compare(&look(best).likeness)),
        why: if n == best {
            why_best(&shots[best], sharpest, members.len(), seen[&best])
        } else {
            why_not(&shots[n], &shots[best], seen[&n] / seen[&best].max(f64::MIN_POSITIVE))
        },
    });
    let ratings = ratings.collect();
    Burst { members, best, ratings }
}

fn why_best(shot: &Shot<'_>, sharpest: f64, count: usize, seen: f64) -> String {
    let eyes = seen >= 1.0 && shot.faces.is_some_and(|faces| faces.eyes.is_some());
    match (shot.look.sharpness >= sharpest, eyes) {
        (true, false) => format!("the sharpest of {count}"),
        (true, true) => format!("the sharpest of {count}, and the eyes are clearest"),
        (false, true) => format!("of {count} the one with the clearest eyes, and sharp enough"),
        (false, false) => format!("nearly the sharpest of {count}, and better exposed"),
    }
}

/// `seen`: how clear faces and eyes are, with those of the best one for 1.
fn why_not(shot: &Shot<'_>, best: &Shot<'_>, seen: f64) -> String {
    let percent = |share: f64| (share * 100.0).round();
    let faces = shot.faces.zip(best.faces);
    let (look, best) = (shot.look, best.look);
    if look.truncated {
        return "it breaks off".into();
    }
    let mut reasons = Vec::new();
    if look.sharpness < 0.98 * best.sharpness {
        let share = percent(look.sharpness / best.sharpness);
        reasons.push(format!("{share} % as sharp as the best"));
    }
    match faces {
        Some((own, best)) if own.count < best.count => {
            reasons.push(format!("{} of {} faces", own.count, best.count));
        }
        Some(_) if seen < 0.9 => {
            reasons.push(format!("eyes {} % as clear as in the best", percent(seen)));
        }
        _ => {}
    }
    for (what, own, other) in [
        ("white", look.exposure.highlights, best.exposure.highlights),
        ("black", look.exposure.shadows, best.exposure.shadows),
    ] {
        if own > other + 0.01 {
            reasons.push(format!("{} % {what}, the best has {}", percent(own), percent(other)));
        }
    }
    if reasons.is_empty() {
        "as good as the best, and later or less well lit".into()
    } else {
        reasons.join("; ")
    }
}
