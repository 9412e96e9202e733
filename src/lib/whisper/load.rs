//! Loading no more encoder positions than will be used.
//!
//! whisper.cpp clears memory for the keys and values of as many positions as the model has, in
//! every state, and has no way to ask for fewer. Models are trained on 1500 (30 s); windows here
//! are shorter. So the file reaches whisper.cpp through a pipe, in which it claims fewer positions
//! and the table of their embeddings ends earlier: the positions left are those that a request for
//! fewer positions (`audio_ctx`) would use.

use std::fs::File;
use std::io::{self, PipeWriter, Read, Seek, SeekFrom, Write};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use whisper_rs::{WhisperContext, WhisperContextParameters};

use crate::check::Layout;

/// Where the header tells the number of positions: after the magic number and the vocabulary.
const HEADER_AT: u64 = 8;
/// Bytes of a number in headers.
const INT: u64 = 4;
/// Folders in which a process finds its own open files as paths.
const OPEN_FILES: [&str; 2] = ["/proc/self/fd", "/dev/fd"];

/// Opens the model at `path`, which [`crate::check::whisper_model`] has looked over, with its
/// first `positions`.
///
/// # Errors
/// Why not.
pub(crate) fn open(
    path: &Path,
    layout: &Layout,
    positions: usize,
    params: WhisperContextParameters<'_>,
) -> Result<WhisperContext, String> {
    let whole = |params| load(path, params);
    if positions >= layout.positions {
        return whole(params);
    }
    let Some(files) = OPEN_FILES.iter().map(Path::new).find(|folder| folder.is_dir()) else {
        log::debug!("no folder of open files: all {} positions", layout.positions);
        return whole(params);
    };
    let mut file = File::open(path).map_err(|e| e.to_string())?;
    let (reader, writer) = io::pipe().map_err(|e| e.to_string())?;
    let name: PathBuf = files.join(reader.as_raw_fd().to_string());
    std::thread::scope(|scope| {
        let writer = scope.spawn(move || send(&mut file, layout, positions, writer));
        let context = load(&name, params);
        // With nobody left to read, a writer that has not come to its end is told so.
        drop(reader);
        match (context, writer.join()) {
            (Ok(context), Ok(Ok(()))) => Ok(context),
            (_, Ok(Err(error))) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(error.to_string())
            }
            (Err(error), _) => Err(error),
            (Ok(_), _) => Err("whisper.cpp did not read all of it".into()),
        }
    })
}

fn load(path: &Path, params: WhisperContextParameters<'_>) -> Result<WhisperContext, String> {
    WhisperContext::new_with_params(path, params).map_err(|_| "whisper.cpp cannot load it".into())
}

/// Writes the model with its first `positions` only.
fn send(file: &mut File, layout: &Layout, positions: usize, pipe: PipeWriter) -> io::Result<()> {
    let count = i32::try_from(positions).map_err(io::Error::other)?.to_le_bytes();
    let table = &layout.table;
    let row = table.bytes / layout.positions as u64;
    let mut copy = Copy { file, pipe };
    copy.up_to(HEADER_AT)?;
    copy.replace(&count)?;
    // The second of the tensor's two dimensions.
    copy.up_to(table.dimensions_at + INT)?;
    copy.replace(&count)?;
    copy.up_to(table.data_at + row * positions as u64)?;
    copy.file.seek(SeekFrom::Start(table.data_at + table.bytes))?;
    io::copy(copy.file, &mut copy.pipe).map(|_| ())
}

struct Copy<'f> {
    file: &'f mut File,
    pipe: PipeWriter,
}

impl Copy<'_> {
    /// Copies what is left before the place `end` of the file.
    fn up_to(&mut self, end: u64) -> io::Result<()> {
        let n = end.saturating_sub(self.file.stream_position()?);
        let copied = io::copy(&mut self.file.take(n), &mut self.pipe)?;
        if copied == n { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }

    /// Writes `bytes` in place of as many of the file's.
    fn replace(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.seek_relative(bytes.len() as i64)?;
        self.pipe.write_all(bytes)
    }
}
