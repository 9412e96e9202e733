//! Widths of the standard 14 fonts, which a PDF may use without stating them (ISO 32000-1 §9.6.2.2).
//!
//! Only gaps between words depend on them, so the regular faces stand for bold and oblique ones, and
//! characters beyond ASCII take the width of a typical letter.

/// Widths of Helvetica's characters from U+0020 to U+007E (Adobe Core 14 AFM).
const HELVETICA: [u16; 95] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556,
    556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667,
    611, 778, 722, 278, 500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667,
    667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500,
    222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
];

/// Widths of Times-Roman's characters from U+0020 to U+007E (Adobe Core 14 AFM).
const TIMES: [u16; 95] = [
    250, 333, 408, 500, 500, 833, 778, 180, 333, 333, 500, 564, 250, 333, 250, 278, 500, 500, 500,
    500, 500, 500, 500, 500, 500, 500, 278, 278, 564, 564, 564, 444, 921, 722, 667, 667, 722, 611,
    556, 722, 722, 333, 389, 722, 611, 889, 722, 722, 556, 722, 667, 556, 611, 722, 722, 944, 722,
    722, 611, 333, 278, 333, 469, 500, 333, 444, 500, 444, 500, 444, 333, 500, 500, 278, 278, 500,
    278, 778, 500, 500, 500, 500, 333, 389, 278, 500, 500, 722, 500, 500, 444, 480, 200, 480, 541,
];

/// Width of `char` in the standard font that `base_font` names or resembles, in thousandths.
pub(crate) fn standard_width(base_font: &[u8], char: Option<char>) -> f64 {
    let contains = |part: &[u8]| memchr::memmem::find(base_font, part).is_some();
    if contains(b"Courier") || contains(b"Mono") {
        return 600.0;
    }
    let serif = contains(b"Times") || contains(b"Serif") || contains(b"Roman");
    let (table, other) = if serif { (&TIMES, 500) } else { (&HELVETICA, 556) };
    let index = char.and_then(|char| (char as usize).checked_sub(0x20));
    f64::from(index.and_then(|index| table.get(index)).copied().unwrap_or(other))
}
