//! `pip download`, watched.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::{Event, Job, PullError, SourceError};
use crate::digest::Sha256;

/// How much of pip's output a message repeats.
const TAIL: u64 = 2000;

/// The program that does what pip does.
pub(super) fn find(job: &Job<'_>) -> Result<Vec<OsString>, SourceError> {
    if !job.options.pip.is_empty() {
        return Ok(job.options.pip.clone());
    }
    let candidates: [&[&str]; 3] = [&["pip3"], &["pip"], &["python3", "-m", "pip"]];
    for words in candidates {
        let works = Command::new(words[0])
            .args(&words[1..])
            .arg("--version")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success());
        if works {
            return Ok(words.iter().map(OsString::from).collect());
        }
    }
    Err(SourceError::failed("pip is needed for this source and was not found; install python3-pip"))
}

/// Downloads the wheel of `package` at `version` into the empty folder `into`; or its source
/// archive, where that is named by its checksum. pip reads an archive's metadata by running its
/// `setup.py`: it is told to do so with this very archive only.
pub(super) fn download(
    job: &Job<'_>,
    pip: &[OsString],
    package: &str,
    version: &str,
    archive: Option<Sha256>,
    into: &Path,
) -> Result<PathBuf, SourceError> {
    fs::create_dir_all(into).map_err(SourceError::disk(into))?;
    let log_path = into.join("pip.log");
    let log = File::create_new(&log_path).map_err(SourceError::disk(&log_path))?;
    let again = log.try_clone().map_err(SourceError::disk(&log_path))?;
    let Some((program, first)) = pip.split_first() else {
        return Err(SourceError::failed("no pip program is named"));
    };
    let mut command = Command::new(program);
    command
        .args(first)
        .args(["download", "--no-deps", "--no-cache-dir"])
        .args(["--disable-pip-version-check", "--no-input", "--quiet", "-d"])
        .arg(into);
    let what = format!("{package}=={version}");
    if let Some(sha256) = archive {
        let list = into.join("requirements.txt");
        fs::write(&list, format!("{what} --hash=sha256:{sha256}\n"))
            .map_err(SourceError::disk(&list))?;
        command.args(["--require-hashes", "--no-binary=:all:", "-r"]).arg(list);
    } else {
        command.arg("--only-binary=:all:").arg(what);
    }
    command
        // pip unpacks and assembles there: it counts as progress, and goes with the folder.
        .env("TMPDIR", into)
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(again)
        .process_group(0);
    let child = command.spawn().map_err(|e| {
        SourceError::Failed(format!("cannot start {}: {e}", program.to_string_lossy()))
    })?;
    let status = watch(job, child, into)?;
    if !status.success() {
        let said = tail(&log_path);
        return Err(SourceError::Failed(format!("pip failed ({status}): {said}")));
    }
    let (extension, what) =
        if archive.is_some() { ("gz", "source archive") } else { ("whl", "wheel") };
    only(into, extension, what)
}

/// A child and all that it started; ended when it goes out of scope unfinished.
struct Group(Child);

impl Drop for Group {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(Some(_))) {
            return;
        }
        if let Some(pid) = i32::try_from(self.0.id()).ok().and_then(rustix::process::Pid::from_raw)
        {
            // It may have ended by itself in between.
            let _ = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL);
        }
        let _ = self.0.wait();
    }
}

fn watch(job: &Job<'_>, child: Child, into: &Path) -> Result<ExitStatus, SourceError> {
    let mut group = Group(child);
    let start = Instant::now();
    let mut told = Instant::now();
    loop {
        if let Some(status) = group.0.try_wait().map_err(SourceError::disk(into))? {
            return Ok(status);
        }
        if job.stopped() {
            return Err(SourceError::Fatal(PullError::Stopped));
        }
        if start.elapsed() > job.options.pip_timeout {
            let limit = job.options.pip_timeout.as_secs();
            return Err(SourceError::Failed(format!("pip did not end within {limit} s")));
        }
        if told.elapsed() > Duration::from_millis(500) {
            let root = into.parent().unwrap_or(into);
            job.say(Event::Bytes { done: size_of(root, 4), total: None });
            told = Instant::now();
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Bytes of the files in a folder, for the progress display.
fn size_of(folder: &Path, depth: u32) -> u64 {
    let Ok(items) = fs::read_dir(folder) else { return 0 };
    let size = |item: fs::DirEntry| match item.metadata() {
        Ok(m) if m.is_file() => m.len(),
        Ok(m) if m.is_dir() && depth > 0 => size_of(&item.path(), depth - 1),
        _ => 0,
    };
    items.flatten().map(size).sum()
}

fn tail(log: &Path) -> String {
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = File::open(log)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
        let mut bytes = vec![];
        file.take(TAIL).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = read().unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
    let said: String = lines.join("; ").chars().filter(|c| !c.is_control()).collect();
    if said.is_empty() { "it said nothing".into() } else { said }
}

fn only(folder: &Path, extension: &str, what: &str) -> Result<PathBuf, SourceError> {
    let items = fs::read_dir(folder).map_err(SourceError::disk(folder))?;
    let mut wheels = items
        .flatten()
        .filter(|i| i.file_type().is_ok_and(|t| t.is_file()))
        .map(|i| i.path())
        .filter(|p| p.extension().is_some_and(|e| e == extension));
    match (wheels.next(), wheels.next()) {
        (Some(wheel), None) => Ok(wheel),
        (None, _) => Err(SourceError::Failed(format!("pip gave no {what}"))),
        (Some(_), Some(_)) => Err(SourceError::Failed(format!("pip gave more than one {what}"))),
    }
}
