//! Pictures that show the same, whatever their size, format and turn.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;

use cli::Stop;
use filehash::Files;
use images::{Hash, Index, Likeness, Turn};

use crate::files::keep::Quality;
use crate::files::looks::{Looked, Looks};
use crate::filter::lock;

/// How pictures are compared.
pub(crate) struct Pictures {
    /// How far two agree, at least: 0 to 1.
    pub(crate) threshold: f64,
    /// Mirrored ones are the same too.
    pub(crate) mirrored: bool,
    pub(crate) threads: usize,
}

/// In what a picture agrees with the one that it repeats.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Match {
    /// 0 to 1.
    pub(crate) similarity: f64,
    /// Bits of 64 in which their hashes differ.
    bits: u32,
    turn: Turn,
}

impl Eq for Match {}

/// The picture that stays, and those that repeat it.
pub(crate) struct NearGroup {
    pub(crate) stays: u32,
    pub(crate) others: Vec<(u32, Match)>,
}

/// A picture that was looked at.
struct Seen {
    number: u32,
    hash: Hash,
    likeness: Likeness,
    quality: Quality,
}

/// All pictures among the files.
pub(crate) struct AllSeen {
    /// In order of their numbers.
    pictures: Vec<Seen>,
    /// Why some are not among them.
    pub(crate) failed: HashMap<u32, String>,
}

impl AllSeen {
    /// How good a picture is; nothing for what is none.
    pub(crate) fn quality(&self, number: u32) -> Quality {
        let place = self.pictures.binary_search_by_key(&number, |seen| seen.number);
        place.map_or(Quality::default(), |place| self.pictures[place].quality)
    }
}

impl Match {
    /// For people.
    pub(crate) fn why(&self) -> String {
        let percent = (self.similarity * 1000.0).floor() / 10.0;
        let Turn { mirrored, quarters } = self.turn;
        let mirrored = if mirrored { ", mirrored" } else { "" };
        let turned = match quarters {
            0 => String::new(),
            quarters => format!(", turned by {} degrees", u32::from(quarters) * 90),
        };
        format!(
            "the same picture{mirrored}{turned}: {percent} % of its detail, {} of 64 bits differ",
            self.bits
        )
    }
}

impl Pictures {
    /// Looks at those of the files that are pictures, where no earlier run did. `progress` gets
    /// their number so far, and all.
    pub(crate) fn look(
        &self,
        files: &Files,
        numbers: &[u32],
        looks: Looks<'_>,
        stop: &Stop,
        progress: &(dyn Fn(u64, u64) + Sync),
    ) -> AllSeen {
        let known = looks.known(files, numbers);
        let mut pictures = Vec::new();
        let mut unknown = Vec::new();
        for (number, known) in numbers.iter().zip(known) {
            match known {
                Some(looked) => pictures.extend(looked.map(|l| Seen::new(files, *number, l))),
                None => unknown.push(*number),
            }
        }
        log::info!("{} files are looked at, {} are known", unknown.len(), pictures.len());
        let next = AtomicUsize::new(0);
        let found = Mutex::new(AllSeen { pictures, failed: HashMap::new() });
        thread::scope(|scope| {
            for _ in 0..self.threads.clamp(1, unknown.len().max(1)) {
                scope.spawn(|| {
                    while !stop.is_set() {
                        let place = next.fetch_add(1, Relaxed);
                        let Some(&number) = unknown.get(place) else { break };
                        let looked = looks.look(files, number);
                        let mut found = lock(&found);
                        match looked {
                            Ok(Some(looked)) => {
                                found.pictures.push(Seen::new(files, number, looked));
                            }
                            // Most files are no pictures: nothing to speak of.
                            Ok(None) => {}
                            Err(e) => {
                                found.failed.insert(number, format!("not seen as a picture: {e}"));
                            }
                        }
                        progress(place as u64 + 1, unknown.len() as u64);
                    }
                });
            }
        });
        looks.keep();
        let mut found = found.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        found.pictures.sort_unstable_by_key(|seen| seen.number);
        found
    }

    /// Groups of pictures that show the same. The one that rather stays comes first, and each of
    /// the others is like that one: no chains of ever less likeness.
    pub(crate) fn groups(
        &self,
        seen: &AllSeen,
        rather: impl Fn(u32, u32) -> Ordering,
    ) -> Vec<NearGroup> {
        let pictures = &seen.pictures;
        let mut order: Vec<usize> = (0..pictures.len()).collect();
        order.sort_by(|a, b| rather(pictures[*a].number, pictures[*b].number));
        let index = Index::new(pictures.iter().map(|seen| seen.hash).collect());
        let mut free = vec![true; pictures.len()];
        let mut groups = Vec::new();
        for leader in order {
            if !std::mem::replace(&mut free[leader], false) {
                continue;
            }
            let mut others: Vec<(u32, Match)> = Vec::new();
            for turn in Turn::all(self.mirrored) {
                let hash = pictures[leader].hash.turned(turn);
                for near in index.within(hash, Index::FARTHEST) {
                    let near = near as usize;
                    if !free[near] {
                        continue;
                    }
                    let other = &pictures[near];
                    let similarity = pictures[leader].likeness.repeats(&other.likeness, turn);
                    if similarity >= self.threshold {
                        free[near] = false;
                        let bits = hash.distance(other.hash);
                        others.push((other.number, Match { similarity, bits, turn }));
                    }
                }
            }
            if !others.is_empty() {
                groups.push(NearGroup { stays: pictures[leader].number, others });
            }
        }
        groups
    }
}

impl Seen {
    fn new(files: &Files, number: u32, looked: Looked) -> Self {
        let Looked { pixels, sharpness, hash, likeness } = looked;
        let quality = Quality {
            pixels,
            sharpness: (sharpness.max(1e-4).ln() / 1.1f64.ln()).floor() as i32,
            bytes: files.state(number).size,
        };
        Self { number, hash, likeness, quality }
    }
}
