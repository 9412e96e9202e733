use std::fmt;

use serde_json::Value;

/// What a program did.
pub struct Outcome {
    pub(crate) command: String,
    /// The exit status; 128 + n after signal n.
    pub status: i32,
    /// Its standard output.
    pub stdout: Vec<u8>,
    /// Its standard error.
    pub stderr: Vec<u8>,
}

impl Outcome {
    /// Asserts the exit status.
    #[track_caller]
    pub fn code(self, status: i32) -> Self {
        assert_eq!(self.status, status, "exit status\n{self}");
        self
    }

    /// Standard output as text.
    #[track_caller]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.stdout).unwrap_or_else(|e| panic!("stdout: {e}\n{self}"))
    }

    /// Standard error as text.
    pub fn messages(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }

    /// Standard output as records: one JSON object a line, every line ended.
    #[track_caller]
    pub fn records(&self) -> Vec<Value> {
        let text = self.text();
        assert!(text.is_empty() || text.ends_with('\n'), "the last line is not ended\n{self}");
        let parse = |line: &str| match serde_json::from_str(line) {
            Ok(value @ Value::Object(_)) => value,
            other => panic!("not a record ({other:?}): {line}\n{self}"),
        };
        text.lines().map(parse).collect()
    }

    /// The only record.
    #[track_caller]
    pub fn record(&self) -> Value {
        let mut records = self.records();
        assert_eq!(records.len(), 1, "one record\n{self}");
        records.remove(0)
    }

    /// The only record's error code.
    #[track_caller]
    pub fn error_code(&self) -> String {
        let record = self.record();
        record["error"]["code"]
            .as_str()
            .unwrap_or_else(|| panic!("no error code\n{self}"))
            .to_owned()
    }

    /// Asserts that a message contains `text`.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(self.messages().contains(text), "stderr lacks {text:?}\n{self}");
        self
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes);
            text.chars().take(4000).collect::<String>()
        };
        let (out, err) = (part(&self.stdout), part(&self.stderr));
        write!(
            f,
            "$ {}\n--- exit {}\n--- stdout\n{out}\n--- stderr\n{err}",
            self.command, self.status
        )
    }
}
