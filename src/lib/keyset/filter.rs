/// Bits of the filter for each key: about one false "perhaps" in 200 answers.
const BITS_PER_KEY: u64 = 12;

/// A split-block Bloom filter: a key's eight bits stand in one cache line, one in each word.
pub(crate) struct Filter {
    blocks: Vec<[u64; 8]>,
}

impl Filter {
    /// Bytes of a filter for `keys` keys.
    pub(crate) fn bytes_for(keys: u64) -> u64 {
        (keys * BITS_PER_KEY).div_ceil(512).max(1) * 64
    }

    pub(crate) fn new(keys: u64) -> Self {
        let blocks = usize::try_from(Self::bytes_for(keys) / 64).unwrap_or(usize::MAX);
        Self { blocks: vec![[0; 8]; blocks] }
    }

    /// A filter of about so many bytes.
    pub(crate) fn of_bytes(bytes: u64) -> Self {
        let blocks = usize::try_from(bytes / 64).unwrap_or(usize::MAX).max(1);
        Self { blocks: vec![[0; 8]; blocks] }
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.blocks.len() as u64 * 64
    }

    /// The block of a key by its second half, its bits by the first.
    fn block(&self, low: u64) -> usize {
        let scaled = (u128::from(low) * self.blocks.len() as u128) >> 64;
        usize::try_from(scaled).unwrap_or(0)
    }

    pub(crate) fn insert(&mut self, [high, low]: [u64; 2]) {
        let at = self.block(low);
        for (n, word) in self.blocks[at].iter_mut().enumerate() {
            *word |= 1 << (high >> (6 * n) & 63);
        }
    }

    /// False: certainly not there.
    pub(crate) fn may_have(&self, [high, low]: [u64; 2]) -> bool {
        let words = &self.blocks[self.block(low)];
        words.iter().enumerate().all(|(n, word)| word >> (high >> (6 * n) & 63) & 1 == 1)
    }
}
