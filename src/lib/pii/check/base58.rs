use sha2::{Digest as _, Sha256};

const BITCOIN: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const RIPPLE: &[u8; 58] = b"rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz";

/// Characters of the longest address that is read.
const LONGEST: usize = 64;

/// Whether `text` is an address in Bitcoin's Base58Check: 21 bytes and four of a double SHA-256.
pub(crate) fn base58_check(text: &[u8]) -> bool {
    checked(text, BITCOIN)
}

/// The same in the alphabet of the XRP Ledger.
pub(crate) fn base58_ripple(text: &[u8]) -> bool {
    checked(text, RIPPLE)
}

fn checked(text: &[u8], alphabet: &[u8; 58]) -> bool {
    let Some(bytes) = decode(text, alphabet) else { return false };
    if bytes.len() != 25 {
        return false;
    }
    let (body, check) = bytes.split_at(21);
    Sha256::digest(Sha256::digest(body))[..4] == *check
}

fn decode(text: &[u8], alphabet: &[u8; 58]) -> Option<Vec<u8>> {
    if text.len() > LONGEST {
        return None;
    }
    let mut bytes: Vec<u8> = Vec::with_capacity(LONGEST);
    for c in text {
        let value = alphabet.iter().position(|a| a == c)?;
        let mut carry = u32::try_from(value).ok()?;
        for byte in &mut bytes {
            carry += u32::from(*byte) * 58;
            *byte = (carry & 0xff) as u8;
            carry >>= 8;
        }
        while carry > 0 {
            bytes.push((carry & 0xff) as u8);
            carry >>= 8;
        }
    }
    let zeros = text.iter().take_while(|c| **c == alphabet[0]).count();
    bytes.extend(std::iter::repeat_n(0, zeros));
    bytes.reverse();
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_the_first_block_and_of_the_ledger_hold() {
        assert!(base58_check(b"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"));
        assert!(!base58_check(b"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb"));
        assert!(base58_ripple(b"rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh"));
        assert!(!base58_check(b"") && !base58_check(&[b'z'; 100]));
    }
}
