//! The bytes of a document. A mailbox is not read whole: it may be larger than memory.

use std::io::{Cursor, Read};
use std::path::Path;

use cli::{InputFile, Origin, Stdin};
use document::ExtractError;
use document::sniff::{Format, sniff};
use records::{Code, ContentHasher, Failure};

use crate::plan::Plan;

/// What of a file is looked at to tell whether it is a mailbox.
const HEAD: u64 = 8192;

/// A document to read.
pub(crate) enum Loaded {
    Whole(Vec<u8>),
    Mailbox {
        from: Box<dyn Read>,
        /// Whether its file can be read once more: not so a pipe.
        again: bool,
    },
}

/// The document at `path`, or stdin.
pub(crate) fn load(origin: Origin, path: Option<&Path>, plan: &Plan) -> Result<Loaded, Failure> {
    let (mut source, again): (Box<dyn Read>, bool) = match (origin, path) {
        (Origin::Stdin, _) | (_, None) => (Box::new(Stdin::new(&plan.stop)), false),
        (_, Some(path)) => {
            let file = InputFile::open(path, plan.timeout, &plan.stop)?;
            let again = file.is_regular();
            (Box::new(file), again)
        }
    };
    let mut bytes = Vec::new();
    source.by_ref().take(HEAD).read_to_end(&mut bytes).map_err(unreadable)?;
    if sniff(&bytes, path) == Format::Mbox {
        let from = Box::new(Cursor::new(bytes).chain(source));
        return Ok(Loaded::Mailbox { from, again });
    }
    let limit = plan.limits.max_bytes;
    source
        .take(limit.saturating_add(1).saturating_sub(HEAD))
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() as u64 > limit {
        return Err(failure(&ExtractError::TooLarge { what: "bytes", limit }));
    }
    Ok(Loaded::Whole(bytes))
}

/// The id of a file's content, read from start to end without keeping it.
pub(crate) fn file_id(path: &Path, plan: &Plan) -> Result<String, Failure> {
    let file = InputFile::open(path, plan.timeout, &plan.stop)?;
    ContentHasher::new(file).finish().map_err(unreadable)
}

fn unreadable(error: std::io::Error) -> Failure {
    Failure::new(code_of(&error), error)
}

fn code_of(error: &std::io::Error) -> Code {
    match error.kind() {
        std::io::ErrorKind::TimedOut => Code::Timeout,
        _ => Code::Unreadable,
    }
}

/// A parser's error as a record's failure.
pub(crate) fn failure(error: &ExtractError) -> Failure {
    let code = match error {
        ExtractError::Empty | ExtractError::Unsupported { .. } => Code::Unsupported,
        ExtractError::Encrypted => Code::Refused,
        ExtractError::TooLarge { .. } => Code::TooLong,
        ExtractError::Timeout(_) => Code::Timeout,
        ExtractError::Io(error) => code_of(error),
        _ => Code::Unreadable,
    };
    Failure::new(code, error)
}
