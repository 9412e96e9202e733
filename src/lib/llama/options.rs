use std::path::PathBuf;

use jobserver::{Jobserver, Worker};

/// Contexts are not made longer than this unless asked: the cache of keys and values grows with
/// them, and a record seldom needs more.
pub(crate) const DEFAULT_CONTEXT: usize = 8192;

/// llama.cpp knows 256 sequences; one is the kept prefix.
pub(crate) const MAX_PARALLEL: usize = 255;

/// Which model, and how much of the machine it gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The GGUF file.
    pub path: PathBuf,
    /// The name it was asked for by; empty for the file's stem.
    pub name: String,
    /// SHA-256 of the file in hex; empty when unknown.
    pub sha256: String,
    /// Tokens of one request, prompt and answer together; 0 for what the model was trained for,
    /// 8192 at most. An embedder uses it as the longest text.
    pub context: usize,
    /// Requests that are decoded together, 1 to 255; more wait their turn. Not used by an
    /// embedder.
    pub parallel: usize,
    /// Contexts that answer side by side, over the same weights: requests, cache and threads are
    /// divided among them. Two contexts of one thread answer more requests than one of two
    /// threads, and none of their threads ever spins at a barrier.
    pub contexts: usize,
    /// Threads that compute in each context. One is best when several programs share the
    /// machine: with more, ggml's threads spin at the barriers inside a step.
    pub threads: usize,
    /// Layers on a GPU, where the build has one.
    pub gpu_layers: u32,
    /// The most bytes of cached keys and values. With less than `parallel` contexts' worth,
    /// requests wait until theirs is free; one context must fit.
    pub kv_bytes: u64,
    /// The most tokens of one decode step: prompts enter in pieces of this size, and a request
    /// is cancelled between steps.
    pub batch: usize,
    /// Whether to compute only while holding CPU slots, which all programs of the user share.
    pub jobserver: bool,
}

impl Options {
    /// One context of one thread, one request at a time, the model's own context, no GPU, 1 GiB of cache.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            name: String::new(),
            sha256: String::new(),
            context: 0,
            parallel: 1,
            contexts: 1,
            threads: 1,
            gpu_layers: 0,
            kv_bytes: 1 << 30,
            batch: 256,
            jobserver: true,
        }
    }

    /// What the model is called in records.
    pub(crate) fn display_name(&self) -> String {
        if self.name.is_empty() {
            self.path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
        } else {
            self.name.clone()
        }
    }

    /// What the context `number` holds while it computes. Without a folder for the slots it
    /// computes all the same, and the log says why.
    pub(crate) fn cpu_worker(&self, number: usize) -> Option<Worker> {
        if !self.jobserver {
            return None;
        }
        match Jobserver::for_user() {
            Ok(server) => Some(server.worker(number).with_threads(self.threads)),
            Err(error) => {
                log::warn!("CPU slots are not shared with other programs: {error}");
                None
            }
        }
    }

    /// A load error of this file.
    pub(crate) fn refuse(&self, reason: impl Into<String>) -> engine::Error {
        engine::Error::Load { path: self.path.clone(), reason: reason.into() }
    }

    /// `threads` in llama.cpp's type, at least one.
    pub(crate) fn thread_count(&self) -> i32 {
        i32::try_from(self.threads.clamp(1, 512)).unwrap_or(1)
    }
}
