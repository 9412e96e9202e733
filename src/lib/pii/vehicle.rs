//! Licence plates.

use crate::kind::Kind;
use crate::scan::Scan;
use crate::tokens::flag;
use crate::words::PLATE;

/// How plates are written, and how sure the form alone is: `A` a capital, `9` a digit.
const FORMS: &[(&str, &str, f32)] = &[
    ("DE plate", "A-AA 9999", 0.6),
    ("DE plate", "AA-AA 9999", 0.6),
    ("DE plate", "AAA-AA 9999", 0.6),
    ("DE plate", "A-A 9999", 0.6),
    ("DE plate", "AA-A 9999", 0.6),
    ("DE plate", "AAA-A 9999", 0.6),
    ("DE plate", "A-AA 999", 0.6),
    ("DE plate", "AA-AA 999", 0.6),
    ("DE plate", "AAA-AA 999", 0.6),
    ("DE plate", "A-A 999", 0.55),
    ("DE plate", "AA-A 999", 0.55),
    ("DE plate", "AAA-A 999", 0.55),
    ("DE plate", "AA-AA 99", 0.5),
    ("DE plate", "A-AA 99", 0.5),
    ("FR or IT plate", "AA-999-AA", 0.6),
    ("IT plate", "AA 999 AA", 0.45),
    ("IT plate", "AA999AA", 0.5),
    ("GB plate", "AA99 AAA", 0.5),
    ("GB plate", "AA99AAA", 0.45),
    ("ES plate", "9999 AAA", 0.4),
    ("ES plate", "9999-AAA", 0.45),
    ("ES plate", "9999AAA", 0.4),
    ("NL plate", "AA-999-A", 0.55),
    ("NL plate", "A-999-AA", 0.55),
    ("NL plate", "99-AAA-9", 0.55),
    ("NL plate", "9-AAA-99", 0.55),
    ("NL plate", "99-AA-AA", 0.55),
];

impl Scan<'_> {
    /// A plate that begins with token `i`: where it ends.
    pub(crate) fn plate(&mut self, i: usize) -> Option<usize> {
        let token = self.tokens[i];
        let start = token.start;
        if !self.wants(Kind::Plate)
            || token.len() > 7
            || !self.begins(start)
            || self.before(start) == b'-'
        {
            return None;
        }
        let bytes = &self.bytes[start..];
        let (first, next) = (bytes[0], self.byte(token.end));
        let capital = self.byte(token.end + 1).is_ascii_uppercase();
        // Forms begin with capitals, or with digits and then, near, capitals.
        let figures =
            first.is_ascii_digit() && (token.len() == 7 || capital && b" -".contains(&next));
        let letters = first.is_ascii_uppercase() && !token.has(flag::SMALL);
        if !(figures || letters) {
            return None;
        }
        let fits = |form: &str| {
            bytes.len() >= form.len()
                && form.bytes().zip(bytes).all(|(form, b)| match form {
                    b'A' => b.is_ascii_uppercase(),
                    b'9' => b.is_ascii_digit(),
                    form => form == *b,
                })
                && self.ends(start + form.len())
                && self.byte(start + form.len()) != b'-'
        };
        let said = self.said(i, PLATE);
        let kind = if figures { b'9' } else { b'A' };
        let forms = FORMS.iter().filter(|(_, form, _)| form.as_bytes()[0] == kind);
        if let Some((rule, form, score)) = forms.into_iter().find(|(_, form, _)| fits(form)) {
            let end = start + form.len();
            let score = if said { 0.9 } else { *score };
            return self.add((start, end), Kind::Plate, rule, score).then_some(end);
        }
        // After a word that says so, any short mix of capitals and digits.
        let mixed = (5..=8).contains(&token.len())
            && self.bytes[start..token.end]
                .iter()
                .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
            && self.bytes[start..token.end].iter().any(u8::is_ascii_digit);
        let letters = self.bytes[start..token.end].iter().any(u8::is_ascii_uppercase);
        (mixed && letters && said && self.add((start, token.end), Kind::Plate, "labelled", 0.65))
            .then_some(token.end)
    }
}
