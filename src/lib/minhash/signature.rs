/// Hash functions of a signature.
pub(crate) const WIDTH: usize = 128;

/// Chance of finding a pair that is exactly as similar as the threshold, at least.
const RECALL: f64 = 0.97;

/// The smallest hash of a set under each of some hash functions.
pub(crate) type Signature = [u32; WIDTH];

/// The constants of the hash functions `x → (x ⊕ a)·b mod 2³²`.
pub(crate) struct Functions {
    masks: Signature,
    factors: Signature,
}

impl Functions {
    pub(crate) fn new() -> Self {
        // SplitMix64 from a fixed seed: the same functions on every machine.
        let mut state = 0x6865_6164_7761_7465_u64;
        let mut next = || {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            (z >> 32) as u32
        };
        let masks = std::array::from_fn(|_| next());
        Self { masks, factors: std::array::from_fn(|_| next() | 1) }
    }

    pub(crate) fn sign(&self, set: &[u32]) -> Signature {
        let mut signature = [u32::MAX; WIDTH];
        for x in set {
            for ((least, mask), factor) in signature.iter_mut().zip(&self.masks).zip(&self.factors)
            {
                *least = (*least).min((x ^ mask).wrapping_mul(*factor));
            }
        }
        signature
    }
}

/// How a signature is cut into bands: two sets are compared if all rows of some band agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bands {
    /// Hashes in a band.
    pub rows: usize,
    /// Number of bands.
    pub count: usize,
}

impl Bands {
    /// As many rows as possible (so that few pairs are compared in vain) while a pair with
    /// similarity `threshold` is found with a chance of 0.97.
    pub fn for_threshold(threshold: f64) -> Self {
        let at = |rows: usize| Self { rows, count: WIDTH / rows };
        (1..=32).rev().map(at).find(|bands| bands.chance(threshold) >= RECALL).unwrap_or(at(1))
    }

    /// The chance that two sets of that Jaccard similarity are compared.
    pub fn chance(self, similarity: f64) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "at most 128")]
        let (rows, count) = (self.rows as f64, self.count as f64);
        1.0 - (1.0 - similarity.clamp(0.0, 1.0).powf(rows)).powf(count)
    }

    /// One hash for each band.
    pub(crate) fn cut(self, signature: &Signature) -> impl Iterator<Item = u32> {
        signature.chunks_exact(self.rows).take(self.count).map(|band| {
            let mixed = band.iter().fold(0u64, |hash, row| {
                (hash.rotate_left(29) ^ u64::from(*row)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
            });
            (mixed >> 32) as u32
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::cast_precision_loss, reason = "small counts")]
    fn signatures_agree_as_often_as_sets_do() {
        let functions = Functions::new();
        let mut worst: f64 = 0.0;
        for shared in [100u32, 400, 800, 950] {
            let hash = |n: u32| {
                let n = u64::from(n).wrapping_add(1).wrapping_mul(0x94d0_49bb_1331_11eb);
                ((n ^ (n >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 32) as u32
            };
            let mut estimates = 0.0;
            for round in 0..20u32 {
                let start = round * 10_000;
                let a: Vec<u32> = (start..start + 1000).map(hash).collect();
                let b: Vec<u32> =
                    (start + 1000 - shared..start + 2000 - shared).map(hash).collect();
                let (a, b) = (functions.sign(&a), functions.sign(&b));
                let same = a.iter().zip(&b).filter(|(a, b)| a == b).count();
                estimates += same as f64 / WIDTH as f64;
            }
            let truth = f64::from(shared) / f64::from(2000 - shared);
            worst = worst.max((estimates / 20.0 - truth).abs());
        }
        assert!(worst < 0.03, "{worst}");
    }

    #[test]
    fn bands_find_what_they_promise() {
        for (threshold, rows) in [(0.5, 3), (0.7, 5), (0.8, 7), (0.95, 18)] {
            let bands = Bands::for_threshold(threshold);
            assert!(bands.chance(threshold) >= RECALL, "{threshold}: {bands:?}");
            assert!(bands.rows >= rows && bands.rows * bands.count <= WIDTH, "{bands:?}");
        }
        assert_eq!(Bands::for_threshold(0.001), Bands { rows: 1, count: WIDTH });
    }
}
