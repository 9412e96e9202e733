//! What was measured of models on this machine, and the model that `--model auto` means.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{ResolveError, Resolved, Store, StoreError, now, read_json, write_json};
use crate::catalogue::Task;
use crate::cpu;
use crate::digest::Sha256;
use crate::memory;
use crate::tuning::Speed;

/// Prompt tokens a second that a model must reach here to be taken by `--model auto`: a message
/// of 300 tokens is then read in three seconds.
pub const AUTO_PROMPT_RATE: f64 = 100.0;

/// Files that are remembered.
const MAX_FILES: usize = 128;

/// A measured file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Seen {
    sha256: Sha256,
    cpu: String,
    cores: usize,
    speed: Speed,
    at: u64,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Note {
    files: Vec<Seen>,
}

/// A model that `--model auto` may take.
#[derive(Debug, Clone, PartialEq)]
struct Choice {
    name: String,
    /// Number of weights: what "larger" means.
    parameters: u64,
    /// Bytes of memory it needs.
    memory: u64,
    speed: Option<Speed>,
}

/// Why none of them is taken.
#[derive(Debug, Clone, PartialEq)]
enum Unfit {
    /// None is here.
    Absent,
    /// None was measured on this machine.
    Unmeasured,
    /// All are too slow or too large.
    TooMuch(String),
}

impl Store {
    fn speeds(&self) -> PathBuf {
        self.dir.join(".speeds.json")
    }

    /// How fast the file with this checksum runs on this machine (processor and number of
    /// cores), if that was measured.
    pub fn speed(&self, sha256: Sha256) -> Option<Speed> {
        let note: Note = read_json(&self.speeds())?;
        let here = |seen: &&Seen| {
            seen.sha256 == sha256 && seen.cpu == cpu::signature() && seen.cores == cpu::cores()
        };
        note.files.iter().find(here).map(|seen| seen.speed)
    }

    /// Remembers how fast a file runs on this machine.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn note_speed(&self, sha256: Sha256, speed: Speed) -> Result<(), StoreError> {
        let path = self.speeds();
        let mut note: Note = read_json(&path).unwrap_or_default();
        let cpu = cpu::signature();
        let cores = cpu::cores();
        note.files.retain(|s| s.sha256 != sha256 || s.cpu != cpu || s.cores != cores);
        note.files.insert(0, Seen { sha256, cpu: cpu.to_owned(), cores, speed, at: now() });
        note.files.truncate(MAX_FILES);
        write_json(&path, &note).map_err(StoreError::io(&path))
    }

    /// What `--model auto` means: the model for `task` with the most weights that is here, was
    /// measured on this machine, fits its memory, and reads at least [`AUTO_PROMPT_RATE`] tokens
    /// a second. Models of the catalogue only, and none that was not tuned to follow
    /// instructions.
    ///
    /// # Errors
    /// There is none; the message says what to do.
    pub fn resolve_auto(&self, task: Task, as_downloaded: bool) -> Result<Resolved, ResolveError> {
        let mut files = Vec::new();
        let mut choices = Vec::new();
        for entry in self.catalogue.entries().iter().filter(|e| e.task == task && !e.base) {
            if self.present(&entry.name)?.is_none() {
                continue;
            }
            match self.find(&entry.name, task, as_downloaded) {
                Ok((file, original)) => {
                    choices.push(Choice {
                        name: file.name.clone(),
                        parameters: file.inspection.parameters,
                        memory: entry.memory_of(file.inspection.bytes),
                        speed: self.speed(file.sha256),
                    });
                    files.push((file, original));
                }
                Err(error) => log::warn!("{error}"),
            }
        }
        match pick(&choices, memory::available()) {
            Ok(at) => {
                let (file, original) = files.swap_remove(at);
                self.note_use(&file.name, &original);
                Ok(file)
            }
            Err(Unfit::Absent) => Err(match self.catalogue.default_for(task, None) {
                Some(entry) => ResolveError::Missing(entry.name.clone()),
                None => ResolveError::NoDefault(task),
            }),
            Err(Unfit::Unmeasured) => Err(ResolveError::Unmeasured(task)),
            Err(Unfit::TooMuch(why)) => Err(ResolveError::NoneFits(why)),
        }
    }
}

fn pick(choices: &[Choice], available: Option<u64>) -> Result<usize, Unfit> {
    if choices.is_empty() {
        return Err(Unfit::Absent);
    }
    let measured: Vec<(usize, &Choice, f64)> = choices
        .iter()
        .enumerate()
        .filter_map(|(at, choice)| Some((at, choice, choice.speed?.prompt_rate)))
        .collect();
    if measured.is_empty() {
        return Err(Unfit::Unmeasured);
    }
    for choice in choices.iter().filter(|choice| choice.speed.is_none()) {
        log::info!("{} was not measured and is left out; run: models fit", choice.name);
    }
    let room = available.unwrap_or(u64::MAX);
    let fitting = measured.iter().filter(|(_, choice, _)| choice.memory <= room);
    let fast = fitting.filter(|(_, _, rate)| *rate >= AUTO_PROMPT_RATE);
    // Of equal ones the first, in the order of the catalogue.
    if let Some((at, ..)) = fast.rev().max_by_key(|(_, choice, _)| choice.parameters) {
        return Ok(*at);
    }
    let said = measured.iter().map(|(_, choice, rate)| {
        let memory = choice.memory >> 20;
        format!("{} reads {rate:.0} tokens/s and needs {memory} MiB", choice.name)
    });
    Err(Unfit::TooMuch(format!(
        "{}; {} MiB are available, and {AUTO_PROMPT_RATE} tokens/s are wanted",
        said.collect::<Vec<_>>().join(", "),
        room >> 20
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(name: &str, parameters: u64, memory: u64, rate: Option<f64>) -> Choice {
        let speed = rate.map(|prompt_rate| Speed { prompt_rate, answer_rate: Some(1.0) });
        Choice { name: name.into(), parameters, memory, speed }
    }

    #[test]
    fn the_largest_that_fits_and_is_fast_is_picked() {
        let choices = [
            choice("small", 135, 300, Some(700.0)),
            choice("middle", 500, 800, Some(120.0)),
            choice("equal", 500, 700, Some(900.0)),
            choice("large", 1500, 1700, Some(99.0)),
            choice("unmeasured", 7000, 10, None),
        ];
        assert_eq!(pick(&choices, None), Ok(1));
        assert_eq!(pick(&choices, Some(799)), Ok(2));
        assert_eq!(pick(&choices, Some(699)), Ok(0));
    }

    #[test]
    fn it_says_why_there_is_none() {
        assert_eq!(pick(&[], None), Err(Unfit::Absent));
        assert_eq!(pick(&[choice("a", 1, 1, None)], None), Err(Unfit::Unmeasured));
        let all = [choice("slow", 1, 1 << 20, Some(5.0)), choice("odd", 1, 1, Some(f64::NAN))];
        let Err(Unfit::TooMuch(why)) = pick(&all, Some(1 << 30)) else { panic!("one was taken") };
        assert!(why.contains("slow reads 5 tokens/s and needs 1 MiB"), "{why}");
        assert!(why.contains("1024 MiB are available"), "{why}");
    }

    #[test]
    fn speeds_are_remembered_for_this_machine_and_file() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path());
        let speed = |prompt_rate| Speed { prompt_rate, answer_rate: None };
        let sum = Sha256::of(b"a");
        assert_eq!(store.speed(sum), None);
        store.note_speed(sum, speed(1.0)).unwrap();
        store.note_speed(Sha256::of(b"b"), speed(2.0)).unwrap();
        store.note_speed(sum, speed(3.0)).unwrap();
        assert_eq!(store.speed(sum), Some(speed(3.0)));
        assert_eq!(store.speed(Sha256::of(b"c")), None);
        let other = std::fs::read_to_string(store.speeds()).unwrap();
        let other = other.replace(cpu::signature(), "another processor");
        std::fs::write(store.speeds(), other).unwrap();
        assert_eq!(store.speed(sum), None);
        for hostile in ["", "{", "[]", "{\"files\":[{}]}", &"[".repeat(100_000)] {
            std::fs::write(store.speeds(), hostile).unwrap();
            assert_eq!(store.speed(sum), None);
        }
        store.note_speed(sum, speed(4.0)).unwrap();
        assert_eq!(store.speed(sum), Some(speed(4.0)));
    }
}
