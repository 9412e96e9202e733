//! What is not decoded here is decoded by ffmpeg, where it is installed.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::{Decoder, Error, Stream};

/// Bytes of ffmpeg's messages that are looked at.
const MESSAGES: u64 = 4096;

/// A recording on its way through ffmpeg. Ends the process when it is dropped.
///
/// The recording is ffmpeg's stdin: no name of it gets into the command, and ffmpeg may open
/// nothing else, so that a playlist cannot make it read other files or the network.
pub struct Ffmpeg {
    child: Child,
    messages: File,
}

impl Ffmpeg {
    /// Starts ffmpeg over `input`: a file from its start, which it may seek in when it is
    /// version 6 or newer (`may_seek`), or a pipe. Gives what it writes, a WAV file.
    ///
    /// # Errors
    /// Those of starting it; [`io::ErrorKind::NotFound`] where it is not installed.
    pub fn start(input: impl Into<Stdio>, may_seek: bool) -> io::Result<(Self, ChildStdout)> {
        let messages = tempfile::tempfile()?;
        let mut child = Command::new("ffmpeg")
            .args(["-nostdin", "-hide_banner", "-v", "error", "-protocol_whitelist", "fd,pipe"])
            .args(["-i", if may_seek { "fd:" } else { "pipe:0" }, "-map", "0:a:0"])
            .args(["-vn", "-sn", "-dn", "-c:a", "pcm_s16le", "-f", "wav", "pipe:1"])
            .stdin(input)
            .stdout(Stdio::piped())
            .stderr(messages.try_clone()?)
            .spawn()?;
        let stdout = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        Ok((Self { child, messages }, stdout))
    }

    /// Where the bytes go when it was started with [`Stdio::piped`].
    pub fn stdin(&mut self) -> Option<ChildStdin> {
        self.child.stdin.take()
    }

    /// What it said last, where it did not end well.
    pub(crate) fn complaint(&mut self) -> Option<String> {
        let status = self.child.wait().ok()?;
        if status.success() {
            return None;
        }
        let mut text = Vec::new();
        let len = self.messages.seek(SeekFrom::End(0)).ok()?;
        self.messages.seek(SeekFrom::Start(len.saturating_sub(MESSAGES))).ok()?;
        self.messages.by_ref().take(MESSAGES).read_to_end(&mut text).ok()?;
        let text = String::from_utf8_lossy(&text);
        let last = text.lines().map(str::trim).rfind(|line| !line.is_empty());
        Some(format!("ffmpeg: {}", last.unwrap_or("it failed without a word")))
    }
}

impl Drop for Ffmpeg {
    fn drop(&mut self) {
        // Already gone is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Decoder {
    /// Decodes what ffmpeg writes: `output` is its stdout, or a reader around that.
    ///
    /// # Errors
    /// As [`Decoder::open`]; what ffmpeg complained of is [`Error::Unsupported`].
    pub fn through(mut ffmpeg: Ffmpeg, output: Stream) -> Result<Self, Error> {
        match Self::from_reader(output) {
            Ok(mut decoder) => {
                decoder.by = Some(ffmpeg);
                Ok(decoder)
            }
            Err(error @ Error::Unreadable(_)) => Err(error),
            Err(error) => Err(ffmpeg.complaint().map_or(error, Error::Unsupported)),
        }
    }
}
