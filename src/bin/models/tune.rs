use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cli::Error;
use engine::Cancel;
use llama::{Options, WeightFormat};
use modelstore::tuning::{self, Limits, Measured, Speed};
use modelstore::{Listed, Resolved, Sha256, StoreError, Task, Tuning, cpu};

use crate::args::TuneArgs;
use crate::bar::Steps;
use crate::output::Output;
use crate::plan::Plan;
use crate::tuned::show;

/// What the loss is measured on, when no file is named: news, mail, minutes, code, instructions,
/// a story, four languages.
const SAMPLE: &str = include_str!("sample.txt");

/// Bytes that a sample must have, and may have.
const MIN_SAMPLE: usize = 256;
const MAX_SAMPLE: u64 = 1 << 20;

/// Bits of a weight in the widest format that is made, block scales included.
const WIDEST_BITS: u64 = 9;

/// Room for what else is in a model file, and to spare on the disk.
const SPARE: u64 = 64 << 20;

/// Requests that the programs work on together by default.
const PARALLEL: usize = 4;

pub(crate) fn run(args: &TuneArgs, plan: &Plan, out: &mut Output) -> Result<(), Error> {
    let original = original(args, plan)?;
    let sample = Sample::read(args.sample.as_deref())?;
    let tuner = Tuner {
        plan,
        threads: args.threads.map_or_else(cpu::cores, usize::from),
        cancel: Cancel::on(Arc::clone(&plan.stop)),
        limits: Limits { kl: args.max_kl.unwrap_or(tuning::MAX_KL), ..Limits::default() },
        sample: &sample,
        original: &original,
    };
    if let Some(known) = remembered(args, plan, &original, &sample)? {
        return show(&original.name, &known, true, out);
    }
    check_room(&original, plan)?;
    let waiting = || log::info!("another program tunes; waiting");
    let Some(bench) = plan.store.workbench(&plan.stop, &waiting)? else { return Ok(()) };
    // The other program may have done it.
    if let Some(known) = remembered(args, plan, &original, &sample)? {
        return show(&original.name, &known, true, out);
    }
    let found = match tuner.run(bench.scratch()) {
        Err(engine::Error::Cancelled(_)) => return Ok(()),
        found => found?,
    };
    let made = found.best.as_ref().map(|(path, format)| (path.as_path(), format.name()));
    let kept = plan.store.keep_tuning(&bench, &original.path, found.tuning, made, &plan.stop);
    let tuning = match kept {
        Err(StoreError::Stopped) => return Ok(()),
        kept => kept?,
    };
    if args.threads.is_none() {
        plan.store.note_speed(original.sha256, tuning.measured.speed)?;
        if let Some(chosen) = &tuning.chosen {
            plan.store.note_speed(chosen.sha256, tuning.speed())?;
        }
    }
    show(&original.name, &tuning, false, out)
}

/// The file as it was downloaded.
fn original(args: &TuneArgs, plan: &Plan) -> Result<Resolved, Error> {
    let task = Task::Complete;
    let name = match (&args.name, plan.store.catalogue().default_for(task, None)) {
        (Some(name), _) => name.as_str(),
        (None, Some(entry)) => entry.name.as_str(),
        (None, None) => return Err(modelstore::ResolveError::NoDefault(task).into()),
    };
    let found = plan.store.resolve_as(name, task, true)?;
    if let Some(wanted) = &found.in_place_of {
        log::warn!("{wanted} is not here: {} is tuned in its place", found.name);
    }
    if found.path.parent() != Some(plan.store.dir()) {
        return Err(Error::setup(format!("{name}: not a model of the store"))
            .hint(format!("take it in with: models import --link {name}")));
    }
    Ok(found)
}

/// What is known already, when it answers what is asked.
fn remembered(
    args: &TuneArgs,
    plan: &Plan,
    original: &Resolved,
    sample: &Sample,
) -> Result<Option<Tuning>, Error> {
    let listed: Option<Listed> =
        plan.store.list()?.into_iter().find(|listed| listed.path == original.path);
    let known = listed.and_then(|listed| plan.store.tuning(&listed)).filter(|_| !args.force);
    Ok(known.filter(|tuning| {
        let same_sample = args.sample.is_none() || tuning.sample == sample.sha256;
        let same_limit = args.max_kl.is_none_or(|kl| kl == tuning.max_kl);
        let wanted = tuning.chosen.as_ref().map(|chosen| &chosen.format);
        // The tuned file may be gone or damaged.
        let used = plan.store.resolve(&original.name, Task::Complete);
        same_sample && same_limit && used.is_ok_and(|used| used.tuned.as_ref() == wanted)
    }))
}

/// Refuses to begin what the disk has no room for: two files are there at a time, the best one
/// so far and the next one.
fn check_room(original: &Resolved, plan: &Plan) -> Result<(), Error> {
    let dir = plan.store.dir();
    let disk = rustix::fs::statvfs(dir)
        .map_err(|error| Error::setup(format!("{}: {error}", dir.display())))?;
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    room(original.inspection.parameters, free).map_err(|needed| {
        Error::setup(format!(
            "{}: tuning {} needs about {} MB of room, and {} MB are free",
            dir.display(),
            original.name,
            needed / 1_000_000,
            free / 1_000_000
        ))
    })
}

/// The bytes that are needed, when `free` are not enough for a model of so many weights.
fn room(parameters: u64, free: u64) -> Result<(), u64> {
    let a_file = (parameters / 8).saturating_mul(WIDEST_BITS).saturating_add(SPARE);
    let needed = a_file.saturating_mul(2);
    if needed > free { Err(needed) } else { Ok(()) }
}

/// The text that the loss is measured on.
struct Sample {
    text: String,
    sha256: Sha256,
}

impl Sample {
    fn read(file: Option<&Path>) -> Result<Self, Error> {
        let text = match file {
            None => SAMPLE.to_owned(),
            Some(file) => {
                let about = |problem: &dyn std::fmt::Display| {
                    Error::setup(format!("{}: {problem}", file.display()))
                };
                let mut bytes = Vec::new();
                let opened = File::open(file).map_err(|error| about(&error))?;
                let read = opened.take(MAX_SAMPLE + 1).read_to_end(&mut bytes);
                read.map_err(|error| about(&error))?;
                if bytes.len() as u64 > MAX_SAMPLE {
                    return Err(about(&"a sample has 1 MiB at most"));
                }
                if bytes.len() < MIN_SAMPLE {
                    return Err(about(&"too short for a sample: a page of text is good"));
                }
                String::from_utf8(bytes).map_err(|_| about(&"not a text in UTF-8"))?
            }
        };
        Ok(Self { sha256: Sha256::of(text.as_bytes()), text })
    }
}

/// What was measured, and the file that is worth keeping.
struct Found {
    tuning: Tuning,
    best: Option<(PathBuf, WeightFormat)>,
}

/// Makes the files and measures them.
struct Tuner<'a> {
    plan: &'a Plan,
    threads: usize,
    cancel: Cancel,
    limits: Limits,
    sample: &'a Sample,
    original: &'a Resolved,
}

impl Tuner<'_> {
    fn run(&self, scratch: &Path) -> Result<Found, engine::Error> {
        let header = &self.original.inspection;
        log::info!("{}: measuring {} as downloaded", self.original.name, header.quantization);
        let measured = Measured {
            format: header.quantization.clone(),
            bytes: header.bytes,
            speed: llama::measure_speed(&self.options(&self.original.path), &self.cancel)?,
            loss: None,
        };
        let mut rows: Vec<Measured> = Vec::new();
        let mut made: Vec<(PathBuf, WeightFormat)> = Vec::new();
        let mut best = None;
        let others = |format: &WeightFormat| format.name() != header.quantization;
        for format in WeightFormat::ALL.into_iter().filter(others) {
            let path = scratch.join(format!("{format}.gguf"));
            let to_beat = best.map_or(measured.speed, |at: usize| rows[at].speed);
            match self.candidate(&path, format, &measured.speed, &to_beat) {
                Ok(row) => {
                    rows.push(row);
                    made.push((path, format));
                }
                // The other formats may do.
                Err(error @ engine::Error::Load { .. }) => {
                    log::warn!("{format} is left out: {error}");
                    discard(&path);
                    continue;
                }
                Err(error) => return Err(error),
            }
            best = tuning::choose(&measured.speed, &rows, &self.limits);
            let beaten = made.iter().enumerate().filter(|(at, _)| Some(*at) != best);
            beaten.for_each(|(_, (path, _))| discard(path));
        }
        let mut tuning = Tuning::new(self.original.sha256, measured, rows);
        (tuning.max_kl, tuning.sample) = (self.limits.kl, self.sample.sha256);
        Ok(Found { tuning, best: best.map(|at| made.swap_remove(at)) })
    }

    /// Makes and measures one file. The loss of one that is too slow to be chosen is not
    /// measured.
    fn candidate(
        &self,
        path: &Path,
        format: WeightFormat,
        original: &Speed,
        to_beat: &Speed,
    ) -> Result<Measured, engine::Error> {
        log::info!("{}: making {format}", self.original.name);
        let mut bar = Steps::new(&self.plan.general, &format!("making {format}"));
        let from = &self.original.path;
        llama::requantize(from, path, format, self.threads, &self.cancel, &mut |done, all| {
            bar.set(done, all);
        })?;
        drop(bar);
        log::info!("{}: measuring {format}", self.original.name);
        let metadata = std::fs::metadata(path).map_err(|error| engine::Error::Load {
            path: path.to_owned(),
            reason: error.to_string(),
        })?;
        let speed = llama::measure_speed(&self.options(path), &self.cancel)?;
        let can_win = speed.is_worth_it(original) && speed.gain_over(to_beat) > 1.0;
        let loss = if can_win {
            let mut bar = Steps::new(&self.plan.general, &format!("comparing {format}"));
            let (ours, theirs) = (self.options(from), self.options(path));
            let text = &self.sample.text;
            Some(llama::compare(&ours, &theirs, text, &self.cancel, &mut |done, all| {
                bar.set(done, all);
            })?)
        } else {
            None
        };
        let bytes = metadata.len();
        Ok(Measured { format: format.name().to_owned(), bytes, speed, loss })
    }

    fn options(&self, path: &Path) -> Options {
        options(path, self.threads)
    }
}

/// A model as the programs run it, on so many threads.
pub(crate) fn options(path: &Path, threads: usize) -> Options {
    Options { contexts: threads, parallel: PARALLEL.max(threads), ..Options::new(path) }
}

/// A file that nobody wants any more; the folder goes in the end.
fn discard(path: &Path) {
    if let Err(error) = std::fs::remove_file(path)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        log::debug!("cannot remove {}: {error}", path.display());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_for_two_files_of_the_widest_format_is_wanted() {
        assert_eq!(room(135_000_000, 1 << 30), Ok(()));
        let needed = room(135_000_000, 300_000_000).unwrap_err();
        assert!((400_000_000..500_000_000).contains(&needed), "{needed}");
        assert_eq!(room(u64::MAX, u64::MAX - 1), Err(u64::MAX));
    }

    #[test]
    fn the_sample_is_a_text_of_some_pages() {
        let sample = Sample::read(None).unwrap();
        assert!((4000..10_000).contains(&sample.text.len()));
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("sample");
        for (bytes, says) in [
            (vec![0xff; 999], "not a text in UTF-8"),
            (vec![b'a'; (1 << 20) + 1], "1 MiB"),
            (vec![b'a'; 9], "too short"),
        ] {
            std::fs::write(&file, bytes).unwrap();
            let Err(error) = Sample::read(Some(&file)) else { panic!("it was taken") };
            assert!(error.message.contains(says), "{}", error.message);
        }
        assert!(Sample::read(Some(&dir.path().join("none"))).is_err());
    }
}
