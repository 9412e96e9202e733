use records::Malformed;

use super::{Taken, names, record};
use crate::value::cell;

/// Columns under a header, separated by spaces.
///
/// The first line is the header, as is the first one after a blank line; a line of dashes between
/// words (`procs ---memory---`) stands above one. A header that comes again is left out. The last
/// column takes what is left of a line.
pub(crate) struct Columns {
    names: Vec<String>,
    header: String,
    /// The next line is a header.
    expects: bool,
    /// The names were given.
    fixed: bool,
}

impl Columns {
    pub(crate) fn new(given: Vec<String>, header: &str) -> Self {
        let fixed = !given.is_empty();
        let known = names(header.split_whitespace().map(str::to_owned));
        let names = if fixed { given } else { known };
        Self { expects: names.is_empty(), names, header: header.to_owned(), fixed }
    }

    pub(super) fn take(&mut self, line: &str) -> Result<Taken, Malformed> {
        let count = line.split_whitespace().count();
        if count == 0 {
            self.expects = !self.fixed;
            return Ok(Taken::Nothing);
        }
        let is_above = line.split_whitespace().any(|word| word.contains("--"))
            && !line.contains(|c: char| c.is_ascii_digit());
        if is_above && !self.fixed {
            self.expects = true;
            return Ok(Taken::Nothing);
        }
        if self.expects || (!self.fixed && line == self.header) {
            self.expects = false;
            self.names = names(line.split_whitespace().map(str::to_owned));
            line.clone_into(&mut self.header);
            return Ok(Taken::Header(self.header.clone()));
        }
        if count < self.names.len() {
            let wanted = self.names.len();
            let reason = format!("the line has {count} columns, the header {wanted}");
            return Err(Malformed::json(reason));
        }
        let mut rest = line.trim();
        let last = self.names.len() - 1;
        let cells = self.names.iter().enumerate().map(|(number, name)| {
            let end = rest.find(char::is_whitespace).filter(|_| number < last);
            let (word, after) = rest.split_at(end.unwrap_or(rest.len()));
            rest = after.trim_start();
            let mut value = String::new();
            cell(word, &mut value);
            (name.as_str(), value)
        });
        record(cells)
    }
}
