//! Where sentences begin and end: Unicode's rules (UAX #29), which know the full stops of all
//! scripts, and what they leave open: abbreviations, and lines broken for their width alone.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation as _;

/// A line shorter than this, in characters, was not broken for its width.
const SHORT_LINE: usize = 40;

/// Bytes of a sentence, at most: what has no full stop for so long is cut after a word.
const LONGEST: usize = 1000;

/// Abbreviations after which a sentence goes on, in lower case and without the last full stop.
/// UAX #29 itself goes on before a small letter.
const ABBREVIATIONS: [&str; 61] = [
    "al", "apr", "aug", "bzw", "ca", "capt", "cf", "col", "d.h", "dec", "dr", "dra", "e.g", "eq",
    "eqs", "evtl", "feb", "fig", "figs", "fr", "frl", "gen", "hon", "hr", "i.e", "inkl", "jan",
    "jul", "jun", "lt", "m", "mar", "messrs", "mlle", "mme", "mr", "mrs", "ms", "mt", "no", "nos",
    "nov", "nr", "oct", "okt", "p", "pp", "prof", "ref", "refs", "rev", "sec", "sep", "sept",
    "sgt", "sr", "sra", "st", "u.a", "vol", "z.b",
];

/// The sentences of `text`, without the space around them, as byte ranges in order.
pub(crate) fn sentences(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for block in blocks(text) {
        // Line ends become spaces of the same length, so that offsets stay.
        let flat = text[block.clone()].replace(['\n', '\r'], " ");
        let mut open: Option<usize> = None;
        for (at, piece) in flat.split_sentence_bound_indices() {
            let start = open.take().unwrap_or(at);
            let end = at + piece.len();
            if end < flat.len() && goes_on(&flat[start..end]) {
                open = Some(start);
            } else {
                bounded(text, block.start + start..block.start + end, &mut found);
            }
        }
    }
    found
}

/// Ranges of lines that belong together: a line goes on in the next one when it is long, and
/// neither is empty nor the next one an item of a list.
fn blocks(text: &str) -> Vec<Range<usize>> {
    let mut blocks: Vec<Range<usize>> = Vec::new();
    let mut at = 0;
    let mut goes_on = false;
    for line in text.split_inclusive('\n') {
        let range = at..at + line.len();
        at = range.end;
        let content = line.trim();
        match blocks.last_mut() {
            Some(last) if goes_on && !content.is_empty() && !is_item(content) => {
                last.end = range.end;
            }
            _ => blocks.push(range),
        }
        goes_on = content.chars().count() >= SHORT_LINE;
    }
    blocks
}

/// Whether a line is an item of a list or a heading.
fn is_item(line: &str) -> bool {
    let digits = line.trim_start_matches(|c: char| c.is_ascii_digit());
    let numbered = digits.len() < line.len() && digits.starts_with(['.', ')']);
    numbered || line.starts_with(['-', '*', '•', '#', '>', '|'])
}

/// Whether a sentence that seems to end here ends in an abbreviation or an initial.
fn goes_on(piece: &str) -> bool {
    let Some(body) = piece.trim_end().strip_suffix('.') else { return false };
    let word = body.rsplit(|c: char| c.is_whitespace() || c == '(').next().unwrap_or_default();
    let initial = word.chars().count() == 1 && word.chars().all(char::is_uppercase);
    initial || ABBREVIATIONS.binary_search(&word.to_lowercase().as_str()).is_ok()
}

/// Adds a range, in pieces where it is too long.
fn bounded(text: &str, range: Range<usize>, found: &mut Vec<Range<usize>>) {
    let mut rest = range;
    while rest.len() > LONGEST {
        let most = (0..=LONGEST).rev().find(|&at| text.is_char_boundary(rest.start + at));
        let most = rest.start + most.unwrap_or(LONGEST);
        let space = text[rest.start..most].rfind(char::is_whitespace).filter(|&at| at > 0);
        let cut = space.map_or(most, |at| rest.start + at);
        found.extend(trimmed(text, rest.start..cut));
        rest.start = cut;
    }
    found.extend(trimmed(text, rest));
}

fn trimmed(text: &str, range: Range<usize>) -> Option<Range<usize>> {
    let piece = &text[range.clone()];
    let start = range.start + (piece.len() - piece.trim_start().len());
    let length = piece.trim().len();
    (length > 0).then_some(start..start + length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn split(text: &str) -> Vec<&str> {
        sentences(text).into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn abbreviations_are_sorted() {
        assert!(ABBREVIATIONS.is_sorted());
    }

    #[test]
    fn abbreviations_and_initials_do_not_end_a_sentence() {
        let text =
            "Mr. Berger of J. R. Smith et al. Repairs came at 9.30 a.m. today, e.g. Pumps. Done.";
        assert_eq!(split(text)[0], &text[..text.len() - 6]);
        assert_eq!(split("Kosten: z.B. Miete. Ende."), ["Kosten: z.B. Miete.", "Ende."]);
    }

    #[test]
    fn full_stops_of_other_scripts_count() {
        assert_eq!(split("水泵坏了。星期四修理！好吗？"), ["水泵坏了。", "星期四修理！", "好吗？"]);
        assert_eq!(split("पंप टूट गया। कल ठीक होगा।"), ["पंप टूट गया।", "कल ठीक होगा।"]);
    }

    #[test]
    fn lines_broken_for_their_width_are_one_sentence() {
        let text =
            "The committee met at the mill on Tuesday night and\nspoke about the pump. It broke.";
        assert_eq!(split(text).len(), 2);
        assert_eq!(split("Agenda\nPump\n- Gate\n- Key"), ["Agenda", "Pump", "- Gate", "- Key"]);
    }

    #[test]
    fn what_never_ends_is_cut_after_a_word() {
        let text = "word ".repeat(1000);
        let found = split(&text);
        assert!(found.len() >= 5 && found.iter().all(|s| s.len() <= LONGEST));
        assert!(found.iter().all(|s| s.split(' ').all(|w| w == "word")));
        assert!(split(&"世".repeat(2000)).len() > 5);
    }

    proptest! {
        #[test]
        fn nothing_but_space_is_lost(text in "([A-Za-z世。é]{1,5}[ .\n!]{0,3}){0,60}") {
            let seen: String = split(&text).concat();
            let bare = |t: &str| t.split_whitespace().collect::<String>();
            prop_assert_eq!(bare(&seen), bare(&text));
        }
    }
}
