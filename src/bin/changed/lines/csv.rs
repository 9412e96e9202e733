use csv_core::{ReadRecordResult, Reader, ReaderBuilder};
use records::Malformed;

use super::{Taken, names, record};
use crate::value::cell;

/// Longest row in bytes: a quote that is never closed would take the rest of the input.
const MAX_ROW: usize = 1 << 20;

/// Rows of a table, with a header or given names. Quoted cells may have line ends in them. A header
/// that comes again is left out, as where files follow each other.
pub(crate) struct Csv {
    delimiter: u8,
    names: Vec<String>,
    header: String,
    /// Lines of a row that is not complete.
    part: String,
}

impl Csv {
    pub(crate) fn new(delimiter: u8, given: Vec<String>, header: &str) -> Self {
        let mut csv = Self { delimiter, names: given, header: String::new(), part: String::new() };
        if csv.names.is_empty()
            && !header.is_empty()
            && let Some(cells) = csv.cells(header)
        {
            csv.names = names(cells.into_iter());
            header.clone_into(&mut csv.header);
        }
        csv
    }

    pub(super) fn take(&mut self, line: &str) -> Result<Taken, Malformed> {
        let row = if self.part.is_empty() {
            // The mark that some programs put before a table.
            line.trim_start_matches('\u{feff}').to_owned()
        } else {
            let mut row = std::mem::take(&mut self.part);
            row.push('\n');
            row.push_str(line);
            row
        };
        if row.is_empty() {
            return Ok(Taken::Nothing);
        }
        let Some(cells) = self.cells(&row) else {
            if row.len() > MAX_ROW {
                let reason = format!("a quote is not closed within {MAX_ROW} bytes");
                return Err(Malformed::json(reason));
            }
            self.part = row;
            return Ok(Taken::Part);
        };
        if self.names.is_empty() || row == self.header {
            self.names = names(cells.into_iter());
            self.header.clone_from(&row);
            return Ok(Taken::Header(row));
        }
        let (count, wanted) = (cells.len(), self.names.len());
        if count != wanted {
            let reason = format!("the line has {count} cells, the header {wanted}");
            return Err(Malformed::json(reason));
        }
        record(self.names.iter().zip(cells).map(|(name, text)| {
            let mut value = String::new();
            cell(&text, &mut value);
            (name.as_str(), value)
        }))
    }

    pub(super) fn rest(&mut self) -> Option<String> {
        Some(std::mem::take(&mut self.part)).filter(|part| !part.is_empty())
    }

    /// The cells of a row; none while a quote is open.
    fn cells(&self, row: &str) -> Option<Vec<String>> {
        let mut reader: Reader = ReaderBuilder::new().delimiter(self.delimiter).build();
        // Quotes make a row longer, never shorter; a cell has at least its delimiter.
        let mut output = vec![0; row.len() + 1];
        let mut ends = vec![0; row.len() + 2];
        let (result, _, written, count) =
            reader.read_record(row.as_bytes(), &mut output, &mut ends);
        let (mut written, mut count) = (written, count);
        if !matches!(result, ReadRecordResult::Record) {
            // With a line end a row is complete, unless a quote is open.
            let (result, _, more, cells) =
                reader.read_record(b"\n", &mut output[written..], &mut ends[count..]);
            if !matches!(result, ReadRecordResult::Record) {
                return None;
            }
            written += more;
            count += cells;
        }
        let text = str::from_utf8(&output[..written]).ok()?;
        let mut start = 0;
        let cells = ends[..count].iter().map(|end| {
            let cell = text.get(start..*end).unwrap_or_default().to_owned();
            start = *end;
            cell
        });
        Some(cells.collect())
    }
}
