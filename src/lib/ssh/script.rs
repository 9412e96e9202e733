use std::fmt::Write as _;

use crate::SshError;

/// A text as one word for `sh`, whatever is in it.
#[must_use]
pub fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A command for a far-away `sh`, which reads it from its standard input.
///
/// The command line that sshd hands to the login shell is only `sh`: nothing that fish, csh or a
/// restricted shell could take for something else. The script is one compound command, so that
/// the shell has read all of it before it does anything; when its mark comes back, what is sent
/// next is read by the command alone.
#[derive(Clone, Debug)]
pub struct Script {
    text: String,
    mark: String,
}

impl Script {
    /// What the login shell is asked to run.
    pub const SHELL: &'static str = "sh";

    /// Runs the lines of `setup`, then `command` in place of the shell.
    ///
    /// # Errors
    /// [`SshError::Refused`] for a NUL in a word, or a system without random numbers.
    pub fn new(setup: &[String], command: &[String]) -> Result<Self, SshError> {
        let mut script = Self::unmarked()?;
        let words: Vec<String> = command.iter().map(|word| quote(word)).collect();
        let mut text = String::from("{ ");
        for line in setup {
            text.push_str(line);
            text.push('\n');
        }
        // The number of the process: exec keeps it, so that it is the command's.
        let _ = writeln!(text, "printf '\\n%s %s\\n' {} \"$$\"", quote(&script.mark));
        let _ = write!(text, "exec {}\n}}\n", words.join(" "));
        if text.contains('\0') {
            return Err(SshError::Refused("a command has no NUL".into()));
        }
        script.text = text;
        Ok(script)
    }

    fn unmarked() -> Result<Self, SshError> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes)
            .map_err(|e| SshError::Refused(format!("no random numbers: {e}")))?;
        let mark = bytes.iter().fold(String::from("headwater-"), |mut s, b| {
            let _ = write!(s, "{b:02x}");
            s
        });
        Ok(Self { text: String::new(), mark })
    }

    /// The script.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The number of the command's process, when `line` is the mark.
    #[must_use]
    pub fn started(&self, line: &[u8]) -> Option<u32> {
        let line = std::str::from_utf8(line).ok()?.trim_end();
        line.strip_prefix(self.mark.as_str())?.trim_start().parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    use super::*;
    use proptest::prelude::*;

    /// What `sh` prints after the mark.
    fn run(script: &Script) -> String {
        let mut child = Command::new(Script::SHELL)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(script.text().as_bytes()).unwrap();
        let out = child.wait_with_output().unwrap();
        let text = String::from_utf8(out.stdout).unwrap();
        let mut rest = text.as_str();
        while let Some((line, after)) = rest.split_once('\n') {
            rest = after;
            if script.started(line.as_bytes()).is_some() {
                return rest.to_owned();
            }
        }
        panic!("no mark in {text:?}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn every_word_arrives_as_it_was(words in prop::collection::vec("[^\0]{0,20}", 1..5)) {
            let mut command = vec!["printf".to_owned(), "%s|".to_owned()];
            command.extend(words.iter().cloned());
            let expected: String = words.iter().map(|w| format!("{w}|")).collect();
            prop_assert_eq!(run(&Script::new(&[], &command).unwrap()), expected);
        }
    }

    #[test]
    fn setup_comes_first_and_a_mark_is_hard_to_guess() {
        let command = ["sh", "-c", "echo \"$A\""].map(str::to_owned);
        let script = Script::new(&["A=1; export A".into()], &command).unwrap();
        assert_eq!(run(&script), "1\n");
        assert!(script.started(b"headwater-0 12").is_none());
        assert!(Script::new(&[], &["a\0b".into()]).is_err());
    }
}
