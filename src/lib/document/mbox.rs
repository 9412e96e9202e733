//! Mailboxes (RFC 4155, `mboxrd`): one mail after the other, read as a stream.

use std::io::{BufRead, Read};

use crate::error::ExtractError;

/// The mails of a mailbox, each as its bytes without the `From ` line.
///
/// A mail starts at a `From ` line at the very start or after an empty line. Lines `>From `, with any
/// number of `>`, lose one.
#[derive(Debug)]
pub struct Messages<R> {
    reader: R,
    /// Bytes of one mail; a longer one is an error and skipped.
    max_bytes: u64,
    line: Vec<u8>,
    started: bool,
    ended: bool,
}

impl<R: BufRead> Messages<R> {
    /// Reads mails of at most `max_bytes` each from `reader`.
    pub fn new(reader: R, max_bytes: u64) -> Self {
        Self { reader, max_bytes, line: Vec::new(), started: false, ended: false }
    }

    /// Reads one line, or as much of it as the limit allows, into `self.line`; false at the end.
    fn next_line(&mut self) -> std::io::Result<bool> {
        self.line.clear();
        let limit = self.max_bytes.saturating_add(2);
        let read = (&mut self.reader).take(limit).read_until(b'\n', &mut self.line)?;
        Ok(read > 0)
    }

    fn next_mail(&mut self) -> Result<Option<Vec<u8>>, ExtractError> {
        let mut mail = Vec::new();
        let (mut after_empty, mut over, mut any) = (!self.started, false, self.started);
        while self.next_line()? {
            if after_empty && self.line.starts_with(b"From ") {
                after_empty = false;
                if std::mem::replace(&mut self.started, true) && any {
                    return self.finish(mail, over).map(Some);
                }
                any = true;
                continue;
            }
            any = true;
            self.started = true;
            after_empty = matches!(self.line.as_slice(), b"\n" | b"\r\n");
            let quotes = self.line.iter().take_while(|byte| **byte == b'>').count();
            let quoted = quotes > 0 && self.line[quotes..].starts_with(b"From ");
            let line = &self.line[usize::from(quoted)..];
            over |= (mail.len() + line.len()) as u64 > self.max_bytes;
            if !over {
                mail.extend_from_slice(line);
            }
        }
        self.ended = true;
        if any { self.finish(mail, over).map(Some) } else { Ok(None) }
    }

    fn finish(&self, mail: Vec<u8>, over: bool) -> Result<Vec<u8>, ExtractError> {
        if over {
            return Err(ExtractError::TooLarge { what: "bytes", limit: self.max_bytes });
        }
        Ok(mail)
    }
}

impl<R: BufRead> Iterator for Messages<R> {
    type Item = Result<Vec<u8>, ExtractError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let mail = self.next_mail().transpose();
        if let Some(Err(ExtractError::Io(_))) = mail {
            self.ended = true;
        }
        mail
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(source: &str, max: u64) -> Vec<Option<String>> {
        let mails = Messages::new(source.as_bytes(), max);
        mails.map(|mail| mail.ok().map(|m| String::from_utf8_lossy(&m).into_owned())).collect()
    }

    #[test]
    fn mails_are_split_and_quotes_undone() {
        let source = "From a@b Mon\nSubject: 1\n\nText\n>From here\nFrom there\n\nFrom c@d Tue\nSubject: 2\n\n>>From x\n";
        let expected = [
            Some("Subject: 1\n\nText\nFrom here\nFrom there\n\n".to_owned()),
            Some("Subject: 2\n\n>From x\n".to_owned()),
        ];
        assert_eq!(split(source, 1_000), expected);
    }

    #[test]
    fn a_mail_over_the_limit_is_an_error_and_the_rest_goes_on() {
        let source = format!("From a\nS: 1\n\n{}\n\nFrom b\nS: 2\n\nok\n", "x".repeat(500));
        assert_eq!(split(&source, 50), [None, Some("S: 2\n\nok\n".to_owned())]);
    }

    #[test]
    fn nothing_gives_nothing() {
        assert!(split("", 10).is_empty());
    }

    proptest::proptest! {
        // A file beside the crates would be taken for a member of the workspace.
        #![proptest_config(proptest::test_runner::Config { failure_persistence: None, ..Default::default() })]

        #[test]
        fn mails_come_back(bodies in proptest::collection::vec("[a-z>F \n]{0,40}", 1..6)) {
            let quoted = |body: &str| body.lines().map(|l| {
                if l.trim_start_matches('>').starts_with("From ") { format!(">{l}\n") } else { format!("{l}\n") }
            }).collect::<String>();
            let source: String = bodies.iter().map(|b| format!("From x\nS: y\n\n{}\n", quoted(b))).collect();
            proptest::prop_assert_eq!(split(&source, 10_000).len(), bodies.len());
        }
    }
}
