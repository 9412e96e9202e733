//! The forms in which a placeholder may come back from a model, or come from a stranger.

use std::collections::HashSet;
use std::ops::Range;

use regex::{Captures, Regex};

/// In brackets of some kind: with spaces, in any case, with an ending that a model put inside.
const BRACKETED: &str = r"(?xi)
    (?: < | &lt; | \\u003c | ‹ | \[ | \{ ) \s{0,2}
    (?P<kind> [a-z][a-z0-9]* (?: (?: \\?_ | \x20 | - ) [a-z][a-z0-9]* )* ) (?P<mark> \\?_ | \x20 | - | \# )
    (?P<number> [0-9a-f]{12,64} | [0-9]{1,19} )
    (?P<ending> ['’]? \p{L}{0,3} ) \s{0,2}
    (?: > | &gt; | \\u003e | › | \] | \} )";

/// Without brackets: only as it was written, in any case.
const BARE: &str = r"(?xi) \b
    (?P<kind> [a-z][a-z0-9]* (?: \\?_ [a-z][a-z0-9]* )* ) (?P<mark> \\?_ | \# )
    (?P<number> [0-9a-f]{12,64} | [0-9]{1,19} )
    (?P<ending> (?: ['’]? s )? ) \b";

/// A text that may stand for something.
pub(crate) struct Form {
    /// Where, in bytes.
    pub(crate) range: Range<usize>,
    /// The placeholder as it was given out: `<PERSON_1>`.
    pub(crate) name: String,
    /// What was put on it: "s".
    pub(crate) ending: String,
}

/// Finds such forms.
pub(crate) struct Forms {
    patterns: [Regex; 2],
    /// Kinds in capitals; none: of any kind.
    kinds: Option<HashSet<String>>,
}

impl Forms {
    /// Forms of these kinds alone.
    ///
    /// # Errors
    /// None that a user could meet.
    pub(crate) fn new(kinds: Option<HashSet<String>>) -> Result<Self, cli::Error> {
        Ok(Self { patterns: [Regex::new(BRACKETED)?, Regex::new(BARE)?], kinds })
    }

    /// Every form in a text, in order, none overlapping another.
    pub(crate) fn find(&self, text: &str) -> Vec<Form> {
        if !text.bytes().any(|b| b.is_ascii_digit()) {
            return Vec::new();
        }
        let mut all: Vec<Form> = Vec::new();
        for pattern in &self.patterns {
            let before = all.len();
            for captures in pattern.captures_iter(text) {
                let Some(form) = self.form(&captures) else { continue };
                let next = all[..before].partition_point(|f| f.range.end <= form.range.start);
                let free = |f: &Form| f.range.start >= form.range.end;
                if all[..before].get(next).is_none_or(free) {
                    all.push(form);
                }
            }
            all.sort_by_key(|form| form.range.start);
        }
        all
    }

    fn form(&self, captures: &Captures<'_>) -> Option<Form> {
        let part = |name: &str| captures.name(name).map_or("", |m| m.as_str());
        let kind = part("kind").to_uppercase().replace('\\', "").replace([' ', '-'], "_");
        if self.kinds.as_ref().is_some_and(|kinds| !kinds.contains(&kind)) {
            return None;
        }
        let mark = if part("mark") == "#" { '#' } else { '_' };
        Some(Form {
            range: captures.get(0)?.range(),
            name: format!("<{kind}{mark}{}>", part("number").to_lowercase()),
            ending: part("ending").to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_found_in_order_and_once() {
        let forms = Forms::new(None).expect("good patterns");
        let text = "PERSON_2 <person 1>s [Email_3] utf_8 <IP#0123456789abcdef> &lt;PERSON\\_4&gt;";
        let names: Vec<String> = forms.find(text).into_iter().map(|form| form.name).collect();
        let wanted = [
            "<PERSON_2>",
            "<PERSON_1>",
            "<EMAIL_3>",
            "<UTF_8>",
            "<IP#0123456789abcdef>",
            "<PERSON_4>",
        ];
        assert_eq!(names, wanted);
        let some = Forms::new(Some(HashSet::from(["EMAIL".to_owned()]))).expect("good patterns");
        assert_eq!(some.find(text).len(), 1);
    }
}
