//! Loading no more positions than will be used.
//!
//! whisper.cpp clears memory for the keys and values of as many positions as the model has, in
//! every state, and has no way to ask for fewer. Models are trained on 1500 of the encoder (30 s)
//! and 448 of the decoder; windows here are shorter. So the file reaches whisper.cpp through a
//! pipe, in which it claims fewer positions and the tables of their embeddings end earlier: the
//! positions left are those that are used anyway.

use std::fs::File;
use std::io::{self, PipeWriter, Read, Seek, SeekFrom, Write};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use whisper_rs::{WhisperContext, WhisperContextParameters};

use crate::check::{Layout, Positions};

/// Bytes of a number in headers.
const INT: u64 = 4;
/// Folders in which a process finds its own open files as paths.
const OPEN_FILES: [&str; 2] = ["/proc/self/fd", "/dev/fd"];

/// How many positions to keep.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kept {
    pub(crate) encoder: usize,
    pub(crate) decoder: usize,
}

/// Opens the model at `path`, which [`crate::check::whisper_model`] has looked over, with its
/// first positions.
///
/// # Errors
/// Why not.
pub(crate) fn open(
    path: &Path,
    layout: &Layout,
    kept: Kept,
    params: WhisperContextParameters<'_>,
) -> Result<WhisperContext, String> {
    let halves = [(layout.encoder, kept.encoder), (layout.decoder, kept.decoder)];
    let mut cuts: Vec<Cut> = halves.into_iter().filter_map(|(half, n)| Cut::to(half, n)).collect();
    cuts.sort_by_key(|cut| cut.positions.table.data_at);
    if cuts.is_empty() {
        return load(path, params);
    }
    let Some(files) = OPEN_FILES.iter().map(Path::new).find(|folder| folder.is_dir()) else {
        log::debug!("no folder of open files: the model is loaded with all positions");
        return load(path, params);
    };
    let mut file = File::open(path).map_err(|e| e.to_string())?;
    let (reader, writer) = io::pipe().map_err(|e| e.to_string())?;
    let name: PathBuf = files.join(reader.as_raw_fd().to_string());
    std::thread::scope(|scope| {
        let writer = scope.spawn(move || send(&mut file, &cuts, writer));
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

/// One half of a model, left with `count` positions.
struct Cut {
    positions: Positions,
    count: i32,
}

impl Cut {
    /// None where all are kept.
    fn to(positions: Positions, count: usize) -> Option<Self> {
        let count = i32::try_from(count).ok().filter(|_| count < positions.count)?;
        Some(Self { positions, count })
    }
}

/// Writes the model with fewer positions; `cuts` are in the order of their tables.
fn send(file: &mut File, cuts: &[Cut], pipe: PipeWriter) -> io::Result<()> {
    let mut copy = Copy { file, pipe };
    let mut counts: Vec<&Cut> = cuts.iter().collect();
    counts.sort_by_key(|cut| cut.positions.count_at);
    for cut in counts {
        copy.up_to(cut.positions.count_at)?;
        copy.replace(&cut.count.to_le_bytes())?;
    }
    for Cut { positions, count } in cuts {
        let table = &positions.table;
        let row = table.bytes / positions.count as u64;
        // The second of the tensor's two dimensions.
        copy.up_to(table.dimensions_at + INT)?;
        copy.replace(&count.to_le_bytes())?;
        copy.up_to(table.data_at + row * u64::from(count.unsigned_abs()))?;
        copy.file.seek(SeekFrom::Start(table.data_at + table.bytes))?;
    }
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
