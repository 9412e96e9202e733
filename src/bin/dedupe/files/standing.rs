//! How each file stands to the others.

use filehash::{Files, Found};

use crate::files::keep::{Candidate, Keep, rather};

/// A file of a group: the group, and the file that stays; none for that file itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) group: u32,
    pub(crate) of: Option<u32>,
    /// It is another name of the file that stays.
    pub(crate) link: bool,
}

/// Groups by name, and the standing of each file that is in one.
pub(crate) struct Standings {
    groups: Vec<String>,
    files: Vec<Option<Standing>>,
}

impl Standings {
    /// Chooses in each group the file that stays. `place` and `is_reference` are asked about
    /// files by number.
    pub(crate) fn new(
        files: &Files,
        found: &Found,
        keep: &[Keep],
        place: impl Fn(u32) -> u64,
        is_reference: impl Fn(u32) -> bool,
    ) -> Self {
        let mut standings = Self { groups: Vec::new(), files: vec![None; files.len()] };
        let mut links = found.links.clone();
        links.sort_unstable_by_key(|(number, name)| (*name, *number));
        let others = |name: u32| {
            let start = links.partition_point(|link| link.1 < name);
            links[start..].iter().take_while(move |link| link.1 == name).map(|link| link.0)
        };
        let candidate = |number: u32| Candidate {
            path: files.path(number),
            state: files.state(number),
            reference: is_reference(number),
            place: place(number),
        };
        for group in &found.groups {
            let names = group.files.iter().flat_map(|n| std::iter::once(*n).chain(others(*n)));
            standings.add(files, names.collect(), group.content.to_hex(), keep, candidate);
        }
        for same in links.chunk_by(|a, b| a.1 == b.1) {
            let name = same[0].1;
            if standings.files[name as usize].is_none() {
                let state = files.state(name);
                let names = std::iter::once(name).chain(others(name)).collect();
                let group = format!("inode {}:{}", state.dev, state.ino);
                standings.add(files, names, group, keep, candidate);
            }
        }
        standings
    }

    fn add<'a>(
        &mut self,
        files: &Files,
        names: Vec<u32>,
        group: String,
        keep: &[Keep],
        candidate: impl Fn(u32) -> Candidate<'a>,
    ) {
        let best = |a: &u32, b: &u32| rather(keep, &candidate(*a), &candidate(*b));
        let Some(stays) = names.iter().copied().min_by(best) else { return };
        let Ok(number) = u32::try_from(self.groups.len()) else { return };
        self.groups.push(group);
        let inode = |n: u32| (files.state(n).dev, files.state(n).ino);
        for name in names {
            self.files[name as usize] = Some(Standing {
                group: number,
                of: (name != stays).then_some(stays),
                link: name != stays && inode(name) == inode(stays),
            });
        }
    }

    /// Where a file stands; none for one that is like no other.
    pub(crate) fn of(&self, number: u32) -> Option<Standing> {
        self.files[number as usize]
    }

    /// The name of a group.
    pub(crate) fn group(&self, number: u32) -> &str {
        &self.groups[number as usize]
    }
}
