//! Lines of Arabic and Hebrew, from the order on the page to the order of reading.

use unicode_normalization::UnicodeNormalization;

/// `line` is in visual order, left to right; so is the result, unless the line has right-to-left text.
pub(crate) fn to_logical(line: String) -> String {
    if !line.chars().any(is_rtl) {
        return line;
    }
    let strong =
        |rtl: bool| line.chars().filter(|c| c.is_alphabetic() && is_rtl(*c) == rtl).count();
    let rtl_line = strong(true) >= strong(false);
    // Words that run the same way, each run in the order of reading.
    let mut runs: Vec<(bool, Vec<String>)> = Vec::new();
    for word in line.split(' ').filter(|word| !word.is_empty()) {
        let rtl = word.chars().any(is_rtl);
        let word = if rtl { reversed(word) } else { word.to_owned() };
        match runs.last_mut() {
            Some((last, words)) if *last == rtl => words.push(word),
            _ => runs.push((rtl, vec![word])),
        }
    }
    for (_, words) in runs.iter_mut().filter(|(rtl, _)| *rtl) {
        words.reverse();
    }
    if rtl_line {
        runs.reverse();
    }
    let words: Vec<String> = runs.into_iter().flat_map(|(_, words)| words).collect();
    words.join(" ").chars().flat_map(without_presentation).collect()
}

/// A word's characters the other way round; digits within keep their order, brackets face each other.
fn reversed(word: &str) -> String {
    let mut out = String::with_capacity(word.len());
    let mut digits: Vec<char> = Vec::new();
    for char in word.chars().rev() {
        if char.is_numeric() || (matches!(char, '.' | ',' | '/') && !digits.is_empty()) {
            digits.push(char);
            continue;
        }
        out.extend(digits.drain(..).rev());
        out.push(match char {
            '(' => ')',
            ')' => '(',
            '[' => ']',
            ']' => '[',
            '«' => '»',
            '»' => '«',
            other => other,
        });
    }
    out.extend(digits.drain(..).rev());
    out
}

/// Letters in place of their presentation forms (U+FB1D to U+FDFF, U+FE70 to U+FEFE).
fn without_presentation(char: char) -> impl Iterator<Item = char> {
    let form = matches!(char, '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefe}');
    let (plain, letters) = if form { (None, Some(char)) } else { (Some(char), None) };
    plain.into_iter().chain(letters.into_iter().nfkc())
}

fn is_rtl(char: char) -> bool {
    matches!(char, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefe}')
}

#[cfg(test)]
mod tests {
    use super::to_logical;

    #[test]
    fn left_to_right_lines_stay() {
        assert_eq!(to_logical("as it is (1)".to_owned()), "as it is (1)");
    }

    #[test]
    fn visual_hebrew_is_turned() {
        assert_eq!(to_logical("םלוע םולש".to_owned()), "שלום עולם");
        assert_eq!(to_logical("2024 תנש םולש ab".to_owned()), "ab שלום שנת 2024");
        assert_eq!(to_logical("ab cd 2024 תנש".to_owned()), "ab cd 2024 שנת");
    }

    #[test]
    fn presentation_forms_become_letters() {
        assert_eq!(to_logical("\u{fe8e}\u{fee3}".to_owned()), "ما");
    }
}
