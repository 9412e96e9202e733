//! Words become lines, and lines text in reading order.
//!
//! Lines are words on one baseline. A wide gap cuts a line into segments; where the segments of many
//! lines leave a common gutter and both sides look like prose, the sides are read one after the other;
//! lines that cross the gutter (titles, tables, figures' captions) keep their place. Everything else
//! is read row by row.

use super::rtl;
use super::words::{Direction, WORD_GAP, Word};

/// A gap of this many font sizes ends a segment.
const SEGMENT_GAP: f64 = 1.0;

/// A gutter between columns is at least this many font sizes wide.
const GUTTER: f64 = 0.8;

/// Segments on each side of a gutter.
const MIN_COLUMN_LINES: usize = 4;

/// Bytes in a column's typical segment: shorter ones are cells of a table.
const MIN_COLUMN_BYTES: usize = 12;

/// Places tried as a gutter in one region.
const MAX_GUTTERS: usize = 64;

/// Columns within columns.
const MAX_DEPTH: usize = 6;

/// A region of more segments than this is read row by row, to bound the search for gutters.
const MAX_SEGMENTS: usize = 20_000;

/// Words of one line without a wide gap.
struct Segment {
    words: Vec<Word>,
    x0: f64,
    x1: f64,
    base: f64,
    size: f64,
    bytes: usize,
}

/// A line of finished text.
struct Line {
    text: String,
    base: f64,
    size: f64,
}

/// The text of a page.
pub(crate) fn text(words: Vec<Word>) -> String {
    let mut groups: Vec<(Direction, usize, Vec<Word>)> = Vec::new();
    for word in words {
        match groups.iter_mut().find(|group| group.0 == word.direction) {
            Some(group) => {
                group.1 += word.text.len();
                group.2.push(word);
            }
            None => groups.push((word.direction, word.text.len(), vec![word])),
        }
    }
    groups.sort_by_key(|group| std::cmp::Reverse(group.1));
    let mut text = String::new();
    for (.., words) in groups {
        let mut lines = Vec::new();
        read(segments(words), 0, &mut lines);
        join(&lines, &mut text);
    }
    text
}

/// Cuts the page's lines at wide gaps.
fn segments(words: Vec<Word>) -> Vec<Segment> {
    let mut segments: Vec<Segment> = Vec::new();
    for mut row in rows(words, |word| (word.base, word.size)) {
        row.sort_by(|a, b| a.x0.total_cmp(&b.x0));
        let mut new_row = true;
        for word in row {
            match segments.last_mut() {
                Some(segment)
                    if !new_row
                        && word.x0 - segment.x1 < SEGMENT_GAP * word.size.max(segment.size) =>
                {
                    segment.push(word);
                }
                _ => segments.push(Segment::new(word)),
            }
            new_row = false;
        }
    }
    segments
}

impl Segment {
    fn new(word: Word) -> Self {
        let Word { x0, x1, base, size, .. } = word;
        Self { x0, x1, base, size, bytes: word.text.len(), words: vec![word] }
    }

    fn push(&mut self, word: Word) {
        self.x1 = self.x1.max(word.x1);
        if word.size > self.size {
            (self.base, self.size) = (word.base, word.size);
        }
        self.bytes += word.text.len() + 1;
        self.words.push(word);
    }
}

/// Groups what stands on one line, top line first. `place` gives baseline and size.
fn rows<T>(mut items: Vec<T>, place: impl Fn(&T) -> (f64, f64)) -> Vec<Vec<T>> {
    items.sort_by(|a, b| place(b).0.total_cmp(&place(a).0));
    let mut rows: Vec<((f64, f64), Vec<T>)> = Vec::new();
    for item in items {
        let here = place(&item);
        let recent = rows.len().saturating_sub(4);
        match rows[recent..].iter_mut().rev().find(|(row, _)| same_line(*row, here)) {
            Some((row, members)) => {
                // The largest member stands for the line: superscripts come and go.
                if here.1 > row.1 {
                    *row = here;
                }
                members.push(item);
            }
            None => rows.push((here, vec![item])),
        }
    }
    rows.into_iter().map(|(_, members)| members).collect()
}

fn same_line(a: (f64, f64), b: (f64, f64)) -> bool {
    let bottom = (a.0 - 0.2 * a.1).max(b.0 - 0.2 * b.1);
    let top = (a.0 + 0.8 * a.1).min(b.0 + 0.8 * b.1);
    top - bottom >= 0.6 * a.1.min(b.1)
}

/// Reads a region into `lines`.
fn read(segments: Vec<Segment>, depth: usize, lines: &mut Vec<Line>) {
    if depth < MAX_DEPTH
        && segments.len() <= MAX_SEGMENTS
        && let Some(gutter) = gutter(&segments)
    {
        return read_columns(segments, gutter, depth, lines);
    }
    for mut row in rows(segments, |segment| (segment.base, segment.size)) {
        row.sort_by(|a, b| a.x0.total_cmp(&b.x0));
        let (base, size) = row
            .iter()
            .max_by(|a, b| a.size.total_cmp(&b.size))
            .map_or((0.0, 0.0), |segment| (segment.base, segment.size));
        let words = row.into_iter().flat_map(|segment| segment.words).collect();
        lines.push(Line { text: line_text(words), base, size });
    }
}

/// Reads left of the gutter before right of it, between the segments that cross it.
fn read_columns(mut segments: Vec<Segment>, gutter: f64, depth: usize, lines: &mut Vec<Line>) {
    segments.sort_by(|a, b| b.base.total_cmp(&a.base));
    let (mut left, mut right, mut crossing) = (Vec::new(), Vec::new(), Vec::new());
    for segment in segments {
        let side = side(&segment, gutter);
        if side == Side::Crossing {
            read_sides(&mut left, &mut right, depth, lines);
            crossing.push(segment);
            continue;
        }
        read(std::mem::take(&mut crossing), MAX_DEPTH, lines);
        if side == Side::Left { left.push(segment) } else { right.push(segment) }
    }
    read_sides(&mut left, &mut right, depth, lines);
    read(crossing, MAX_DEPTH, lines);
}

fn read_sides(
    left: &mut Vec<Segment>,
    right: &mut Vec<Segment>,
    depth: usize,
    lines: &mut Vec<Line>,
) {
    let (mut left, right) = (std::mem::take(left), std::mem::take(right));
    if left.len() < 2 || right.len() < 2 {
        left.extend(right);
        read(left, MAX_DEPTH, lines);
    } else {
        read(left, depth + 1, lines);
        read(right, depth + 1, lines);
    }
}

#[derive(PartialEq, Eq)]
enum Side {
    Left,
    Right,
    Crossing,
}

fn side(segment: &Segment, gutter: f64) -> Side {
    if segment.x0 >= gutter {
        Side::Right
    } else if segment.x1 <= gutter - GUTTER * segment.size {
        Side::Left
    } else {
        Side::Crossing
    }
}

/// Where columns are parted: the left edge of the right-hand side, if there are columns.
fn gutter(segments: &[Segment]) -> Option<f64> {
    if segments.len() < 2 * MIN_COLUMN_LINES {
        return None;
    }
    let mut edges: Vec<(f64, f64)> = segments.iter().map(|s| (s.x0, s.size)).collect();
    edges.sort_by(|a, b| a.0.total_cmp(&b.0));
    // An edge that several segments share, tried from the one shared most.
    let mut shared: Vec<(usize, f64)> = Vec::new();
    let mut previous = f64::NEG_INFINITY;
    for (x, size) in edges {
        match shared.last_mut() {
            Some((count, _)) if x - previous < 0.5 * size => *count += 1,
            _ => shared.push((1, x - 0.05 * size)),
        }
        previous = x;
    }
    shared.retain(|(count, _)| *count >= MIN_COLUMN_LINES.div_ceil(2));
    shared.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
    let scored =
        shared.iter().take(MAX_GUTTERS).filter_map(|(_, x)| Some((score(segments, *x)?, *x)));
    scored.max_by_key(|(score, _)| *score).map(|(_, x)| x)
}

/// How well the page is parted at `x`; `None` when the parts do not look like columns of prose.
fn score(segments: &[Segment], x: f64) -> Option<usize> {
    let (mut left, mut right, mut crossing) = (Part::default(), Part::default(), Part::default());
    for segment in segments {
        match side(segment, x) {
            Side::Left => left.add(segment),
            Side::Right => right.add(segment),
            Side::Crossing => crossing.add(segment),
        }
    }
    let lower = left.lines.min(right.lines);
    let typical = (left.bytes / left.lines.max(1)).min(right.bytes / right.lines.max(1));
    let overlap = left.top.min(right.top) - left.bottom.max(right.bottom);
    let height = (left.top - left.bottom).min(right.top - right.bottom);
    let columns = lower >= MIN_COLUMN_LINES
        && typical >= MIN_COLUMN_BYTES
        && overlap >= 0.5 * height
        && crossing.bytes * 2 <= left.bytes + right.bytes;
    columns.then(|| (left.bytes + right.bytes).saturating_sub(crossing.bytes))
}

/// What lies on one side.
struct Part {
    lines: usize,
    bytes: usize,
    top: f64,
    bottom: f64,
}

impl Default for Part {
    fn default() -> Self {
        Self { lines: 0, bytes: 0, top: f64::NEG_INFINITY, bottom: f64::INFINITY }
    }
}

impl Part {
    fn add(&mut self, segment: &Segment) {
        self.lines += 1;
        self.bytes += segment.bytes;
        self.top = self.top.max(segment.base);
        self.bottom = self.bottom.min(segment.base);
    }
}

/// The words of a line, from left to right on the page, as text.
fn line_text(words: Vec<Word>) -> String {
    let mut parts: Vec<(bool, Word)> = Vec::with_capacity(words.len());
    for word in words {
        let Some((_, last)) = parts.last() else {
            parts.push((false, word));
            continue;
        };
        let size = word.size.min(last.size);
        // Bold made by drawing twice, a little apart.
        if last.text == word.text && (word.x0 - last.x0).abs() < 0.15 * size {
            continue;
        }
        let drawn_apart = (word.after_space && word.sequence == last.sequence + 1)
            || (last.after_space && last.sequence == word.sequence + 1);
        let space = drawn_apart || word.x0 - last.x1 > WORD_GAP * size;
        parts.push((space, word));
    }
    let mut text = String::new();
    for (space, word) in parts {
        if space {
            text.push(' ');
        }
        text.push_str(&word.text);
    }
    rtl::to_logical(text)
}

/// Joins lines into text: words parted by a hyphen at a line's end are made whole.
fn join(lines: &[Line], text: &mut String) {
    let mut previous: Option<&Line> = None;
    for line in lines.iter().filter(|line| !line.text.is_empty()) {
        if let Some(previous) = previous
            && !mend_hyphen(text, &line.text)
        {
            text.push('\n');
            let down = previous.base - line.base;
            if !(0.0..2.0 * previous.size.max(line.size)).contains(&down) {
                text.push('\n');
            }
        } else if previous.is_none() && !text.is_empty() {
            text.push_str("\n\n");
        }
        text.push_str(&line.text);
        previous = Some(line);
    }
}

/// Takes a hyphen that parts a word off the end of `text`, when `next` goes on with the word.
fn mend_hyphen(text: &mut String, next: &str) -> bool {
    let mut end = text.chars().rev();
    let (Some(hyphen), Some(before)) = (end.next(), end.next()) else { return false };
    let goes_on = next.chars().next().is_some_and(char::is_lowercase);
    let parted = matches!(hyphen, '-' | '\u{ad}' | '\u{2010}') && before.is_alphabetic() && goes_on;
    if parted {
        text.pop();
    }
    parted
}
