const ALPHABET: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";

/// Whether small letters and digits are Bech32 (BIP 173) or Bech32m (BIP 350).
pub(crate) fn bech32(text: &[u8]) -> bool {
    let Some(split) = text.iter().rposition(|b| *b == b'1') else { return false };
    let (prefix, data) = (&text[..split], &text[split + 1..]);
    if prefix.is_empty() || data.len() < 6 || text.len() > 90 {
        return false;
    }
    let high = prefix.iter().map(|b| u32::from(b >> 5));
    let low = prefix.iter().map(|b| u32::from(b & 31));
    let mut sum = high.chain(std::iter::once(0)).chain(low).fold(1, step);
    for c in data {
        let Some(value) = ALPHABET.iter().position(|a| a == c) else { return false };
        sum = step(sum, u32::try_from(value).unwrap_or(0));
    }
    sum == 1 || sum == 0x2bc8_30a3
}

fn step(sum: u32, value: u32) -> u32 {
    const GENERATOR: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
    let top = sum >> 25;
    let next = ((sum & 0x01ff_ffff) << 5) ^ value;
    let used = GENERATOR.iter().enumerate().filter(|(at, _)| top >> at & 1 == 1);
    used.fold(next, |next, (_, generator)| next ^ generator)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_the_standards_hold() {
        assert!(bech32(b"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"));
        assert!(bech32(b"bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0"));
        assert!(!bech32(b"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5"));
        assert!(!bech32(b"1qqqqqqq") && !bech32(b"bc1") && !bech32(b""));
    }
}
