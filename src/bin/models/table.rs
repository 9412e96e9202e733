/// A table for a terminal: columns as wide as they need to be, the last one cut at the edge.
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
    right: &'static [usize],
}

/// Least width of the last column.
const LEAST: usize = 12;

impl Table {
    /// A table with these titles; the columns numbered in `right` are aligned to the right.
    pub(crate) fn new(titles: &[&str], right: &'static [usize]) -> Self {
        Self { rows: vec![titles.iter().map(ToString::to_string).collect()], right }
    }

    pub(crate) fn push(&mut self, cells: Vec<String>) {
        // A cell is one line, whatever is in it.
        self.rows.push(cells.into_iter().map(|c| c.replace(['\n', '\t'], " ")).collect());
    }

    /// The lines, cut to `width` characters where there is one.
    pub(crate) fn lines(&self, width: Option<usize>) -> Vec<String> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let widest = |i: usize| {
            self.rows.iter().filter_map(|r| r.get(i)).map(|c| c.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(widest).collect();
        self.rows.iter().map(|row| self.line(row, &widths, width)).collect()
    }

    fn line(&self, row: &[String], widths: &[usize], width: Option<usize>) -> String {
        let mut line = String::new();
        for (i, (cell, &wide)) in row.iter().zip(widths).enumerate() {
            if i > 0 {
                line.push_str("  ");
            }
            if i + 1 == widths.len() {
                let used = line.chars().count();
                let room = width.map_or(usize::MAX, |w| w.saturating_sub(used).max(LEAST));
                line.push_str(&cut(cell, room));
            } else if self.right.contains(&i) {
                line.push_str(&format!("{cell:>wide$}"));
            } else {
                line.push_str(&format!("{cell:<wide$}"));
            }
        }
        line.trim_end().to_owned()
    }
}

fn cut(text: &str, room: usize) -> String {
    if text.chars().count() <= room {
        return text.to_owned();
    }
    let kept: String = text.chars().take(room.saturating_sub(1)).collect();
    format!("{}\u{2026}", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use super::Table;

    #[test]
    fn columns_are_aligned_and_the_last_is_cut() {
        let mut table = Table::new(&["NAME", "SIZE", "NOTES"], &[1]);
        table.push(vec!["a".into(), "1.0 kB".into(), "a long note about it".into()]);
        table.push(vec!["longer".into(), "9 B".into(), "two\nlines".into()]);
        assert_eq!(
            table.lines(Some(30)),
            [
                "NAME      SIZE  NOTES",
                "a       1.0 kB  a long note a\u{2026}",
                "longer     9 B  two lines"
            ]
        );
        assert!(table.lines(Some(1))[1].ends_with("a long note\u{2026}"));
        assert!(table.lines(None)[1].ends_with("about it"));
    }
}
