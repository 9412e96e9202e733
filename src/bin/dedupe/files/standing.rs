//! How each file stands to the others.

use std::collections::HashMap;

use filehash::{Files, Found};

use crate::files::keep::{Candidate, Keep, Quality, rather};
use crate::files::pictures::{Match, NearGroup};

/// A file of a group: the group, and the file that stays; none for that file itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) group: u32,
    pub(crate) of: Option<u32>,
    /// It is another name of the file that stays.
    pub(crate) link: bool,
    /// It shows the same picture, and is no copy.
    pub(crate) near: Option<Match>,
}

/// Groups by name, and the standing of each file that is in one.
pub(crate) struct Standings {
    groups: Vec<String>,
    files: Vec<Option<Standing>>,
    /// Why some were not compared as pictures.
    unseen: HashMap<u32, String>,
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
        let mut standings =
            Self { groups: Vec::new(), files: vec![None; files.len()], unseen: HashMap::new() };
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
            quality: Quality::default(),
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
                near: None,
            });
        }
    }

    /// Puts a picture, and the copies of it, into the group of the one that they repeat.
    pub(crate) fn join(&mut self, found: NearGroup, files: &Files) {
        let group = match self.files[found.stays as usize] {
            Some(standing) => standing.group,
            None => {
                let Ok(number) = u32::try_from(self.groups.len()) else { return };
                self.groups.push(format!("picture {}", files.path(found.stays).display()));
                number
            }
        };
        let stays = Standing { group, of: None, link: false, near: None };
        self.files[found.stays as usize] = Some(stays);
        for (number, near) in found.others {
            let of = Some(found.stays);
            let standing = Standing { group, of, link: false, near: Some(near) };
            if let Some(before) = self.files[number as usize].replace(standing) {
                let copies = self.files.iter_mut().flatten();
                copies
                    .filter(|s| s.group == before.group && s.near.is_none() && s.of == Some(number))
                    .for_each(|copy| copy.group = group);
            }
        }
    }

    /// Where a file stands; none for one that is like no other.
    pub(crate) fn of(&self, number: u32) -> Option<Standing> {
        self.files[number as usize]
    }

    /// Remembers why files were not compared as pictures.
    pub(crate) fn leave_out(&mut self, unseen: HashMap<u32, String>) {
        self.unseen = unseen;
    }

    /// Why a file was not compared as a picture.
    pub(crate) fn unseen(&self, number: u32) -> Option<&str> {
        self.unseen.get(&number).map(String::as_str)
    }

    /// The name of a group.
    pub(crate) fn group(&self, number: u32) -> &str {
        &self.groups[number as usize]
    }
}
