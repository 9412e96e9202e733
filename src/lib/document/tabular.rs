//! Tables of text: values with commas, semicolons, bars or tabs between them (RFC 4180).

use csv_core::{ReadFieldResult, ReaderBuilder};

use crate::document::Table;

/// Lines that show what stands between values.
const SHOWN: usize = 20;

/// The rows of `text`, at most `most` cells of them, and whether some were left out; `tabs` where
/// tabs are known to stand between values.
pub(crate) fn table(text: &str, tabs: bool, most: usize) -> (Table, bool) {
    let delimiter = if tabs { b'\t' } else { delimiter(text) };
    let mut reader = ReaderBuilder::new().delimiter(delimiter).build();
    let mut rows = Vec::new();
    let (mut row, mut cell, mut cells) = (Vec::new(), Vec::new(), 0);
    let (mut rest, mut buffer) = (text.as_bytes(), [0; 4096]);
    let mut cut = false;
    loop {
        let (result, read, written) = reader.read_field(rest, &mut buffer);
        rest = &rest[read..];
        cell.extend_from_slice(&buffer[..written]);
        match result {
            ReadFieldResult::OutputFull | ReadFieldResult::InputEmpty => {}
            ReadFieldResult::Field { record_end } => {
                if cells == most {
                    cut = true;
                    break;
                }
                cells += 1;
                row.push(String::from_utf8_lossy(&std::mem::take(&mut cell)).into_owned());
                if record_end {
                    rows.push(std::mem::take(&mut row));
                }
            }
            ReadFieldResult::End => break,
        }
    }
    if !row.is_empty() {
        rows.push(row);
    }
    (Table { start: 0, end: text.len(), rows }, cut)
}

/// What stands between values: what every one of the first lines has as often as the first one.
fn delimiter(text: &str) -> u8 {
    let count = |line: &str, delimiter: u8| {
        let mut quoted = false;
        let mut outside = |b: &u8| {
            quoted ^= *b == b'"';
            !quoted && *b == delimiter
        };
        line.as_bytes().iter().filter(|b| outside(b)).count()
    };
    let score = |delimiter: &u8| {
        let mut lines = text.lines().filter(|line| !line.trim().is_empty()).take(SHOWN);
        let first = lines.next().map_or(0, |line| count(line, *delimiter));
        let same = lines.filter(|line| count(line, *delimiter) == first).count();
        (first > 0, same, first)
    };
    // Of equals the last one wins: the comma.
    [b'|', b'\t', b';', b','].into_iter().max_by_key(score).unwrap_or(b',')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Vec<Vec<String>> {
        table(text, false, 100).0.rows
    }

    #[test]
    fn the_delimiter_is_found() {
        assert_eq!(rows("a,b\n\"x;y;z\",2\n"), [["a", "b"], ["x;y;z", "2"]]);
        assert_eq!(rows("a;b\n1,5;2,5\n"), [["a", "b"], ["1,5", "2,5"]]);
        assert_eq!(rows("a\tb\n1\t2"), [["a", "b"], ["1", "2"]]);
        assert_eq!(rows("one\ntwo\n"), [["one"], ["two"]]);
        assert_eq!(rows("\"a \"\"b\"\"\n c\",d"), [["a \"b\"\n c", "d"]]);
    }

    #[test]
    fn cells_have_a_limit() {
        let (table, cut) = table("a,b,c\nd,e,f\n", false, 4);
        assert_eq!((table.rows.len(), cut), (2, true));
    }

    proptest::proptest! {
        #![proptest_config(proptest::test_runner::Config { failure_persistence: None, ..Default::default() })]

        #[test]
        fn any_text_ends(text in "[a,;|\t\"\n é]{0,60}") {
            let (table, _) = table(&text, false, 1_000);
            proptest::prop_assert!(table.rows.iter().all(|row| !row.is_empty()));
        }
    }
}
