use crate::hash::Hash;

/// Bits of a band, and bands of a hash.
const BITS: u32 = 16;
const BANDS: u32 = 4;

/// Finds hashes that differ in few bits, by multi-index hashing (Norouzi, Punjani and Fleet,
/// 2012): of four bands of 16 bits, one differs in at most a quarter of the bits that the hashes
/// differ in. 16 bytes of memory a hash, and 1 MiB.
pub struct Index {
    hashes: Vec<Hash>,
    bands: Vec<Band>,
}

/// The numbers of hashes in the order of one band, and where each value of it begins.
struct Band {
    starts: Vec<u32>,
    numbers: Vec<u32>,
}

impl Index {
    /// The largest distance that can be asked for: two bits in one of the bands, and no more than
    /// two in all of them without one that has fewer.
    pub const FARTHEST: u32 = 11;

    /// Of up to 2³² hashes, numbered from 0.
    #[must_use]
    pub fn new(hashes: Vec<Hash>) -> Self {
        let bands = (0..BANDS).map(|band| {
            let mut starts = vec![0u32; (1 << BITS) + 1];
            for hash in &hashes {
                starts[value(*hash, band) + 1] += 1;
            }
            for at in 1..starts.len() {
                starts[at] += starts[at - 1];
            }
            let mut free = starts.clone();
            let mut numbers = vec![0u32; hashes.len()];
            for (number, hash) in (0u32..).zip(&hashes) {
                let place = &mut free[value(*hash, band)];
                numbers[*place as usize] = number;
                *place += 1;
            }
            Band { starts, numbers }
        });
        Self { bands: bands.collect(), hashes }
    }

    /// The numbers, in order, of the hashes that differ from this one in at most `distance` bits:
    /// at most [`Index::FARTHEST`].
    #[must_use]
    pub fn within(&self, hash: Hash, distance: u32) -> Vec<u32> {
        let distance = distance.min(Self::FARTHEST);
        let mut found = Vec::new();
        for (number, band) in (0u32..).zip(&self.bands) {
            let value = value(hash, number);
            let mut probe = |value: usize| {
                let numbers =
                    &band.numbers[band.starts[value] as usize..band.starts[value + 1] as usize];
                let near = |n: &&u32| self.hashes[**n as usize].distance(hash) <= distance;
                found.extend(numbers.iter().filter(near));
            };
            probe(value);
            for first in 0..BITS {
                if distance >= BANDS {
                    probe(value ^ 1 << first);
                }
                for second in first + 1..BITS {
                    if distance >= 2 * BANDS {
                        probe(value ^ 1 << first ^ 1 << second);
                    }
                }
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

fn value(hash: Hash, band: u32) -> usize {
    (hash.0 >> (band * BITS) & 0xffff) as usize
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn all_within_the_distance_are_found(
            hashes in prop::collection::vec(any::<u64>(), 1..50),
            flips in prop::collection::vec((0usize..50, prop::collection::vec(0u32..64, 0..14)), 1..50),
            distance in 0u32..=11,
        ) {
            let mut all: Vec<Hash> = hashes.iter().map(|h| Hash(*h)).collect();
            for (from, bits) in flips {
                let hash = bits.iter().fold(all[from % hashes.len()].0, |hash, bit| hash ^ 1 << bit);
                all.push(Hash(hash));
            }
            let index = Index::new(all.clone());
            for hash in &all {
                let near = (0u32..).zip(&all).filter(|(_, other)| other.distance(*hash) <= distance);
                let expected: Vec<u32> = near.map(|(number, _)| number).collect();
                prop_assert_eq!(index.within(*hash, distance), expected);
            }
        }
    }
}
