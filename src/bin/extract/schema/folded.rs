//! A text as it is searched: without the differences that say nothing, and with the way back.
//!
//! Case, runs of white space, compatibility forms (NFKC: ﬁ, Ａ, ①), digits of other scripts, and
//! typographic quotes and dashes are made alike; soft hyphens and zero-width spaces vanish. This
//! is done cluster by cluster (UAX #29), so that what is found begins and ends where a reader
//! sees a character begin and end, in the original's bytes.

use std::ops::Range;

use memchr::memmem::Finder;
use unicode_normalization::UnicodeNormalization as _;
use unicode_segmentation::UnicodeSegmentation as _;

/// Where a cluster, or a run of ASCII characters, begins in either text.
#[derive(Clone, Copy, Debug)]
struct Anchor {
    folded: usize,
    source: usize,
    /// Each byte of it is a cluster of one byte on both sides.
    run: bool,
}

/// A text, folded.
#[derive(Debug)]
pub(crate) struct Folded<'t> {
    source: &'t str,
    text: String,
    anchors: Vec<Anchor>,
}

impl<'t> Folded<'t> {
    /// Folds `source`.
    pub(crate) fn new(source: &'t str) -> Self {
        let mut folded =
            Self { source, text: String::with_capacity(source.len()), anchors: Vec::new() };
        for (at, cluster) in source.grapheme_indices(true) {
            folded.push(at, cluster);
        }
        folded
    }

    /// The folded text.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    fn push(&mut self, at: usize, cluster: &str) {
        let folded = self.text.len();
        let is_space = cluster.chars().all(char::is_whitespace);
        if is_space && self.text.ends_with(' ') || cluster.chars().all(is_invisible) {
            // The run of ASCII that may follow is then none: its places differ from here on.
            return;
        }
        if let [byte] = cluster.as_bytes()
            && (is_space || byte.is_ascii_graphic())
        {
            let continues = |last: &Anchor| last.run && at - last.source == folded - last.folded;
            if !self.anchors.last().is_some_and(continues) {
                self.anchors.push(Anchor { folded, source: at, run: true });
            }
            self.text.push(if is_space { ' ' } else { byte.to_ascii_lowercase().into() });
            return;
        }
        self.anchors.push(Anchor { folded, source: at, run: false });
        if is_space {
            self.text.push(' ');
        } else {
            self.text.extend(fold(cluster));
        }
        if self.text.len() == folded {
            self.anchors.pop();
        }
    }

    /// The source's bytes for those of the folded text; none where they do not begin and end
    /// with clusters.
    pub(crate) fn source_of(&self, range: Range<usize>) -> Option<Range<usize>> {
        if range.is_empty() {
            return None;
        }
        let first = self.anchor_at(range.start)?;
        let start = match first {
            Anchor { run: true, folded, source } => source + (range.start - folded),
            Anchor { folded, source, .. } if folded == range.start => source,
            _ => return None,
        };
        let number = self.anchors.partition_point(|anchor| anchor.folded < range.end) - 1;
        let last = self.anchors[number];
        let end = if last.run {
            last.source + (range.end - last.folded)
        } else {
            let next = self.anchors.get(number + 1).map_or(self.text.len(), |next| next.folded);
            if next != range.end {
                return None;
            }
            let rest = &self.source[last.source..];
            last.source + rest.graphemes(true).next().map_or(0, str::len)
        };
        Some(start..end)
    }

    fn anchor_at(&self, folded: usize) -> Option<Anchor> {
        let number = self.anchors.partition_point(|anchor| anchor.folded <= folded);
        self.anchors.get(number.checked_sub(1)?).copied()
    }

    /// Where `value`, folded, stands as whole words: places in the folded text, in order.
    pub(crate) fn find<'s>(
        &'s self,
        value: &str,
    ) -> impl Iterator<Item = Range<usize>> + use<'s, 't> {
        let needle = folded_value(value);
        let finder = Finder::new(&needle).into_owned();
        let mut from = 0;
        let length = needle.len();
        std::iter::from_fn(move || {
            while length > 0 && from + length <= self.text.len() {
                let at = from + finder.find(&self.text.as_bytes()[from..])?;
                let range = at..at + length;
                let step = self.text[at..].chars().next().map_or(1, char::len_utf8);
                if self.is_word(&range) && self.source_of(range.clone()).is_some() {
                    from = range.end;
                    return Some(range);
                }
                from = at + step;
            }
            None
        })
    }

    /// Whether neither end of the range is within a word.
    pub(crate) fn is_word(&self, range: &Range<usize>) -> bool {
        let joined = |at: usize| {
            let before = self.text[..at].chars().next_back();
            let after = self.text[at..].chars().next();
            matches!((before, after), (Some(a), Some(b)) if joins(a) && joins(b))
        };
        !joined(range.start) && !joined(range.end)
    }
}

/// A value as it is searched for.
pub(crate) fn folded_value(value: &str) -> String {
    Folded::new(value).text.trim_matches(' ').to_owned()
}

fn fold(cluster: &str) -> impl Iterator<Item = char> + '_ {
    // Some forms are a space with a mark on it: the mark is what is seen.
    let is_seen = |c: &char| !is_invisible(*c) && *c != ' ';
    cluster.nfkc().flat_map(char::to_lowercase).map(plain).filter(is_seen)
}

/// The ASCII character that does a character's work, where there is one.
fn plain(c: char) -> char {
    match c {
        '‘' | '’' | '‚' | '‛' | '′' => '\'',
        '“' | '”' | '„' | '‟' | '″' => '"',
        '‐' | '‑' | '‒' | '–' | '—' | '―' | '−' => '-',
        c => digit(c).unwrap_or(if c.is_whitespace() { ' ' } else { c }),
    }
}

/// Zeros of the decimal digits in other scripts; the nine others follow each.
const ZEROS: [u32; 14] = [
    0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66, 0x0CE6, 0x0D66,
    0x0E50, 0x0ED0,
];

fn digit(c: char) -> Option<char> {
    let code = u32::from(c);
    let zero = ZEROS.iter().find(|zero| (**zero..**zero + 10).contains(&code))?;
    char::from_digit(code - zero, 10)
}

fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}' | '\u{2060}' | '\u{feff}')
}

/// Whether a character is part of a word that its neighbour may be part of: not so in scripts
/// that set no spaces, or set endings on words of other scripts.
fn joins(c: char) -> bool {
    let spaceless = matches!(u32::from(c),
        0x0E00..=0x0EFF | 0x1000..=0x109F | 0x1780..=0x17FF | 0x1100..=0x11FF
        | 0x2E80..=0x9FFF | 0xAC00..=0xD7FF | 0xF900..=0xFAFF | 0x20000..=0x3FFFF);
    c.is_alphanumeric() && !spaceless
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found<'t>(text: &'t str, value: &str) -> Vec<&'t str> {
        let folded = Folded::new(text);
        folded.find(value).map(|range| &text[folded.source_of(range).unwrap()]).collect()
    }

    #[test]
    fn the_same_words_in_other_letters() {
        assert_eq!(found("Anna  \n  MÜLLER came.", "Anna Müller"), ["Anna  \n  MÜLLER"]);
        // Combining marks on one side only.
        assert_eq!(found("Caf\u{65}\u{301} Noir", "café"), ["Caf\u{65}\u{301}"]);
        assert_eq!(found("café", "cafe"), [""; 0]);
        assert_eq!(found("the ﬁrst", "first"), ["ﬁrst"]);
        assert_eq!(found("the ﬁrst", "irst"), [""; 0]);
        assert_eq!(found("“don’t” – she said", "\"don't\" - she"), ["“don’t” – she"]);
        assert_eq!(found("Kon\u{ad}zern", "Konzern"), ["Kon\u{ad}zern"]);
        assert_eq!(found("水泵坏了，张伟修理。", "张伟"), ["张伟"]);
        assert_eq!(found("ＡＢＣ １２３", "abc 123"), ["ＡＢＣ １２３"]);
        assert_eq!(found("قيمة ٤٢ دينار", "42"), ["٤٢"]);
    }

    #[test]
    fn words_are_found_whole() {
        assert_eq!(found("Annual report, Ann", "ann"), ["Ann"]);
        assert_eq!(found("Berger, Berger; Bergers", "Berger").len(), 2);
        assert_eq!(found("김철수는 왔다", "김철수"), ["김철수"]);
        assert_eq!(found("in 2026年", "2026"), ["2026"]);
        assert_eq!(found("", "a"), [""; 0]);
        assert_eq!(found("a", ""), [""; 0]);
        assert_eq!(found("a b", "  "), [""; 0]);
    }

    #[test]
    fn an_accent_or_a_flag_is_not_cut() {
        assert_eq!(found("e\u{301}", "e"), [""; 0]);
        // Two flags: the second and third of four letters are no flag.
        assert_eq!(found("🇩🇪🇫🇷", "🇪🇫"), [""; 0]);
        assert_eq!(found("🇩🇪🇫🇷", "🇫🇷"), ["🇫🇷"]);
    }

    proptest! {
        #[test]
        fn what_is_found_is_the_value_and_begins_and_ends_with_clusters(
            text in "[a-cÀÉé世界ﬁ\u{301}\u{200d}👩🇩🇪 \n\u{a0}\u{ad}1２٣.]{0,40}",
            from in 0usize..40,
            count in 1usize..6,
        ) {
            let clusters: Vec<(usize, &str)> = text.grapheme_indices(true).collect();
            let part: String = clusters.iter().skip(from).take(count).map(|c| c.1).collect();
            let ends: Vec<usize> =
                clusters.iter().map(|c| c.0).chain([text.len()]).collect();
            let folded = Folded::new(&text);
            for range in folded.find(&part) {
                let span = folded.source_of(range).unwrap();
                prop_assert!(ends.contains(&span.start) && ends.contains(&span.end), "{span:?}");
                prop_assert_eq!(folded_value(&text[span]), folded_value(&part));
            }
        }

        #[test]
        fn a_whole_text_is_found_in_itself(text in "\\PC{1,60}") {
            let wanted = folded_value(&text);
            let folded = Folded::new(&text);
            if !wanted.is_empty() && folded.text().trim() == wanted {
                prop_assert!(folded.find(&text).next().is_some());
            }
        }
    }
}
