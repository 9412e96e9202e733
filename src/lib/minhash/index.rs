use std::collections::HashMap;
use std::fs::File;
use std::hash::{BuildHasherDefault, Hasher};
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use keyset::Key;

use crate::signature::{Bands, Functions};

/// Sets in one bucket at most: of a crowd that is all alike, a few are enough to recognise more.
const BUCKET: usize = 8;

/// Stands for no set in a chain.
const NONE: u32 = u32::MAX;

/// An earlier set that a new one resembles.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Match {
    /// Its number, from 0 in the order of insertion.
    pub number: u32,
    /// The Jaccard similarity of the two sets.
    pub similarity: f64,
}

/// Sets of shingles, each found again by any other that is similar enough.
///
/// In memory are some 20 bytes a band and set; the sets themselves are in an unnamed temporary
/// file.
pub struct Index {
    functions: Functions,
    bands: Bands,
    /// For each band, from its hash to the place of the newest link.
    buckets: Vec<HashMap<u32, u32, BuildHasherDefault<Identity>>>,
    /// The set of a link, and the next one.
    links: Vec<(u32, u32)>,
    /// Sets that are the same altogether.
    same: HashMap<Key, u32, BuildHasherDefault<Identity>>,
    sets: Sets,
}

impl Index {
    /// An empty index whose file is in `folder`.
    ///
    /// # Errors
    /// Those of making the file.
    pub fn new(bands: Bands, folder: &Path) -> io::Result<Self> {
        Ok(Self {
            functions: Functions::new(),
            bands,
            buckets: (0..bands.count).map(|_| HashMap::default()).collect(),
            links: Vec::new(),
            same: HashMap::default(),
            sets: Sets::new(folder)?,
        })
    }

    /// Adds a set (sorted, each element once) and gives the earlier one most similar to it among
    /// those that share a band, the earliest of several; of whatever similarity.
    ///
    /// # Errors
    /// Those of the temporary file, and [`io::ErrorKind::StorageFull`] after 2³² sets.
    pub fn insert(&mut self, set: &[u32]) -> io::Result<Option<Match>> {
        let full = |_| io::Error::from(io::ErrorKind::StorageFull);
        let number = u32::try_from(self.sets.len()).map_err(full)?;
        let bytes: Vec<u8> = set.iter().flat_map(|x| x.to_le_bytes()).collect();
        if let Some(same) = self.same.get(&Key::of(&bytes)) {
            self.sets.push(&[])?;
            return Ok(Some(Match { number: *same, similarity: 1.0 }));
        }
        self.same.insert(Key::of(&bytes), number);
        self.sets.push(&bytes)?;
        let mut candidates = self.link(set, number)?;
        candidates.sort_unstable();
        candidates.dedup();
        let mut best: Option<Match> = None;
        let mut other = Vec::new();
        for candidate in candidates {
            self.sets.read(candidate, &mut other)?;
            let similarity = jaccard(set, &other);
            if best.is_none_or(|best| similarity > best.similarity) {
                best = Some(Match { number: candidate, similarity });
            }
        }
        Ok(best)
    }

    /// Puts a set into its buckets; gives the sets that are there already.
    fn link(&mut self, set: &[u32], number: u32) -> io::Result<Vec<u32>> {
        let signature = self.functions.sign(set);
        let mut found = Vec::new();
        for (bucket, hash) in self.buckets.iter_mut().zip(self.bands.cut(&signature)) {
            let head = bucket.entry(hash).or_insert(NONE);
            let (mut at, before) = (*head, found.len());
            while let Some((other, next)) = self.links.get(at as usize) {
                found.push(*other);
                at = *next;
            }
            if found.len() - before < BUCKET {
                let full = |_| io::Error::from(io::ErrorKind::StorageFull);
                let place = u32::try_from(self.links.len()).ok().filter(|place| *place != NONE);
                self.links.push((number, *head));
                *head = place.ok_or(()).map_err(full)?;
            }
        }
        Ok(found)
    }
}

/// The share of the elements of either set that both have. Both are sorted and not empty.
#[expect(clippy::cast_precision_loss, reason = "a share needs no 53 bits")]
fn jaccard(a: &[u32], b: &[u32]) -> f64 {
    let (mut i, mut j, mut both) = (0, 0, 0usize);
    while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
        both += usize::from(x == y);
        i += usize::from(x <= y);
        j += usize::from(y <= x);
    }
    both as f64 / (a.len() + b.len() - both).max(1) as f64
}

/// Sets one after another in an unnamed file.
struct Sets {
    file: File,
    /// Where each begins; one more for the end.
    starts: Vec<u64>,
    /// The end of the file that is not written yet.
    waiting: Vec<u8>,
}

impl Sets {
    fn new(folder: &Path) -> io::Result<Self> {
        Ok(Self { file: tempfile::tempfile_in(folder)?, starts: vec![0], waiting: Vec::new() })
    }

    fn len(&self) -> usize {
        self.starts.len() - 1
    }

    fn end(&self) -> u64 {
        self.starts.last().copied().unwrap_or(0)
    }

    fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.waiting.extend_from_slice(bytes);
        self.starts.push(self.end() + bytes.len() as u64);
        if self.waiting.len() >= 1 << 20 {
            self.file.write_all(&self.waiting)?;
            self.waiting.clear();
        }
        Ok(())
    }

    fn read(&self, number: u32, into: &mut Vec<u32>) -> io::Result<()> {
        let at = number as usize;
        let (start, end) = (self.starts[at], self.starts[at + 1]);
        let length = usize::try_from(end - start).unwrap_or(0);
        let mut bytes = vec![0; length];
        let written = self.end() - self.waiting.len() as u64;
        match start.checked_sub(written).and_then(|start| usize::try_from(start).ok()) {
            Some(start) => bytes.copy_from_slice(&self.waiting[start..start + length]),
            None => self.file.read_exact_at(&mut bytes, start)?,
        }
        into.clear();
        into.extend(bytes.as_chunks::<4>().0.iter().map(|b| u32::from_le_bytes(*b)));
        Ok(())
    }
}

/// Keys are hashes already.
#[derive(Default)]
struct Identity(u64);

impl Hasher for Identity {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {}

    fn write_u32(&mut self, word: u32) {
        // hashbrown tells places of a table apart by the lowest and the highest bits.
        self.0 = u64::from(word) << 32 | u64::from(word);
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = word;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Shingles, Unit};
    use proptest::prelude::*;

    fn index(threshold: f64) -> Index {
        Index::new(Bands::for_threshold(threshold), &std::env::temp_dir()).unwrap()
    }

    #[test]
    fn a_near_copy_is_found_and_its_similarity_is_true() {
        let words = Shingles { unit: Unit::Word, length: 2 };
        let text = |changed: &str| {
            words.of(&format!(
                "The river rose two metres in the night and the mill stands under \
                water, so the bridge to the town is closed until the {changed} has seen it."
            ))
        };
        let mut index = index(0.7);
        assert_eq!(index.insert(&text("mayor")).unwrap(), None);
        assert_eq!(index.insert(&words.of("Nothing in common with it at all.")).unwrap(), None);
        let found = index.insert(&text("miller")).unwrap().unwrap();
        // 28 words make 27 pairs, of which 2 differ: 25 of 29.
        assert_eq!(found, Match { number: 0, similarity: 25.0 / 29.0 });
        assert_eq!(
            index.insert(&text("mayor")).unwrap(),
            Some(Match { number: 0, similarity: 1.0 })
        );
        assert_eq!(index.insert(&text("miller")).unwrap().unwrap().number, 2);
    }

    #[test]
    fn a_crowd_of_near_copies_costs_no_more_than_a_few_each() {
        let mut index = index(0.8);
        let set = |n: u32| (0..200).chain([1000 + n]).collect::<Vec<u32>>();
        for n in 0..2000 {
            let found = index.insert(&set(n)).unwrap();
            assert_eq!(found.is_some(), n > 0);
        }
        let deepest = index.links.len();
        assert!(deepest <= index.buckets.iter().map(HashMap::len).sum::<usize>() * BUCKET);
        assert!(deepest < 2000 * index.bands.count / 2, "{deepest}");
    }

    proptest! {
        #[test]
        fn what_is_found_has_the_similarity_that_it_says(
            sets in prop::collection::vec(prop::collection::btree_set(0u32..40, 1..30), 1..40),
        ) {
            let mut index = index(0.3);
            let sets: Vec<Vec<u32>> = sets.into_iter().map(|s| s.into_iter().collect()).collect();
            for (n, set) in sets.iter().enumerate() {
                if let Some(found) = index.insert(set).unwrap() {
                    let other = &sets[found.number as usize];
                    prop_assert!((found.number as usize) < n);
                    let both = set.iter().filter(|x| other.contains(x)).count() as f64;
                    let all = (set.len() + other.len()) as f64 - both;
                    prop_assert!((found.similarity - both / all).abs() < 1e-12);
                }
            }
        }
    }
}
