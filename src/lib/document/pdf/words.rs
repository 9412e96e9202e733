//! Glyphs become words, by where they stand.

/// A gap of this part of the font size separates words.
pub(crate) const WORD_GAP: f64 = 0.12;

/// A glyph on the page.
pub(crate) struct Glyph<'a> {
    pub(crate) text: &'a str,
    /// Start of the baseline, in page space.
    pub(crate) origin: (f64, f64),
    /// Where the next glyph starts, without extra spacing.
    pub(crate) end: (f64, f64),
    /// Direction of the baseline; need not have unit length.
    pub(crate) axis: (f64, f64),
    /// Font size in page space.
    pub(crate) size: f64,
}

/// Which way text runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Direction {
    Right,
    Up,
    Left,
    Down,
}

impl Direction {
    fn of((x, y): (f64, f64)) -> Self {
        match (x.abs() >= y.abs(), x >= 0.0, y >= 0.0) {
            (true, true, _) => Self::Right,
            (true, false, _) => Self::Left,
            (false, _, true) => Self::Up,
            (false, _, false) => Self::Down,
        }
    }

    /// Coordinates along the text and upwards from its baseline.
    fn turn(self, (x, y): (f64, f64)) -> (f64, f64) {
        match self {
            Self::Right => (x, y),
            Self::Up => (y, -x),
            Self::Left => (-x, -y),
            Self::Down => (-y, x),
        }
    }
}

/// Glyphs that follow each other without a gap.
#[derive(Debug, Clone)]
pub(crate) struct Word {
    pub(crate) text: String,
    /// Start and end along the baseline.
    pub(crate) x0: f64,
    pub(crate) x1: f64,
    /// Height of the baseline, upwards.
    pub(crate) base: f64,
    pub(crate) size: f64,
    pub(crate) direction: Direction,
    /// Place in the order of drawing.
    pub(crate) sequence: usize,
    /// A space was drawn before it.
    pub(crate) after_space: bool,
}

/// Collects glyphs in the order in which they are drawn.
#[derive(Debug, Default)]
pub(crate) struct Words {
    words: Vec<Word>,
    /// Bytes of text collected.
    bytes: usize,
    space: bool,
}

impl Words {
    pub(crate) fn push(&mut self, glyph: &Glyph<'_>) {
        let finite = [glyph.origin, glyph.end].iter().all(|(x, y)| x.is_finite() && y.is_finite());
        if glyph.text.is_empty() || !finite {
            return;
        }
        if glyph.text.chars().all(char::is_whitespace) {
            self.space = true;
            return;
        }
        let direction = Direction::of(glyph.axis);
        let (x0, base) = direction.turn(glyph.origin);
        let (x1, _) = direction.turn(glyph.end);
        let (x0, x1) = if x0 <= x1 { (x0, x1) } else { (x1, x0) };
        let size = if glyph.size.is_finite() { glyph.size.max(0.01) } else { 0.01 };
        self.bytes += glyph.text.len();
        let text = glyph.text;
        let space = std::mem::take(&mut self.space) || text.starts_with(' ');
        if !space
            && let Some(word) = self.words.last_mut()
            && word.direction == direction
            && (word.base - base).abs() < 0.15 * size
            && (word.size - size).abs() < 0.1 * size
            && (-0.3 * size..WORD_GAP * size).contains(&(x0 - word.x1))
        {
            word.text.push_str(text.trim_end());
            word.x1 = word.x1.max(x1);
        } else {
            let sequence = self.words.len();
            let text = text.trim().to_owned();
            self.words.push(Word {
                text,
                x0,
                x1,
                base,
                size,
                direction,
                sequence,
                after_space: space,
            });
        }
        self.space = text.ends_with(' ');
    }

    /// Bytes of text collected so far.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Words collected so far; each takes far more memory than its text.
    pub(crate) fn count(&self) -> usize {
        self.words.len()
    }

    pub(crate) fn into_vec(self) -> Vec<Word> {
        self.words
    }
}
