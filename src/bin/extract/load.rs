//! The bytes of a document. Mailboxes and tape archives are not read whole: they may be larger than
//! memory. What is compressed is unpacked on the way.

use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};

use cli::{InputFile, Origin, Stdin};
use document::sniff::{Format, sniff};
use document::{ExtractError, archive, unpack};
use records::{Code, ContentHasher, Failure};

use crate::plan::Plan;

/// What of a file is looked at to tell what it is.
const HEAD: u64 = 8192;

/// Compressed files inside each other.
const MAX_LAYERS: usize = 4;

/// Something to read.
pub(crate) struct Source<'s> {
    pub(crate) from: Box<dyn Read + 's>,
    /// Its name, which helps where the content leaves its kind open.
    pub(crate) name: Option<PathBuf>,
    /// Whether its file can be read once more: not so a pipe.
    pub(crate) again: bool,
}

/// A document to read, or what holds many.
pub(crate) enum Loaded<'s> {
    Whole { bytes: Vec<u8>, name: Option<PathBuf> },
    Mailbox { from: Box<dyn Read + 's>, again: bool },
    Zip { bytes: Vec<u8> },
    Tar { from: Box<dyn Read + 's>, again: bool },
}

/// The document at `path`, or stdin.
pub(crate) fn open(
    origin: Origin,
    path: Option<&Path>,
    plan: &Plan,
) -> Result<Source<'static>, Failure> {
    let (from, again): (Box<dyn Read>, bool) = match (origin, path) {
        (Origin::Stdin, _) | (_, None) => (Box::new(Stdin::new(&plan.stop)), false),
        (_, Some(path)) => {
            let file = InputFile::open(path, plan.timeout, &plan.stop)?;
            let again = file.is_regular();
            (Box::new(file), again)
        }
    };
    Ok(Source { from, name: path.map(Path::to_owned), again })
}

/// Finds out what the source is, and reads it where that is to be read whole.
pub(crate) fn load<'s>(source: Source<'s>, plan: &Plan) -> Result<Loaded<'s>, Failure> {
    let Source { mut from, mut name, again } = source;
    let mut bytes = Vec::new();
    for layer in 0.. {
        bytes.clear();
        from.by_ref().take(HEAD).read_to_end(&mut bytes).map_err(unreadable)?;
        match sniff(&bytes, name.as_deref()) {
            Format::Mbox => return Ok(Loaded::Mailbox { from: with_head(bytes, from), again }),
            Format::Tar => return Ok(Loaded::Tar { from: with_head(bytes, from), again }),
            Format::Compressed(kind) if layer < MAX_LAYERS => {
                let head = std::mem::take(&mut bytes);
                from = unpack::reader(kind, with_head(head, from), plan.limits.max_unpacked);
                name = name.as_deref().map(unpack::inner_name);
            }
            _ => break,
        }
    }
    let limit = plan.limits.max_bytes;
    from.take(limit.saturating_add(1).saturating_sub(HEAD))
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() as u64 > limit {
        return Err(failure(&ExtractError::TooLarge { what: "bytes", limit }));
    }
    if sniff(&bytes, None) == Format::Zip
        && archive::is_of_files(&bytes, &plan.limits).map_err(|e| failure(&e))?
    {
        return Ok(Loaded::Zip { bytes });
    }
    Ok(Loaded::Whole { bytes, name })
}

fn with_head<'s>(head: Vec<u8>, rest: Box<dyn Read + 's>) -> Box<dyn Read + 's> {
    Box::new(Cursor::new(head).chain(rest))
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
        std::io::ErrorKind::FileTooLarge => Code::TooLong,
        _ => Code::Unreadable,
    }
}

/// A parser's error as a record's failure.
pub(crate) fn failure(error: &ExtractError) -> Failure {
    let code = match error {
        ExtractError::Empty
        | ExtractError::NoMembers
        | ExtractError::NoSuchPage { .. }
        | ExtractError::Unsupported { .. } => Code::Unsupported,
        ExtractError::Encrypted => Code::Refused,
        ExtractError::TooLarge { .. } => Code::TooLong,
        ExtractError::Timeout(_) => Code::Timeout,
        ExtractError::Io(error) => code_of(error),
        _ => Code::Unreadable,
    };
    Failure::new(code, error)
}
