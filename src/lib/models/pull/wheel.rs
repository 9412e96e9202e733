//! Single files out of a wheel (a zip archive) or a source archive (a gzipped tar).
//!
//! Nothing is unpacked by the archive's own names: each wanted member is streamed into a file
//! whose name is chosen here, and never grows beyond what was expected of it.

use std::fs::File;
use std::io::{BufReader, Read, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use flate2::read::GzDecoder;

use super::{PullError, SourceError};
use crate::store::StoreError;

/// Writes `member` of the wheel to the end of `out`, at most `limit` bytes. Gives the number of
/// bytes; `seen` is told of each piece.
pub(super) fn extract(
    wheel: &Path,
    member: &str,
    out: &mut File,
    limit: u64,
    stop: &AtomicBool,
    seen: &mut dyn FnMut(u64),
) -> Result<u64, SourceError> {
    let file = File::open(wheel).map_err(SourceError::disk(wheel))?;
    if wheel.extension().is_some_and(|e| e == "gz") {
        return from_source(
            file,
            member,
            &mut Sink { path: wheel, member, out, limit, stop, seen },
        );
    }
    let mut archive = zip::ZipArchive::new(BufReader::new(file)).map_err(|e| broken(&e))?;
    let mut inside = archive.by_name(member).map_err(|e| match e {
        zip::result::ZipError::FileNotFound => {
            SourceError::Failed(format!("the package has no '{member}'"))
        }
        other => broken(&other),
    })?;
    if !inside.is_file() {
        return Err(SourceError::Failed(format!("'{member}' of the package is no file")));
    }
    let size = inside.size();
    Sink { path: wheel, member, out, limit, stop, seen }.fill(&mut inside, size)
}

/// The member of a source archive, whose files lie below one folder named for the package.
fn from_source(file: File, member: &str, sink: &mut Sink<'_>) -> Result<u64, SourceError> {
    let mut archive = tar::Archive::new(GzDecoder::new(BufReader::new(file)));
    for entry in archive.entries().map_err(|e| broken(&e))? {
        let mut entry = entry.map_err(|e| broken(&e))?;
        let path = entry.path().map_err(|e| broken(&e))?;
        let mut below = path.components();
        below.next();
        if below.as_path() == Path::new(member) && entry.header().entry_type().is_file() {
            drop(path);
            let size = entry.size();
            return sink.fill(&mut entry, size);
        }
    }
    Err(SourceError::Failed(format!("the package has no '{member}'")))
}

fn broken(error: &dyn std::fmt::Display) -> SourceError {
    SourceError::Failed(format!("the package's archive is damaged: {error}"))
}

/// Where a member goes.
struct Sink<'a> {
    /// The archive.
    path: &'a Path,
    member: &'a str,
    out: &'a mut File,
    limit: u64,
    stop: &'a AtomicBool,
    seen: &'a mut dyn FnMut(u64),
}

impl Sink<'_> {
    fn fill(&mut self, inside: &mut dyn Read, size: u64) -> Result<u64, SourceError> {
        let (member, limit) = (self.member, self.limit);
        let too_large = || {
            SourceError::Failed(format!("'{member}' of the package is larger than {limit} bytes"))
        };
        if size > limit {
            return Err(too_large());
        }
        let mut buffer = vec![0; 1 << 18];
        let mut total = 0u64;
        loop {
            if self.stop.load(Ordering::Relaxed) {
                return Err(SourceError::Fatal(PullError::Stopped));
            }
            // The declared size is a claim like any other: the stream is counted too.
            let n = inside.read(&mut buffer).map_err(|e| broken(&e))?;
            if n == 0 {
                return Ok(total);
            }
            total += n as u64;
            if total > limit {
                return Err(too_large());
            }
            self.out
                .write_all(&buffer[..n])
                .map_err(|e| SourceError::Fatal(PullError::Store(StoreError::io(self.path)(e))))?;
            (self.seen)(n as u64);
        }
    }
}
