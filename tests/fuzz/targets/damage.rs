//! Damage to a sound file, read from the fuzzer's bytes: it reaches what is behind the checks of
//! magic numbers and lengths, and keeps the inputs small where the file is not.

/// `sample` after the edits that `edits` spells, four bytes each: a position (`u16`, within the
/// first `reach` bytes, where headers are), what to do there, and with which byte.
pub fn damaged(sample: &[u8], edits: &[u8], reach: usize) -> Vec<u8> {
    let mut file = sample.to_vec();
    for edit in edits.as_chunks::<4>().0.iter().take(16) {
        let [low, high, what, byte] = *edit;
        let end = file.len().min(reach);
        if end == 0 {
            break;
        }
        let at = usize::from(u16::from_le_bytes([low, high])) % end;
        match what % 6 {
            0 | 1 => file[at] = byte,
            2 => file.insert(at, byte),
            3 => drop(file.remove(at)),
            // Whole numbers: all ones, as small as a length may be, or just below a power of two.
            4 => file.iter_mut().skip(at).take(usize::from(byte % 9)).for_each(|b| *b = 0xff),
            _ => file.truncate(file.len() - (at * usize::from(byte)) % file.len()),
        }
    }
    file
}
