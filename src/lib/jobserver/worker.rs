use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often the head of the queue looks for a free slot.
const LOOK: Duration = Duration::from_millis(1);

/// How long a slot is held before others get their turn: long enough that passing it on costs
/// nothing, short enough that nobody notices the wait.
const QUANTUM: Duration = Duration::from_millis(100);

/// How long to wait before looking whether who is in the way is stopped (Ctrl-Z).
const PATIENCE: Duration = Duration::from_millis(200);

/// A thread that computes while it holds a slot. Dropping it gives the slot back.
#[derive(Debug)]
pub struct Worker {
    folder: Arc<PathBuf>,
    slots: usize,
    /// Slots it needs at a time: one for each thread of its steps.
    width: usize,
    /// The slot tried first: the last one held, whose cache may still be warm.
    home: usize,
    held: Option<Held>,
    /// Locks do not work here: all run freely.
    free: bool,
}

#[derive(Debug)]
struct Held {
    /// The locks last as long as the files are open.
    _files: Vec<File>,
    since: Instant,
}

impl Worker {
    pub(crate) fn new(folder: Arc<PathBuf>, slots: usize, home: usize) -> Self {
        Self { folder, slots, width: 1, home, held: None, free: false }
    }

    /// The same worker, for steps that compute on `threads` threads: it takes that many slots,
    /// or all there are.
    #[must_use]
    pub fn with_threads(self, threads: usize) -> Self {
        Self { width: threads.clamp(1, self.slots), ..self }
    }

    /// Waits for its slots, unless it holds them already. False when `give_up` says so first.
    ///
    /// Where files cannot be locked this returns at once, and says so once in the log: the
    /// work goes on without sharing.
    pub fn acquire(&mut self, give_up: impl Fn() -> bool) -> bool {
        if self.held.is_some() || self.free {
            return true;
        }
        match self.wait(&give_up) {
            Ok(held) => {
                self.held = held;
                self.held.is_some()
            }
            Err(error) => {
                log::warn!("{}: {error}; CPU slots are not shared", self.folder.display());
                self.free = true;
                true
            }
        }
    }

    /// Between two steps of work: a slot that was held for long goes to whoever waits for one.
    /// False when `give_up` says so before it is back.
    pub fn turn(&mut self, give_up: impl Fn() -> bool) -> bool {
        if self.held.as_ref().is_some_and(|held| held.since.elapsed() >= QUANTUM) {
            self.release();
        }
        self.acquire(give_up)
    }

    /// Gives the slot back.
    pub fn release(&mut self) {
        self.held = None;
    }

    fn wait(&mut self, give_up: &impl Fn() -> bool) -> io::Result<Option<Held>> {
        let queue = open(&self.folder.join("queue"))?;
        let mut first = false;
        let mut files = Vec::new();
        let mut looked = Instant::now();
        loop {
            let closer = looked.elapsed() >= PATIENCE;
            if closer {
                looked = Instant::now();
            }
            first = first || take(&queue, closer)?;
            // Only the head of the queue takes slots: nobody can hold half of what is left and
            // wait for the other half.
            if first {
                self.try_slots(&mut files, closer)?;
            }
            if files.len() == self.width {
                let files = files.into_iter().map(|(_, file)| file).collect();
                return Ok(Some(Held { _files: files, since: Instant::now() }));
            }
            if give_up() {
                return Ok(None);
            }
            std::thread::sleep(LOOK);
        }
    }

    /// Adds free slots to `files` until there are enough.
    fn try_slots(&mut self, files: &mut Vec<(usize, File)>, closer: bool) -> io::Result<()> {
        let home = self.home;
        for slot in (0..self.slots).map(|n| (home + n) % self.slots) {
            if files.len() == self.width {
                break;
            }
            if files.iter().any(|(held, _)| *held == slot) {
                continue;
            }
            let file = open(&self.folder.join(slot.to_string()))?;
            if take(&file, closer)? {
                self.home = slot;
                files.push((slot, file));
            }
        }
        Ok(())
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

/// True when the lock is ours now, or is that of a process which is stopped: that one computes
/// nothing, and nobody knows when it goes on. `closer` looks for such.
fn take(file: &File, closer: bool) -> io::Result<bool> {
    match file.try_lock() {
        Ok(()) => {
            file.write_all_at(format!("{:<10}", std::process::id()).as_bytes(), 0)?;
            Ok(true)
        }
        Err(TryLockError::WouldBlock) => Ok(closer && holder(file).is_some_and(is_stopped)),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Who locked it last.
fn holder(file: &File) -> Option<u32> {
    let mut digits = [0; 10];
    let length = file.read_at(&mut digits, 0).ok()?;
    std::str::from_utf8(digits.get(..length)?).ok()?.trim().parse().ok()
}

/// Whether a process is stopped, by a signal or a debugger; false where there is no /proc
/// (proc_pid_stat(5): the state is after the name, which may have parentheses).
fn is_stopped(process: u32) -> bool {
    let Ok(line) = std::fs::read(format!("/proc/{process}/stat")) else { return false };
    let name_end = line.iter().rposition(|byte| *byte == b')');
    let state = name_end.and_then(|end| line.get(end + 2));
    matches!(state, Some(b'T' | b't'))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use crate::Jobserver;

    use super::*;

    #[test]
    fn no_more_hold_a_slot_than_there_are() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let server = Jobserver::open(folder.path(), 2)?;
        let (now, most, turns) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for number in 0..6 {
                let mut worker = server.worker(number);
                let (now, most, turns) = (&now, &most, &turns);
                scope.spawn(move || {
                    for _ in 0..20 {
                        assert!(worker.acquire(|| false));
                        most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        std::thread::sleep(Duration::from_millis(1));
                        now.fetch_sub(1, Ordering::SeqCst);
                        turns.fetch_add(1, Ordering::SeqCst);
                        worker.release();
                    }
                });
            }
        });
        assert_eq!(most.into_inner(), 2);
        assert_eq!(turns.into_inner(), 120);
        Ok(())
    }

    #[test]
    fn who_gives_up_its_slot_goes_behind_those_who_wait() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let server = Jobserver::open(folder.path(), 1)?;
        let mut greedy = server.worker(0);
        assert!(greedy.acquire(|| false));
        let (asks, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            let mut patient = server.worker(1);
            let (asks, done) = (&asks, &done);
            scope.spawn(move || {
                // Asked only while it waits at the head of the queue or for it.
                let waits = || {
                    asks.fetch_add(1, Ordering::SeqCst);
                    false
                };
                assert!(patient.acquire(waits));
                done.fetch_add(1, Ordering::SeqCst);
            });
            while asks.load(Ordering::SeqCst) < 3 {
                std::thread::yield_now();
            }
            greedy.release();
            assert!(greedy.acquire(|| false));
            assert_eq!(done.load(Ordering::SeqCst), 1, "the one who waited was served first");
        });
        Ok(())
    }

    #[test]
    fn a_step_of_two_threads_takes_two_slots_and_is_not_overtaken() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let server = Jobserver::open(folder.path(), 2)?;
        let (mut one, mut other) = (server.worker(0), server.worker(1));
        let mut wide = server.worker(2).with_threads(9);
        assert!(wide.acquire(|| true));
        assert!(!one.acquire(|| true));
        wide.release();
        assert!(one.acquire(|| true) && other.acquire(|| true));
        one.release();
        assert!(!wide.acquire(|| true), "one is not enough");
        assert!(one.acquire(|| true), "what it had taken of them is given back");
        Ok(())
    }

    #[test]
    fn a_wait_can_be_given_up_and_a_short_hold_is_kept() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let server = Jobserver::open(folder.path(), 1)?;
        let (mut one, mut two) = (server.worker(0), server.worker(1));
        assert!(one.acquire(|| false));
        assert!(one.turn(|| true), "its time is not over");
        assert!(!two.acquire(|| true));
        drop(one);
        assert!(two.acquire(|| true));
        Ok(())
    }
}
