use sha3::{Digest as _, Keccak256};

/// Whether 40 hexadecimal digits are an Ethereum address: in one case throughout, or with the
/// capitals that their hash asks for (ERC-55).
pub(crate) fn ethereum(digits: &[u8]) -> bool {
    if digits.len() != 40 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return false;
    }
    let has = |test: fn(&u8) -> bool| digits.iter().any(test);
    if !(has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase)) {
        return true;
    }
    let hash = Keccak256::digest(digits.to_ascii_lowercase());
    digits.iter().enumerate().all(|(at, b)| {
        let nibble = hash[at / 2] >> (if at % 2 == 0 { 4 } else { 0 }) & 15;
        !b.is_ascii_alphabetic() || b.is_ascii_uppercase() == (nibble >= 8)
    })
}

#[cfg(test)]
mod tests {
    use super::ethereum;

    #[test]
    fn examples_of_the_standard_hold() {
        assert!(ethereum(b"5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"));
        assert!(ethereum(b"fB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"));
        assert!(!ethereum(b"5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"));
        assert!(ethereum(&[b'a'; 40]) && !ethereum(&[b'a'; 39]));
    }
}
