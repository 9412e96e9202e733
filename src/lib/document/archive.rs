//! Archives of files: ZIP (PKWARE's APPNOTE) and tar (POSIX ustar and pax, GNU).
//!
//! Members are read one after the other, as a stream; their names are only names.

use std::borrow::Cow;
use std::io::{Read, Seek};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use zip::ZipArchive;

use crate::document::{Child, Document};
use crate::error::ExtractError;
use crate::limits::{Budget, Limits};
use crate::office;
use crate::sniff::Format;

/// What the archiver of a Mac adds of its own.
const OF_THE_ARCHIVER: &str = "__MACOSX/";

/// A file in an archive.
#[derive(Debug)]
pub struct Member {
    /// Its path inside the archive: untrusted, not a path to open.
    pub name: String,
    /// Its bytes, or why they cannot be had.
    pub content: Result<Vec<u8>, ExtractError>,
}

/// What all members of an archive, and of those inside it, may still expand to.
#[derive(Debug)]
pub struct Allowance {
    left: Arc<AtomicU64>,
    total: u64,
    /// Bytes of one member.
    member: u64,
    members: usize,
}

impl Allowance {
    /// The allowance of one input.
    pub fn new(limits: &Limits) -> Self {
        Self::of(limits.max_unpacked, Arc::new(AtomicU64::new(limits.max_unpacked)), limits)
    }

    fn of(total: u64, left: Arc<AtomicU64>, limits: &Limits) -> Self {
        Self { left, total, member: limits.max_bytes, members: limits.max_objects }
    }

    /// Reads one member.
    ///
    /// # Errors
    /// [`ExtractError::TooLarge`] when the archive as a whole has expanded to too much.
    fn read(&mut self, source: impl Read) -> Result<Result<Vec<u8>, ExtractError>, ExtractError> {
        let left = self.left.load(Relaxed);
        let room = self.member.min(left);
        let mut bytes = Vec::new();
        let read = source.take(room.saturating_add(1)).read_to_end(&mut bytes);
        let length = bytes.len() as u64;
        self.left.store(left.saturating_sub(length), Relaxed);
        if length > room {
            let (member, total) = (self.member, self.total);
            return if room == left {
                Err(ExtractError::TooLarge { what: "bytes in an archive", limit: total })
            } else {
                Ok(Err(ExtractError::TooLarge { what: "bytes", limit: member }))
            };
        }
        Ok(read.map(|_| bytes).map_err(ExtractError::corrupt))
    }

    fn count(&mut self) -> Result<(), ExtractError> {
        match self.members.checked_sub(1) {
            Some(left) => self.members = left,
            None => {
                return Err(ExtractError::TooLarge { what: "members", limit: self.members as u64 });
            }
        }
        Ok(())
    }
}

/// Whether the ZIP file `bytes` holds files, rather than being a document.
///
/// # Errors
/// [`ExtractError::Corrupt`] when it cannot be read as a ZIP file, [`ExtractError::TooLarge`].
pub fn is_of_files(bytes: &[u8], limits: &Limits) -> Result<bool, ExtractError> {
    let budget = Budget::start(limits);
    let mut package = office::open(bytes, &budget)?;
    Ok(office::kind(&mut package, &budget).is_none())
}

/// Hands the files of a ZIP file to `each`, until it breaks.
///
/// # Errors
/// [`ExtractError::Corrupt`] when its directory cannot be read, [`ExtractError::TooLarge`] when the
/// allowance is spent, [`ExtractError::NoMembers`].
pub fn zip<R: Read + Seek>(
    source: R,
    allowance: &mut Allowance,
    each: &mut dyn FnMut(&mut Allowance, Member) -> ControlFlow<()>,
) -> Result<(), ExtractError> {
    let mut archive = ZipArchive::new(source).map_err(ExtractError::corrupt)?;
    let mut any = false;
    for index in 0..archive.len() {
        allowance.count()?;
        let name = match archive.by_index_raw(index) {
            Ok(raw) if !raw.is_file() => continue,
            Ok(raw) => raw.name().map(Cow::into_owned),
            Err(error) => Err(error),
        };
        let name = name.unwrap_or_else(|_| format!("member {}", index + 1));
        if name.starts_with(OF_THE_ARCHIVER) {
            continue;
        }
        any = true;
        let content = match archive.by_index(index) {
            Ok(member) => allowance.read(member)?,
            Err(error) => Err(office::damage(error)),
        };
        if each(allowance, Member { name, content }).is_break() {
            break;
        }
    }
    if any { Ok(()) } else { Err(ExtractError::NoMembers) }
}

/// Hands the files of a tape archive to `each`, until it breaks.
///
/// # Errors
/// [`ExtractError::Corrupt`] where it cannot be read any further, and as [`zip`].
pub fn tar<R: Read>(
    source: R,
    allowance: &mut Allowance,
    each: &mut dyn FnMut(&mut Allowance, Member) -> ControlFlow<()>,
) -> Result<(), ExtractError> {
    let mut archive = tar::Archive::new(source);
    let mut any = false;
    for member in archive.entries().map_err(unreadable)? {
        allowance.count()?;
        let member = member.map_err(unreadable)?;
        if !member.header().entry_type().is_file() {
            continue;
        }
        any = true;
        let name = String::from_utf8_lossy(&member.path_bytes()).into_owned();
        let size = member.size();
        let content = allowance.read(member)?;
        let content = match content {
            Ok(bytes) if (bytes.len() as u64) < size => {
                Err(ExtractError::corrupt("the archive ends inside it"))
            }
            content => content,
        };
        if each(allowance, Member { name, content }).is_break() {
            break;
        }
    }
    if any { Ok(()) } else { Err(ExtractError::NoMembers) }
}

fn unreadable(error: std::io::Error) -> ExtractError {
    match error.kind() {
        // Of the source, not of what it says.
        std::io::ErrorKind::TimedOut | std::io::ErrorKind::ConnectionAborted => error.into(),
        std::io::ErrorKind::FileTooLarge => ExtractError::Io(error),
        _ => ExtractError::corrupt(error),
    }
}

/// An archive inside a document, as a whole.
pub(crate) fn children(
    bytes: &[u8],
    format: Format,
    budget: &Budget,
) -> Result<Document, ExtractError> {
    let mime = if format == Format::Zip { "application/zip" } else { "application/x-tar" };
    let mut document = Document { mime, ..Document::default() };
    let (children, truncated) = (&mut document.children, &mut document.truncated);
    let mut over = Ok(());
    let mut each = |_: &mut Allowance, member: Member| {
        over = budget.check_time();
        if over.is_err() || children.len() == budget.limits.max_children {
            *truncated = true;
            return ControlFlow::Break(());
        }
        children.push(child(member, &budget.child()));
        ControlFlow::Continue(())
    };
    let total = budget.limits.max_bytes;
    let mut allowance = Allowance::of(total, Arc::clone(&budget.unpacked), &budget.limits);
    match format {
        Format::Zip => zip(std::io::Cursor::new(bytes), &mut allowance, &mut each)?,
        _ => tar(bytes, &mut allowance, &mut each)?,
    }
    over?;
    Ok(document)
}

fn child(member: Member, budget: &Budget) -> Child {
    let Member { name, content } = member;
    let (id, bytes, outcome) = match content {
        Ok(bytes) => {
            let outcome = crate::extract_within(&bytes, Some(Path::new(&name)), budget);
            (records::content_id(&bytes), bytes.len(), outcome)
        }
        Err(error) => (records::content_id(name.as_bytes()), 0, Err(error)),
    };
    Child { id, name: Some(name), declared_mime: None, bytes, outcome }
}
