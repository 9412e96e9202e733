//! One question to a far-away shell.

use std::io;
use std::time::{Duration, Instant};

use ssh::{Conversation, End, Heard, Order, Script, SshError};

use crate::connection::Connection;

/// How long a shell may take to come up.
const START: Duration = Duration::from_secs(30);

/// Bytes of an answer that are kept.
const ANSWER: usize = 64 << 10;

/// What the far side said.
pub(crate) struct Said {
    /// By the setup, or by the login before it.
    pub(crate) before: String,
    /// By the command.
    pub(crate) after: String,
    /// By either, as messages.
    pub(crate) messages: String,
    pub(crate) end: End,
}

impl Said {
    /// The rest of the line that begins with `key` and a space.
    pub(crate) fn value<'t>(text: &'t str, key: &str) -> Option<&'t str> {
        let mut lines = text.lines().rev();
        lines.find_map(|line| line.strip_prefix(key)?.strip_prefix(' ')).map(str::trim)
    }

    /// What went wrong, for people.
    pub(crate) fn trouble(&self) -> String {
        let last = self.messages.trim().lines().last().unwrap_or_default();
        match (&self.end, last) {
            (End::Lost(reason), _) => reason.clone(),
            (end, "") => format!("{end:?}"),
            (_, said) => said.to_owned(),
        }
    }
}

/// Where the bytes for a command come from: `None` at the end. It is asked once the setup has
/// said what it has to say.
pub(crate) type Feed<'f> = dyn FnMut(&str) -> io::Result<Option<Vec<u8>>> + 'f;

/// Runs `setup`, then `command` with what `feed` gives as its input.
///
/// # Errors
/// [`SshError`] when no shell comes up. What the shell says of the rest is in [`Said`].
pub(crate) fn ask(
    connection: &Connection,
    setup: &[String],
    command: &[&str],
    feed: &mut Feed<'_>,
) -> Result<Said, SshError> {
    let words: Vec<String> = command.iter().map(|word| (*word).to_owned()).collect();
    let script = Script::new(setup, &words)?;
    let mut conversation = Conversation::new(ANSWER)
        .map_err(|e| SshError::Unreachable(format!("cannot talk: {e}")))?;
    let mailbox = conversation.mailbox();
    mailbox.leave(Order::Write(script.text().as_bytes().to_vec()));
    let since = Instant::now();
    let (mut before, mut after, mut messages) = (String::new(), String::new(), String::new());
    let (mut started, mut fed) = (false, false);
    let mut trouble = None;
    let mut pipe = connection.shell()?;
    let mut hear = |heard: Heard<'_>| {
        match heard {
            Heard::Lines(lines) => {
                for line in lines.split_inclusive(|b| *b == b'\n') {
                    started |= script.started(line).is_some();
                    let text = if started { &mut after } else { &mut before };
                    if text.len() < ANSWER {
                        text.push_str(&String::from_utf8_lossy(line));
                    }
                }
            }
            Heard::Message(text) if messages.len() < ANSWER => {
                messages.push_str(text);
                messages.push('\n');
            }
            Heard::Message(_) => {}
            Heard::Silence => return started || since.elapsed() < START,
            Heard::Room => {}
        }
        if started && !fed && matches!(heard, Heard::Room | Heard::Lines(_)) {
            match feed(&before) {
                Ok(Some(bytes)) => mailbox.leave(Order::Write(bytes)),
                Ok(None) => {
                    fed = true;
                    mailbox.leave(Order::Close);
                }
                Err(error) => {
                    trouble = Some(error);
                    return false;
                }
            }
        }
        true
    };
    let end = conversation.run(&mut *pipe, &mut hear);
    match trouble {
        Some(error) => Err(SshError::Refused(error.to_string())),
        None => Ok(Said { before, after, messages, end }),
    }
}

/// No input at all.
pub(crate) fn nothing(_: &str) -> io::Result<Option<Vec<u8>>> {
    Ok(None)
}
