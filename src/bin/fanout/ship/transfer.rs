//! A file to a host: by content, once, resumed where it was cut off, verified there.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest as _, Sha256};
use ssh::{End, SshError, quote};

use super::ask::{Said, ask};
use super::probe::Machine;
use crate::connection::Connection;

/// Bytes read, compressed and sent in one go.
const CHUNK: usize = 256 << 10;

/// A file to send, and what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Parcel {
    pub(crate) path: PathBuf,
    pub(crate) bytes: u64,
    /// SHA-256, in hex.
    pub(crate) sha256: String,
}

impl Parcel {
    /// Reads a file for its hash.
    ///
    /// # Errors
    /// When it cannot be read, or is no regular file.
    pub(crate) fn new(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("it is no regular file"));
        }
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; CHUNK];
        let mut bytes = 0;
        loop {
            let n = file.read(&mut buffer)?;
            if n == 0 {
                break;
            }
            hasher.update(&buffer[..n]);
            bytes += n as u64;
        }
        Ok(Self { path: path.to_owned(), bytes, sha256: hex(&hasher.finalize()) })
    }

    /// Its name on the far side: the extension stays, since programs go by it.
    fn name(&self) -> String {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        let name = self.path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        let name: String = name.chars().map(|c| if plain(c) { c } else { '_' }).collect();
        let start = name.len().saturating_sub(100);
        let name = name.get(start..).unwrap_or_default().trim_start_matches(['.', '-']);
        if name.is_empty() { "file".to_owned() } else { name.to_owned() }
    }

    /// Where it is in the folder of a host.
    pub(crate) fn place(&self, machine: &Machine) -> String {
        format!("{}/{}/{}", machine.cache, self.sha256, self.name())
    }
}

/// The SHA-256 of some bytes, in hex.
pub(super) fn hash(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// Sends a file to `place` unless the host has it.
///
/// # Errors
/// [`SshError`]; what arrived of it is kept for the next attempt.
pub(crate) fn send(
    connection: &Connection,
    machine: &Machine,
    parcel: &Parcel,
    place: &str,
) -> Result<(), SshError> {
    let path = parcel.path.display();
    let Some(sha256) = machine.sha256 else {
        let tools = "sha256sum, shasum or openssl";
        return Err(SshError::Refused(format!("nothing can be sent there without {tools}")));
    };
    if let Some(free) = machine.free.filter(|free| *free < parcel.bytes) {
        return Err(SshError::Refused(format!(
            "no space for {path}: it has {} bytes, {free} are free in {}",
            parcel.bytes, machine.cache
        )));
    }
    // A part is taken under a name of one's own, so that two who send the same do not mix.
    let setup = format!(
        "umask 077; cd {} || exit 9\ndone={} part={hash}.part own={hash}.part.$$\n\
         if [ -f \"$done\" ]; then touch {hash}; echo 'state complete'; exit 0; fi\n\
         mkdir -p {hash} || exit 9\nmv \"$part\" \"$own\" 2>/dev/null\n\
         size=$(wc -c <\"$own\" 2>/dev/null) || size=0\n\
         export part own\necho state partial\necho \"size $size\"",
        quote(&machine.cache),
        quote(place),
        hash = parcel.sha256,
    );
    let unpack = if machine.gzip { "gzip -dc" } else { "cat" };
    // What is too short was cut off, and is kept for the next attempt.
    let store = format!(
        "{unpack} >>\"$own\"\nsize=$(wc -c <\"$own\")\n\
         if [ \"$size\" -lt {bytes} ]; then mv \"$own\" \"$part\"\n\
         echo 'trouble no room, or it was cut off'; exit 1; fi\n\
         set -- \"$1\" $({sha256} <\"$own\")\n\
         if [ \"$2\" != {hash} ]; then rm -f \"$own\"; echo 'trouble it arrived damaged'; exit 1; fi\n\
         chmod 700 \"$own\" && mv \"$own\" \"$1\" && echo 'state stored'",
        bytes = parcel.bytes,
        hash = parcel.sha256,
    );
    let command = ["sh", "-c", store.as_str(), "sh", place];
    let mut file = None;
    let said = ask(connection, &[setup], &command, &mut |before| {
        match &mut file {
            Some(file) => next(file, machine.gzip),
            None => {
                let opened = file.insert(open_at(parcel, before)?);
                // gzip wants to see something, even of nothing.
                let first = next(opened, machine.gzip)?;
                Ok(first.or(machine.gzip.then(|| pack(b"")).transpose()?))
            }
        }
    })?;
    let complete = Said::value(&said.before, "state") == Some("complete");
    let stored = Said::value(&said.after, "state") == Some("stored");
    match (&said.end, complete || stored) {
        (End::Status(0), true) => {
            log::debug!("{path} is there: {place}");
            Ok(())
        }
        (End::Lost(reason), _) => Err(SshError::Unreachable(format!("sending {path}: {reason}"))),
        _ => {
            let trouble = Said::value(&said.after, "trouble").map(str::to_owned);
            let trouble = trouble.unwrap_or_else(|| said.trouble());
            Err(SshError::Unreachable(format!("sending {path}: {trouble}")))
        }
    }
}

/// The file from where the far side has it. A part that is longer than the whole is sent nothing
/// more: it is found damaged and thrown away.
fn open_at(parcel: &Parcel, before: &str) -> io::Result<File> {
    let size = Said::value(before, "size").and_then(|size| size.parse().ok()).unwrap_or(0);
    if size > 0 {
        log::info!("{} is continued at byte {size}", parcel.path.display());
    }
    let mut file = File::open(&parcel.path)?;
    file.seek(SeekFrom::Start(size))?;
    Ok(file)
}

/// The next chunk. Each is a gzip member of its own, so that what has arrived is whole.
fn next(file: &mut File, gzip: bool) -> io::Result<Option<Vec<u8>>> {
    let mut chunk = Vec::with_capacity(CHUNK);
    file.take(CHUNK as u64).read_to_end(&mut chunk)?;
    if chunk.is_empty() {
        return Ok(None);
    }
    if !gzip {
        return Ok(Some(chunk));
    }
    pack(&chunk).map(Some)
}

fn pack(chunk: &[u8]) -> io::Result<Vec<u8>> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(chunk)?;
    packed.finish()
}
