use std::borrow::Cow;

use clap::ValueEnum;
use unicode_normalization::UnicodeNormalization as _;

/// A difference between texts that does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Fold {
    /// Upper and lower case (Unicode's default case folding).
    Case,
    /// How much white space, and of which kind; at either end, any at all.
    Space,
    /// Forms of the same character (Unicode's NFKC).
    Unicode,
}

/// What of texts does not count.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Folds {
    case: bool,
    space: bool,
    unicode: bool,
}

impl Folds {
    pub(crate) fn new(folds: &[Fold]) -> Self {
        let has = |fold| folds.contains(&fold);
        Self { case: has(Fold::Case), space: has(Fold::Space), unicode: has(Fold::Unicode) }
    }

    pub(crate) fn is_empty(self) -> bool {
        !(self.case || self.space || self.unicode)
    }

    /// The text that all texts have which differ only in what does not count.
    pub(crate) fn apply(self, text: &str) -> Cow<'_, str> {
        let mut text = Cow::Borrowed(text);
        if text.is_ascii() {
            if self.case && text.bytes().any(|b| b.is_ascii_uppercase()) {
                text = Cow::Owned(text.to_ascii_lowercase());
            }
        } else {
            if self.unicode {
                text = Cow::Owned(text.nfkc().collect());
            }
            if self.case {
                text = Cow::Owned(caseless::default_case_fold_str(&text));
                // Folding can take a text out of its normal form.
                if self.unicode {
                    text = Cow::Owned(text.nfkc().collect());
                }
            }
        }
        if self.space {
            text = Cow::Owned(text.split_whitespace().collect::<Vec<_>>().join(" "));
        }
        text
    }

    /// Says which differences do not count, for people.
    pub(crate) fn describe(self) -> String {
        let names = [(self.case, "case"), (self.space, "space"), (self.unicode, "Unicode form")];
        let names: Vec<_> = names.iter().filter(|n| n.0).map(|n| n.1).collect();
        if names.is_empty() { String::new() } else { format!(", {} aside", names.join(" and ")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_asked_for_is_folded() {
        let fold = |folds: &[Fold], text| Folds::new(folds).apply(text).into_owned();
        assert_eq!(fold(&[], " A\u{fb01} "), " A\u{fb01} ");
        assert_eq!(fold(&[Fold::Case], "STRASSE Straße"), "strasse strasse");
        assert_eq!(fold(&[Fold::Space], " a\t\n b\u{3000}c "), "a b c");
        assert_eq!(fold(&[Fold::Unicode], "e\u{301}\u{fb01}Ａ"), "éfiA");
        assert_eq!(
            fold(&[Fold::Case, Fold::Unicode], "Ａ\u{0130}"),
            fold(&[Fold::Case, Fold::Unicode], "a\u{0130}")
        );
        assert_eq!(Folds::new(&[Fold::Space, Fold::Case]).describe(), ", case and space aside");
    }
}
