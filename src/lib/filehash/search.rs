use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::SystemTime;

use keyset::Key;
use store::{Digests, FileState};

use crate::device::{is_rotational, physical_start};
use crate::files::Files;
use crate::read::{EDGE, Part, ReadError, hash};

/// A file that changed less than so many nanoseconds ago may change again without its time
/// telling: its hash is not kept. FAT's times have steps of two seconds.
const SETTLED: i64 = 2_000_000_000;

/// Whether a file that was in some state when it was read, after `started`, would tell of any
/// change since by another one.
pub fn is_settled(state: FileState, started: SystemTime) -> bool {
    let now = started.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_nanos();
    state.ctime.max(state.mtime) < i64::try_from(now).unwrap_or(i64::MAX) - SETTLED
}

/// What is being looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The first bytes; all of it where it is no longer.
    Start,
    /// The last bytes.
    End,
    /// Everything.
    All,
}

/// How to search.
pub struct Options<'a> {
    /// Files read at the same time on one solid device.
    pub threads: usize,
    /// Hashes of earlier runs.
    pub digests: Option<&'a Digests>,
    /// Asked between two reads.
    pub stop: &'a (dyn Fn() -> bool + Sync),
    /// Told how many of how many files are done.
    pub progress: &'a (dyn Fn(Stage, u64, u64) + Sync),
}

/// Different files with the same content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Names the content: the hash of all of it.
    pub content: Key,
    /// Their numbers, in order.
    pub files: Vec<u32>,
}

/// What there is to say about some files.
#[derive(Debug, Default)]
pub struct Found {
    /// Contents that several files have, in the order of their first ones.
    pub groups: Vec<Group>,
    /// Other names of a file that has a name already: the number, and that of the first name.
    pub links: Vec<(u32, u32)>,
    /// What could not be compared.
    pub failed: Vec<(u32, ReadError)>,
}

/// A file that may still be like another.
#[derive(Clone, Copy)]
struct Item {
    size: u64,
    key: Key,
    number: u32,
}

/// Compares `numbers` of `files`.
pub fn identical(files: &Files, mut numbers: Vec<u32>, options: &Options<'_>) -> Found {
    let mut found = Found::default();
    let inode = |number: u32| {
        let state = files.state(number);
        (state.dev, state.ino)
    };
    numbers.sort_unstable_by_key(|number| (inode(*number), *number));
    let mut items: Vec<Item> = Vec::new();
    for number in numbers {
        match items.last() {
            Some(last) if inode(last.number) == inode(number) => {
                found.links.push((number, last.number));
            }
            _ => items.push(Item { size: files.state(number).size, key: Key::of(b""), number }),
        }
    }
    items.sort_by_key(|item| item.size);
    keep_alike(&mut items);
    let mut search = Search { files, options, found };
    search.pass(Stage::Start, &mut items, |item| item.size > 0);
    search.pass(Stage::End, &mut items, |item| item.size > 2 * EDGE);
    search.pass(Stage::All, &mut items, |item| item.size > EDGE);
    let alike = items.chunk_by(|a, b| (a.size, a.key) == (b.size, b.key));
    let group = |items: &[Item]| {
        let mut files: Vec<u32> = items.iter().map(|item| item.number).collect();
        files.sort_unstable();
        Group { content: items[0].key, files }
    };
    search.found.groups = alike.map(group).collect();
    search.found.groups.sort_unstable_by_key(|group| group.files[0]);
    search.found
}

/// Leaves only what has a neighbour of the same size and key.
fn keep_alike(items: &mut Vec<Item>) {
    let mut alike = Vec::with_capacity(items.len());
    for group in items.chunk_by(|a, b| (a.size, a.key) == (b.size, b.key)) {
        if group.len() > 1 {
            alike.extend_from_slice(group);
        }
    }
    alike.shrink_to_fit();
    *items = alike;
}

struct Search<'a> {
    files: &'a Files,
    options: &'a Options<'a>,
    found: Found,
}

impl Search<'_> {
    /// Looks at those items that are `wanted`, and drops what has become different from all
    /// others.
    fn pass(&mut self, stage: Stage, items: &mut Vec<Item>, wanted: impl Fn(&Item) -> bool) {
        let part = match stage {
            Stage::Start => Part::Start,
            Stage::End => Part::End,
            Stage::All => Part::All,
        };
        let mut places: Vec<usize> = (0..items.len()).filter(|at| wanted(&items[*at])).collect();
        let state = |at: usize| self.files.state(items[at].number);
        places.sort_unstable_by_key(|at| (state(*at).dev, state(*at).ino));
        let known = self.known(part, places.iter().map(|at| state(*at)));
        let unknown: Vec<usize> =
            places.iter().zip(&known).filter(|(_, key)| key.is_none()).map(|(at, _)| *at).collect();
        log::info!(
            "{stage:?}: {} files, {} known from earlier runs",
            places.len(),
            places.len() - unknown.len()
        );
        let hashed = self.hash(stage, part, items, &unknown);
        let mut gone = vec![false; items.len()];
        let known = places.iter().zip(known).filter_map(|(at, key)| Some((*at, Ok(key?))));
        for (at, key) in known.chain(hashed) {
            match key {
                // The end alone says nothing: it counts together with the start.
                Ok(key) if part == Part::End => {
                    let both = [items[at].key.to_bytes(), key.to_bytes()].concat();
                    items[at].key = Key::of(&both);
                }
                Ok(key) => items[at].key = key,
                Err(error) => {
                    gone[at] = true;
                    self.found.failed.push((items[at].number, error));
                }
            }
        }
        let mut gone = gone.into_iter();
        items.retain(|_| !gone.next().unwrap_or(false));
        items.sort_unstable_by_key(|item| (item.size, item.key, item.number));
        keep_alike(items);
    }

    fn known(
        &self,
        part: Part,
        files: impl ExactSizeIterator<Item = FileState>,
    ) -> Vec<Option<Key>> {
        let count = files.len();
        let Some(digests) = self.options.digests else { return vec![None; count] };
        match digests.find(part as u8, files) {
            Ok(keys) => keys.into_iter().map(|key| key.map(Key::from_bytes)).collect(),
            Err(error) => {
                log::warn!("hashes of earlier runs are not used: {error}");
                vec![None; count]
            }
        }
    }

    /// Hashes the items at some places, in the order of devices and inodes.
    fn hash(
        &self,
        stage: Stage,
        part: Part,
        items: &[Item],
        places: &[usize],
    ) -> Vec<(usize, Result<Key, ReadError>)> {
        let started = SystemTime::now();
        let files = self.files;
        let dev = |at: usize| files.state(items[at].number).dev;
        let done = AtomicU64::new(0);
        let hashed: Vec<(usize, Result<Key, ReadError>)> = std::thread::scope(|scope| {
            let mut workers = Vec::new();
            for list in places.chunk_by(|a, b| dev(*a) == dev(*b)) {
                let mut list = list.to_vec();
                let rotates = is_rotational(dev(list[0]));
                if rotates {
                    list.sort_by_cached_key(|at| physical_start(files.path(items[*at].number)));
                }
                let threads = if rotates { 1 } else { self.options.threads.clamp(1, list.len()) };
                let queue = std::sync::Arc::new((list, AtomicUsize::new(0)));
                for _ in 0..threads {
                    let (queue, done) = (std::sync::Arc::clone(&queue), &done);
                    workers.push(scope.spawn(move || {
                        let tell = |n| (self.options.progress)(stage, n, places.len() as u64);
                        self.work(part, items, &queue.0, &queue.1, &|| {
                            tell(done.fetch_add(1, Ordering::Relaxed) + 1);
                        })
                    }));
                }
            }
            // Without the answers of one that panicked, files would count as alike unread.
            let answers = workers.into_iter().map(|worker| worker.join());
            answers.flat_map(|a| a.unwrap_or_else(|p| std::panic::resume_unwind(p))).collect()
        });
        self.keep(part, items, &hashed, started);
        hashed
    }

    /// Takes one item after another until none is left.
    fn work(
        &self,
        part: Part,
        items: &[Item],
        places: &[usize],
        next: &AtomicUsize,
        done: &dyn Fn(),
    ) -> Vec<(usize, Result<Key, ReadError>)> {
        let mut buffer = Vec::new();
        let mut hashed = Vec::new();
        while let Some(&at) = places.get(next.fetch_add(1, Ordering::Relaxed)) {
            let number = items[at].number;
            let (path, state) = (self.files.path(number), self.files.state(number));
            let result = if (self.options.stop)() {
                Err(ReadError::Stopped)
            } else {
                hash(path, state, part, &mut buffer, self.options.stop)
            };
            hashed.push((at, result));
            done();
        }
        hashed
    }

    /// Keeps hashes for later runs, of those files whose state is sure to tell of any change.
    fn keep(
        &self,
        part: Part,
        items: &[Item],
        hashed: &[(usize, Result<Key, ReadError>)],
        started: SystemTime,
    ) {
        let Some(digests) = self.options.digests else { return };
        let mut fresh: Vec<(FileState, [u8; Key::BYTES])> = hashed
            .iter()
            .filter_map(|(at, key)| {
                let key = key.as_ref().ok()?.to_bytes();
                Some((self.files.state(items[*at].number), key))
            })
            .filter(|(state, _)| is_settled(*state, started))
            .collect();
        fresh.sort_unstable_by_key(|(state, _)| (state.dev, state.ino));
        if fresh.is_empty() {
            return;
        }
        if let Err(error) = digests.keep(part as u8, fresh.iter().map(|(s, key)| (*s, key))) {
            log::warn!("hashes are not kept: {error}");
        }
    }
}
