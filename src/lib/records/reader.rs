use std::io::{self, Read};

/// Longest line by default, in bytes.
pub const MAX_LINE: usize = 64 << 20;

/// Bytes asked for in one read.
const CHUNK: usize = 64 * 1024;

/// One line of input, without its end.
#[derive(Debug, PartialEq, Eq)]
pub enum Line<'a> {
    /// A line within the limit.
    Whole(&'a [u8]),
    /// A longer line: its start, and its length. The rest was read past, not kept.
    TooLong {
        /// The first bytes of the line, up to the limit or 64 KiB, whichever is less.
        start: &'a [u8],
        /// Length of the whole line in bytes.
        bytes: u64,
    },
}

/// Lines of an input, with memory bounded by the longest line allowed.
///
/// ```text
/// |---- read already ----|---- lines waiting ----|-- part of a line --|
///                        start                   complete             end
/// ```
pub struct LineReader<R> {
    inner: R,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Bytes after `start` known to hold no delimiter.
    searched: usize,
    delimiter: u8,
    max_line: usize,
    number: u64,
    /// Bytes read from `inner`.
    total: u64,
    eof: bool,
}

impl<R: Read> LineReader<R> {
    /// Lines ended by `\n`, of at most `max_line` bytes.
    pub fn new(inner: R, max_line: usize) -> Self {
        Self::with_delimiter(inner, max_line, b'\n')
    }

    /// Lines ended by `delimiter` (`\0` for `find -print0`).
    pub fn with_delimiter(inner: R, max_line: usize, delimiter: u8) -> Self {
        Self {
            inner,
            buffer: vec![0; CHUNK],
            start: 0,
            end: 0,
            searched: 0,
            delimiter,
            max_line,
            number: 0,
            total: 0,
            eof: false,
        }
    }

    /// Number of the line given last, from 1.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Bytes of the input up to the end of the line given last, its delimiter included.
    pub fn consumed(&self) -> u64 {
        self.total - (self.end - self.start) as u64
    }

    /// The input that is read from.
    pub fn get_ref(&self) -> &R {
        &self.inner
    }

    /// Whether the next [`LineReader::next_line`] returns without reading.
    pub fn has_complete_line(&mut self) -> bool {
        self.find_end().is_some() || (self.eof && self.start == self.end)
    }

    fn find_end(&mut self) -> Option<usize> {
        let from = self.start + self.searched;
        let found = memchr::memchr(self.delimiter, &self.buffer[from..self.end]);
        self.searched = found.map_or(self.end - self.start, |at| at + from - self.start);
        found.map(|at| from + at)
    }

    /// The next line, or `None` at the end.
    ///
    /// # Errors
    /// Those of reading; [`io::ErrorKind::Interrupted`] and [`io::ErrorKind::WouldBlock`] are passed
    /// on, and the reader can go on.
    pub fn next_line(&mut self) -> io::Result<Option<Line<'_>>> {
        loop {
            if let Some(at) = self.find_end() {
                let line = self.start..at;
                self.start = at + 1;
                self.searched = 0;
                self.number += 1;
                if line.len() > self.max_line {
                    let kept = line.start..line.start + self.max_line.min(CHUNK);
                    let bytes = line.len() as u64;
                    return Ok(Some(Line::TooLong { start: &self.buffer[kept], bytes }));
                }
                return Ok(Some(Line::Whole(trim_cr(&self.buffer[line], self.delimiter))));
            }
            if self.end - self.start > self.max_line {
                return self.skip_long_line().map(Some);
            }
            if self.eof {
                if self.start == self.end {
                    return Ok(None);
                }
                let line = self.start..self.end;
                self.start = self.end;
                self.searched = 0;
                self.number += 1;
                return Ok(Some(Line::Whole(trim_cr(&self.buffer[line], self.delimiter))));
            }
            self.fill()?;
        }
    }

    fn fill(&mut self) -> io::Result<()> {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.buffer.len() - self.end < CHUNK / 2 {
            self.buffer.resize((self.buffer.len() * 2).max(CHUNK), 0);
        }
        let n = self.inner.read(&mut self.buffer[self.end..])?;
        self.end += n;
        self.total += n as u64;
        self.eof = n == 0;
        Ok(())
    }

    /// Reads past the rest of a line over the limit, keeping its start.
    fn skip_long_line(&mut self) -> io::Result<Line<'_>> {
        let mut kept = self.buffer[self.start..self.start + self.max_line.min(CHUNK)].to_vec();
        let mut bytes = (self.end - self.start) as u64;
        self.start = 0;
        self.end = 0;
        self.searched = 0;
        self.buffer.truncate(CHUNK);
        self.buffer.shrink_to_fit();
        loop {
            let n = match self.inner.read(&mut self.buffer[..]) {
                Err(e) if is_passing(&e) => continue,
                other => other?,
            };
            self.total += n as u64;
            if let Some(at) = memchr::memchr(self.delimiter, &self.buffer[..n]) {
                bytes += at as u64;
                // The start is put where the next fill does not need it: behind what is read.
                let rest = self.buffer[at + 1..n].to_vec();
                let offset = kept.len();
                kept.extend_from_slice(&rest);
                self.end = kept.len();
                self.start = offset;
                self.buffer = kept;
                break;
            }
            bytes += n as u64;
            if n == 0 {
                self.eof = true;
                self.start = kept.len();
                self.end = kept.len();
                self.buffer = kept;
                break;
            }
        }
        self.number += 1;
        Ok(Line::TooLong { start: &self.buffer[..self.start], bytes })
    }
}

/// Whether a read may be tried again at once. What is known of a long line would be lost by going
/// back to the caller.
fn is_passing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock)
}

fn trim_cr(line: &[u8], delimiter: u8) -> &[u8] {
    match line {
        [rest @ .., b'\r'] if delimiter == b'\n' => rest,
        _ => line,
    }
}
