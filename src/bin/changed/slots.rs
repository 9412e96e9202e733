//! States by key, packed: with a million keys, most of an event's time is waiting for main memory.

use std::mem::size_of;

use keyset::Key;

/// Bytes of a state that stand beside its key: those of most states with one field.
const SHORT: usize = 53;

/// What a key costs besides a longer state: its entry, and two places of the index.
const ENTRY: usize = size_of::<Entry>() + 2 * size_of::<u64>();

/// Entries that there may be: half as many as the index can have places.
const MOST: usize = 1 << 31;

/// What the allocator adds to a longer state.
const ALLOCATED: usize = 16;

/// What is known of one key, as bytes.
enum State {
    Short {
        dirty: bool,
        length: u8,
        bytes: [u8; SHORT],
    },
    Long {
        dirty: bool,
        bytes: Box<[u8]>,
    },
    /// It was taken out.
    Gone,
}

impl State {
    fn new(data: &[u8], dirty: bool) -> Self {
        let mut bytes = [0; SHORT];
        match (bytes.get_mut(..data.len()), u8::try_from(data.len())) {
            (Some(room), Ok(length)) => {
                room.copy_from_slice(data);
                Self::Short { dirty, length, bytes }
            }
            _ => Self::Long { dirty, bytes: data.into() },
        }
    }

    fn data(&self) -> &[u8] {
        match self {
            Self::Short { length, bytes, .. } => &bytes[..usize::from(*length)],
            Self::Long { bytes, .. } => bytes,
            Self::Gone => &[],
        }
    }

    fn dirty(&mut self) -> Option<&mut bool> {
        match self {
            Self::Short { dirty, .. } | Self::Long { dirty, .. } => Some(dirty),
            Self::Gone => None,
        }
    }

    fn is_dirty(&self) -> bool {
        matches!(self, Self::Short { dirty: true, .. } | Self::Long { dirty: true, .. })
    }

    /// Bytes outside of the entry.
    fn outside(&self) -> usize {
        if let Self::Long { bytes, .. } = self { bytes.len() + ALLOCATED } else { 0 }
    }
}

struct Entry {
    key: Key,
    state: State,
}

/// Where the entry of a key is: an open table with linear probing (Knuth, 6.4), a power of two in
/// size and at most half full. A place has the upper half of the 64 bits from the hash, which also
/// says where to begin, so that neither a miss nor growth looks at entries; the lower half is the
/// number of the entry and one. No key is ever taken out.
#[derive(Default)]
struct Index {
    places: Vec<u64>,
    count: usize,
}

impl Index {
    fn start(&self, hash: u32) -> usize {
        let bits = self.places.len().trailing_zeros();
        usize::try_from((u64::from(hash) << bits) >> 32).unwrap_or(0)
    }

    fn find(&self, hash: u32, is_it: impl Fn(usize) -> bool) -> Option<usize> {
        let mut at = self.start(hash);
        loop {
            let place = *self.places.get(at)?;
            if place == 0 {
                return None;
            }
            let (tag, number) = ((place >> 32) as u32, (place as u32) as usize - 1);
            if tag == hash && is_it(number) {
                return Some(number);
            }
            at = (at + 1) & (self.places.len() - 1);
        }
    }

    fn insert(&mut self, hash: u32, number: usize) {
        if 2 * (self.count + 1) > self.places.len() {
            let grown = vec![0; (2 * self.places.len()).max(16)];
            let places = std::mem::replace(&mut self.places, grown);
            places.into_iter().filter(|place| *place != 0).for_each(|place| self.put(place));
        }
        self.count += 1;
        self.put((u64::from(hash) << 32) | (number as u64 + 1));
    }

    fn put(&mut self, place: u64) {
        let mut at = self.start((place >> 32) as u32);
        while self.places[at] != 0 {
            at = (at + 1) & (self.places.len() - 1);
        }
        self.places[at] = place;
    }
}

/// Keys are hashes already.
fn hash(key: Key) -> u32 {
    (key.low() >> 32) as u32
}

/// What is known of some keys.
#[derive(Default)]
pub(crate) struct Slots {
    index: Index,
    entries: Vec<Entry>,
    /// Bytes of longer states.
    outside: usize,
}

impl Slots {
    /// What a key with a state of usual size costs.
    pub(crate) const TYPICAL: usize = ENTRY;

    /// Bytes of memory, about.
    pub(crate) fn bytes(&self) -> usize {
        self.entries.len() * ENTRY + self.outside
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether it can take no more.
    pub(crate) fn is_full(&self) -> bool {
        self.entries.len() >= MOST
    }

    fn place(&self, key: Key) -> Option<usize> {
        self.index.find(hash(key), |place| self.entries[place].key == key)
    }

    /// The state of a key, empty or not; none for one that is not here.
    pub(crate) fn get(&self, key: Key) -> Option<&[u8]> {
        let state = &self.entries[self.place(key)?].state;
        (!matches!(state, State::Gone)).then(|| state.data())
    }

    /// Puts in a key that is not here.
    pub(crate) fn insert(&mut self, key: Key, data: &[u8], dirty: bool) {
        self.put(Entry { key, state: State::new(data, dirty) });
    }

    fn put(&mut self, entry: Entry) {
        self.outside += entry.state.outside();
        self.index.insert(hash(entry.key), self.entries.len());
        self.entries.push(entry);
    }

    /// Moves a key here from where it was; whether it was there.
    pub(crate) fn take(&mut self, key: Key, from: &mut Self) -> bool {
        let Some(place) = from.place(key) else { return false };
        let state = std::mem::replace(&mut from.entries[place].state, State::Gone);
        if matches!(state, State::Gone) {
            return false;
        }
        from.outside -= state.outside();
        self.put(Entry { key, state });
        true
    }

    /// Puts a state in the place of the one that a key has. It is dirty then.
    pub(crate) fn set(&mut self, key: Key, data: &[u8]) {
        let Some(place) = self.place(key) else { return };
        let state = &mut self.entries[place].state;
        match state {
            State::Long { dirty, bytes } if bytes.len() == data.len() => {
                bytes.copy_from_slice(data);
                *dirty = true;
            }
            _ => {
                self.outside -= state.outside();
                *state = State::new(data, true);
                self.outside += state.outside();
            }
        }
    }

    /// Keys that are not in the file as they are here.
    pub(crate) fn dirty(&self) -> impl Iterator<Item = (Key, &[u8])> {
        let dirty = self.entries.iter().filter(|entry| entry.state.is_dirty());
        dirty.map(|entry| (entry.key, entry.state.data()))
    }

    /// They are now.
    pub(crate) fn clean(&mut self) {
        let states = self.entries.iter_mut().filter_map(|entry| entry.state.dirty());
        states.for_each(|dirty| *dirty = false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    proptest! {
        #[test]
        fn it_answers_as_a_map_does(
            steps in prop::collection::vec((0u8..4, 0u8..40, 0usize..120), 0..300)
        ) {
            let (mut young, mut old) = (Slots::default(), Slots::default());
            let (mut new, mut before) = (HashMap::new(), HashMap::new());
            for (step, name, length) in steps {
                let (key, data) = (Key::of(&[name]), vec![name; length]);
                match step {
                    0 if young.get(key).is_none() => {
                        young.insert(key, &data, true);
                        new.insert(key.to_bytes(), data);
                    }
                    1 => {
                        young.set(key, &data);
                        new.entry(key.to_bytes()).and_modify(|known| *known = data);
                    }
                    2 if young.get(key).is_none() => {
                        let moved = before.remove(&key.to_bytes());
                        prop_assert_eq!(young.take(key, &mut old), moved.is_some());
                        new.extend(moved.map(|data| (key.to_bytes(), data)));
                    }
                    3 if length > 110 => {
                        (old, young) = (std::mem::take(&mut young), Slots::default());
                        before = std::mem::take(&mut new);
                    }
                    _ => {}
                }
                let known = new.get(&key.to_bytes()).map(|data| &data[..]);
                prop_assert_eq!(young.get(key), known);
            }
            let mut dirty: Vec<_> = young.dirty().map(|(k, d)| (k.to_bytes(), d.to_vec())).collect();
            dirty.sort();
            let mut wanted: Vec<_> = new.into_iter().collect();
            wanted.sort();
            prop_assert_eq!(dirty, wanted);
            young.clean();
            prop_assert_eq!(young.dirty().count(), 0);
        }
    }
}
