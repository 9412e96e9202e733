use std::path::PathBuf;

use jobserver::{Jobserver, Worker};

use crate::WINDOW;

/// How tokens are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decoding {
    /// The likeliest token always.
    Greedy,
    /// The likeliest token always; where that leaves a doubt, beam search of this width, 2 to 8,
    /// if it is surer of what it writes.
    BeamInDoubt(u8),
    /// Beam search of this width, 2 to 8.
    Beam(u8),
}

/// What to load and how to run it.
#[derive(Clone, Debug)]
pub struct Options {
    /// A Whisper model in whisper.cpp's ggml format.
    pub path: PathBuf,
    /// The name the model was asked for by.
    pub name: String,
    /// SHA-256 of the file in hex; empty when unknown.
    pub sha256: String,
    /// Threads of one session; more than one only pays while other cores are idle.
    pub threads: u8,
    /// What is said before each window, as far as the model is told: names and words that are
    /// likely to occur. Empty for none.
    pub prompt: String,
    /// Use a GPU, in builds that have one.
    pub use_gpu: bool,
    /// How tokens are chosen.
    pub decoding: Decoding,
    /// Decode again at temperatures 0.2, 0.4 … 1.0 while the text looks bad (entropy below 2.4,
    /// mean log-probability below −1). Off by default: a bad window may take six times as long.
    pub temperature_fallback: bool,
    /// Encode only as much audio as there is, instead of a padded window of 30 s.
    pub cut_context: bool,
    /// The most samples of a request; memory is kept for no more. At most [`WINDOW`].
    pub longest: usize,
    /// Whether to compute only while holding CPU slots, which all programs of the user share.
    pub jobserver: bool,
}

impl Options {
    /// Beams of 3 in doubt, one thread, cut context, windows of up to 30 s, no GPU, CPU slots shared; the name is the file's stem.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Self {
            path,
            name,
            sha256: String::new(),
            threads: 1,
            prompt: String::new(),
            use_gpu: false,
            decoding: Decoding::BeamInDoubt(3),
            temperature_fallback: false,
            cut_context: true,
            longest: WINDOW,
            jobserver: true,
        }
    }

    /// What the session `number` holds while it computes. Without a folder for the slots it
    /// computes all the same, and the log says why.
    pub(crate) fn cpu_worker(&self, number: usize) -> Option<Worker> {
        if !self.jobserver {
            return None;
        }
        match Jobserver::for_user() {
            Ok(server) => Some(server.worker(number).with_threads(self.threads.into())),
            Err(error) => {
                log::warn!("CPU slots are not shared with other programs: {error}");
                None
            }
        }
    }
}
