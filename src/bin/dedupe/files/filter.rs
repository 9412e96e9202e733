use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::{Arc, Mutex};

use cli::{Bar, Emit, Filter, Halt, Input, Operands, Stop};
use filehash::{Found, Options, ReadError, identical};
use records::{Code, Failure, Record, Usage};
use store::Digests;

use crate::files::actor::Actor;
use crate::files::folders::repeated;
use crate::files::gather::{All, Gather, Part};
use crate::files::keep::{Candidate, Keep, rather};
use crate::files::looks::Looks;
use crate::files::pictures::Pictures;
use crate::files::standing::{Standing, Standings};
use crate::filter::{Show, lock};
use crate::output::{Dup, Kind, rounded};

/// Files: what is there to say of any of them is known after the last.
pub(crate) struct FilesFilter {
    pub(crate) gather: Gather,
    pub(crate) keep: Vec<Keep>,
    pub(crate) match_links: bool,
    /// Folders that repeat another stand for their files.
    pub(crate) folders: bool,
    /// Compares pictures by what they show.
    pub(crate) pictures: Option<Pictures>,
    pub(crate) threads: usize,
    pub(crate) digests: Option<Digests>,
    pub(crate) show: Show,
    pub(crate) result: String,
    /// Changes files, or says how it would.
    pub(crate) actor: Option<Arc<Mutex<Actor>>>,
    pub(crate) stop: Stop,
    pub(crate) bar: Bar,
}

impl FilesFilter {
    fn search(&self, all: &All) -> Found {
        let compared = (0u32..).zip(&all.listed).filter(|(_, listed)| !listed.apart);
        let options = Options {
            threads: self.threads,
            digests: self.digests.as_ref(),
            stop: &|| self.stop.is_set(),
            progress: &|_, done, total| self.bar.set(done, total),
        };
        identical(&all.files, compared.map(|(number, _)| number).collect(), &options)
    }

    fn dup(&self, all: &All, standings: &Standings, number: u32) -> Dup {
        let Some(Standing { group, of, link, near }) = standings.of(number) else {
            let apart = all.listed[number as usize].apart.then(|| "it is not compared".to_owned());
            let why = apart.or_else(|| standings.unseen(number).map(ToOwned::to_owned));
            return Dup { group: None, kind: Kind::Unique, why, ..Dup::first(String::new()) };
        };
        let first = Dup::first(standings.group(group).to_owned());
        let Some(of) = of else { return first };
        if let Some(near) = near {
            return Dup {
                of: Some(records::Text::from_os(all.files.path(of).as_os_str())),
                kind: Kind::Near,
                similarity: Some(rounded(near.similarity)),
                why: Some(near.why()),
                ..first
            };
        }
        let size = all.files.state(number).size;
        Dup {
            of: Some(records::Text::from_os(all.files.path(of).as_os_str())),
            kind: if link { Kind::Link } else { Kind::Exact },
            similarity: Some(1.0),
            why: Some(if link {
                "same inode: another name of the same file".to_owned()
            } else {
                format!("same {size} bytes")
            }),
            ..first
        }
    }

    /// Compares the pictures among the files that repeat no other.
    fn join_pictures(&self, all: &All, failed: &[Option<ReadError>], standings: &mut Standings) {
        let Some(pictures) = &self.pictures else { return };
        let compared = (0u32..).zip(&all.listed).filter(|(number, listed)| {
            let alone = standings.of(*number).is_none_or(|s| s.of.is_none());
            !listed.apart && alone && failed[*number as usize].is_none()
        });
        let numbers: Vec<u32> = compared.map(|(number, _)| number).collect();
        let progress = |done, total| self.bar.set(done, total);
        let looks = Looks::new(self.digests.as_ref());
        let seen = pictures.look(&all.files, &numbers, looks, &self.stop, &progress);
        self.bar.finish();
        if self.stop.is_set() {
            return;
        }
        let candidate = |number: u32| Candidate {
            path: all.files.path(number),
            state: all.files.state(number),
            reference: all.listed[number as usize].reference,
            place: all.listed[number as usize].place,
            quality: seen.quality(number),
        };
        for group in pictures.groups(&seen, |a, b| rather(&self.keep, &candidate(a), &candidate(b)))
        {
            standings.join(group, &all.files);
        }
        standings.leave_out(seen.failed);
    }

    /// Writes, or changes, one file.
    fn emit(
        &self,
        all: &All,
        standings: &Standings,
        number: u32,
        out: &mut Emit<'_>,
    ) -> Result<(), Halt> {
        let standing = standings.of(number);
        let repeated = standing.is_some_and(|s| s.of.is_some());
        let listed = &all.listed[number as usize];
        let mut record = all.record(number)?;
        if let Some(actor) = &self.actor {
            let Some(Standing { of: Some(of), link, .. }) = standing else { return Ok(()) };
            if listed.reference || (link && !self.match_links) {
                return Ok(());
            }
            record.set(&self.result, &self.dup(all, standings, number));
            let (path, keep) = (all.files.path(number), all.files.path(of));
            return match lock(actor).act(path, keep, link) {
                Ok(plan) => {
                    record.set("plan", &plan);
                    Ok(out.record(record, Usage::default())?)
                }
                Err(failure) => Ok(out.fail(record, failure)?),
            };
        }
        match (self.show, repeated) {
            (Show::Firsts, true) | (Show::Repeated, false) => Ok(()),
            (Show::Firsts, false) => Ok(out.pass(record)?),
            _ => {
                record.set(&self.result, &self.dup(all, standings, number));
                Ok(out.record(record, Usage::default())?)
            }
        }
    }
}

impl Filter for FilesFilter {
    type Worker = Part;

    const RESULT: &'static str = "dup";
    const OPERANDS: Operands = Operands::Files;
    const SLOW: bool = false;

    fn worker(&self) -> Result<Part, Failure> {
        Ok(self.gather.part())
    }

    fn apply(&self, part: &mut Part, input: &Input, _: &mut Emit<'_>) -> Result<(), Halt> {
        Ok(self.gather.add(part, input)?)
    }

    fn finish(&self, out: &mut Emit<'_>) -> Result<(), Halt> {
        let all = self.gather.take();
        let mut found = self.search(&all);
        self.bar.finish();
        if self.stop.is_set() {
            return Err(Halt::Stopped);
        }
        let listed = |number: u32| &all.listed[number as usize];
        let mut failed: Vec<Option<ReadError>> = Vec::new();
        failed.resize_with(all.files.len(), || None);
        for (number, error) in found.failed.drain(..) {
            failed[number as usize] = Some(error);
        }
        let mut standings = Standings::new(
            &all.files,
            &found,
            &self.keep,
            |number| listed(number).place,
            |number| listed(number).reference,
        );
        self.join_pictures(&all, &failed, &mut standings);
        if self.stop.is_set() {
            return Err(Halt::Stopped);
        }
        let mut order = all.in_order();
        order.retain(|number| !listed(*number).silent);
        let tell = |number: &u32, out: &mut Emit<'_>| {
            if out.is_stopping() || self.actor.as_ref().is_some_and(|actor| lock(actor).is_broken())
            {
                return Err(Halt::Stopped);
            }
            match &failed[*number as usize] {
                None => self.emit(&all, &standings, *number, out),
                Some(error) => {
                    let failure = Failure::new(Code::Unreadable, error).retryable();
                    Ok(out.fail(all.record(*number)?, failure)?)
                }
            }
        };
        // Each change is told before the next one is made.
        if !self.folders && self.actor.is_none() {
            return out.each(&order, self.threads, tell);
        }
        let mut folders =
            if self.folders { repeated(&all, &standings) } else { HashMap::default() };
        let mut told = HashSet::new();
        for number in order {
            let mut above = all.files.path(number).ancestors().skip(1);
            let is_told = |path: &&Path| told.contains(*path) || folders.contains_key(*path);
            let Some(folder) = above.find(is_told) else {
                tell(&number, out)?;
                continue;
            };
            if let Some(repeated) = folders.remove(folder) {
                let mut record = Record::of_path(folder);
                record.set(&self.result, &repeated.dup());
                out.record(record, Usage::default())?;
                told.insert(folder.to_owned());
            }
        }
        Ok(())
    }
}
