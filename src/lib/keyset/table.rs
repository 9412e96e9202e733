use crate::Key;

/// Places of an empty table's first growth.
const FEWEST: usize = 8;

/// A hash table of keys that are hashes already: open, with linear probing (Knuth, 6.4). Keys stand
/// in the places themselves, so that a look-up that finds nothing, and the insertion after it, wait
/// for main memory once.
pub(crate) struct Table<V> {
    /// A power of two of them, or none. A key of zeros is a free place.
    places: Vec<(Key, V)>,
    len: usize,
    /// The value of the key that is all zeros.
    zero: Option<V>,
}

const FREE: Key = Key([0, 0]);

impl<V: Copy> Table<V> {
    pub(crate) fn new() -> Self {
        Self { places: Vec::new(), len: 0, zero: None }
    }

    /// Places in all.
    pub(crate) fn places(&self) -> usize {
        self.places.len()
    }

    /// Bytes that so many places take.
    pub(crate) fn bytes(places: usize) -> u64 {
        places as u64 * size_of::<(Key, V)>() as u64
    }

    /// Whether the next insertion makes it grow: seven tenths of the places are taken.
    pub(crate) fn is_full(&self) -> bool {
        (self.len + 1) * 10 > self.places.len() * 7
    }

    pub(crate) fn get(&self, key: Key) -> Option<V> {
        if key == FREE {
            return self.zero;
        }
        let (found, value) = *self.places.get(self.place(key)?)?;
        (found == key).then_some(value)
    }

    /// Where a key is, or would be.
    fn place(&self, key: Key) -> Option<usize> {
        let mask = self.places.len().checked_sub(1)?;
        // The upper bits: a table that grows is then read and written in order.
        let mut at = ((key.low() >> 32) as usize * self.places.len()) >> 32;
        while self.places[at].0 != FREE && self.places[at].0 != key {
            at = (at + 1) & mask;
        }
        Some(at)
    }

    /// Puts in a key that is not there.
    pub(crate) fn insert(&mut self, key: Key, value: V) {
        if key == FREE {
            self.zero = Some(value);
            return;
        }
        if self.is_full() {
            let grown = vec![(FREE, value); (2 * self.places.len()).max(FEWEST)];
            let places = std::mem::replace(&mut self.places, grown);
            for (key, value) in places.into_iter().filter(|(key, _)| *key != FREE) {
                self.put(key, value);
            }
        }
        self.put(key, value);
        self.len += 1;
    }

    fn put(&mut self, key: Key, value: V) {
        if let Some(at) = self.place(key) {
            self.places[at] = (key, value);
        }
    }

    /// Takes everything out, in no order. The places stay.
    pub(crate) fn drain(&mut self) -> Vec<(Key, V)> {
        let mut entries = Vec::with_capacity(self.len + 1);
        entries.extend(self.zero.take().map(|value| (FREE, value)));
        for place in self.places.iter_mut().filter(|(key, _)| *key != FREE) {
            entries.push(*place);
            place.0 = FREE;
        }
        self.len = 0;
        entries
    }
}
