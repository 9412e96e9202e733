//! Invented values: of the kind, and the same for the same original.

const FIRST: [&str; 24] = [
    "Alex", "Robin", "Kim", "Sam", "Jo", "Chris", "Dana", "Eli", "Noa", "Toni", "Sascha", "Andrea",
    "Luca", "Mika", "Nicola", "Pat", "Quinn", "Renée", "Sidney", "Taylor", "Uli", "Vanja", "Willy",
    "Yuri",
];
const LAST: [&str; 24] = [
    "Sample",
    "Muster",
    "Modelo",
    "Exemple",
    "Esempio",
    "Voorbeeld",
    "Ash",
    "Birch",
    "Cedar",
    "Elder",
    "Fir",
    "Hazel",
    "Juniper",
    "Larch",
    "Maple",
    "Oak",
    "Pine",
    "Rowan",
    "Spruce",
    "Willow",
    "Yew",
    "Alder",
    "Beech",
    "Poplar",
];
const PLACES: [&str; 8] = [
    "Newtown",
    "Neustadt",
    "Villeneuve",
    "Villanueva",
    "Cittanova",
    "Nieuwstad",
    "Nowe Miasto",
    "Vila Nova",
];

/// Something invented in place of `text`; `hash` decides what.
pub(crate) fn fake(kind: &str, text: &str, hash: &[u8; 32]) -> String {
    let pick = |list: &[&'static str], at: usize| list[usize::from(hash[at]) % list.len()];
    let number = u32::from_le_bytes([hash[4], hash[5], hash[6], hash[7]]);
    match kind {
        "person" => {
            let first = pick(&FIRST, 0);
            if text.contains(' ') {
                format!("{first} {}", pick(&LAST, 1))
            } else {
                first.to_owned()
            }
        }
        "organisation" => format!("{} & {}", pick(&LAST, 0), pick(&LAST, 1)),
        "place" => pick(&PLACES, 0).to_owned(),
        "address" => format!("{} Street {}", pick(&LAST, 0), number % 200 + 1),
        // Names and addresses that RFC 2606, RFC 5737 and RFC 3849 keep for examples.
        "email" => format!("user{}@example.org", number % 1_000_000),
        "url" => format!("https://example.org/{}", number % 1_000_000),
        "username" => format!("user{}", number % 1_000_000),
        "ip" if text.contains(':') => format!("2001:db8::{:x}:{:x}", number >> 16, number & 0xffff),
        "ip" => format!("198.51.100.{}", hash[0]),
        _ => shaped(text, hash),
    }
}

/// Other letters and digits in the same places.
fn shaped(text: &str, hash: &[u8; 32]) -> String {
    let mut state = u64::from_le_bytes([
        hash[8], hash[9], hash[10], hash[11], hash[12], hash[13], hash[14], hash[15],
    ]) | 1;
    let mut below = |n: u8| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        ((state >> 33) % u64::from(n)) as u8
    };
    text.chars()
        .map(|c| match c {
            '0'..='9' => char::from(b'0' + below(10)),
            'A'..='Z' => char::from(b'A' + below(26)),
            c if c.is_alphabetic() => char::from(b'a' + below(26)),
            c => c,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fakes_are_of_the_kind_and_the_same_again() {
        let hash = [7; 32];
        assert_eq!(fake("person", "Anna Berger", &hash), fake("person", "Anna Berger", &hash));
        assert!(fake("email", "a@b.c", &hash).ends_with("@example.org"));
        let card = fake("card", "4111 1111-X", &hash);
        assert_eq!(card.len(), 11);
        assert!(card.as_bytes()[4] == b' ' && card.as_bytes()[9] == b'-');
        assert_ne!(card, "4111 1111-X");
    }
}
