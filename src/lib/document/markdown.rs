//! Headings of Markdown (CommonMark 0.31, 4.2, 4.3): with `#` before them or a line under them.

use crate::document::{Heading, cut};

/// Headings that are listed.
const MAX_HEADINGS: usize = 20_000;

/// Bytes of a heading that are listed.
const MAX_TITLE: usize = 1_000;

/// The headings of `text`; what looks like one in fenced code is none.
pub(crate) fn outline(text: &str) -> Vec<Heading> {
    let mut outline = Vec::new();
    let mut fence: Option<&str> = None;
    let mut at = 0;
    // The line before, where it may be a heading that is underlined.
    let mut above: Option<(usize, &str)> = None;
    for whole in text.split_inclusive('\n') {
        let (start, line) = (at, whole.trim());
        at += whole.len();
        let before = above.take();
        let indent = whole.len() - whole.trim_start_matches(' ').len();
        if let Some(open) = fence {
            if line.starts_with(open) {
                fence = None;
            }
            continue;
        }
        if indent > 3 || line.is_empty() {
            continue;
        }
        fence = ["```", "~~~"].into_iter().find(|mark| line.starts_with(mark));
        let found = match (atx(line), underline(line), before) {
            (Some((level, title)), ..) => Some((level, title, start)),
            (None, Some(level), Some((start, title))) => Some((level, title, start)),
            _ => None,
        };
        if let Some((level, title, start)) = found {
            if outline.len() < MAX_HEADINGS && !title.is_empty() {
                let title = cut(title, MAX_TITLE).to_owned();
                outline.push(Heading { level, title, start });
            }
        } else if fence.is_none() && !line.starts_with(['>', '-', '*', '+', '|']) {
            above = Some((start, line));
        }
    }
    outline
}

fn atx(line: &str) -> Option<(u8, &str)> {
    let level = line.bytes().take_while(|b| *b == b'#').count();
    let title = line[level..].strip_prefix([' ', '\t'])?;
    let level = u8::try_from(level).ok().filter(|level| (1..=6).contains(level))?;
    Some((level, title.trim_end_matches('#').trim()))
}

fn underline(line: &str) -> Option<u8> {
    match line.as_bytes() {
        [b'=', rest @ ..] if rest.iter().all(|b| *b == b'=') => Some(1),
        [b'-', b'-', rest @ ..] if rest.iter().all(|b| *b == b'-') => Some(2),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_of_both_kinds_and_none_in_code() {
        let text =
            "# One #\n\ntext\n====\n\n```\n# code\n```\n- item\n---\n#no\n    # code\n## Two\n";
        let found: Vec<_> =
            outline(text).into_iter().map(|h| (h.level, h.title, h.start)).collect();
        let expected =
            [(1, "One", 0), (1, "text", 9), (2, "Two", text.find("## Two").expect("it is"))];
        assert_eq!(found, expected.map(|(level, title, start)| (level, title.to_owned(), start)));
    }
}
