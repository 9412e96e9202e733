use clap::Args;
use modelstore::{ResolveError, Resolved, Store, Task};

use crate::Options;

/// The name that stands for the best model for this machine.
const AUTO: &str = "auto";

/// Arguments of the programs that run a language model.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Model")]
pub struct ModelArgs {
    /// Model: a name in the store, a GGUF file, or 'auto': the largest that is here, fits the
    /// memory and reads at least 100 tokens a second, as measured by 'models fit'
    #[arg(short, long, value_name = "NAME")]
    pub model: Option<String>,

    /// The model's file as it was downloaded, not the one that 'models tune' made of it
    #[arg(long)]
    pub as_downloaded: bool,

    /// Tokens of one request, prompt and answer together; 0: the model's own, at most 8192
    #[arg(long, value_name = "TOKENS", default_value_t = 0)]
    pub context: usize,

    /// Requests that the model works on together
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = parallel)]
    pub parallel: usize,

    /// Threads that compute in all [default: the machine's cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=512))]
    pub threads: Option<u16>,

    /// Layers on a GPU, in builds that have one
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub gpu_layers: u32,

    /// Memory for the keys and values of all requests, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 1024)]
    pub kv_memory: u64,

    /// Compute at once, without taking turns with other headwater programs
    #[arg(long)]
    pub no_jobserver: bool,
}

fn parallel(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(n @ 1..=255) => Ok(n),
        _ => Err("not a number from 1 to 255".into()),
    }
}

impl ModelArgs {
    /// The file of the model asked for, or of `default`; says so when another one stands in.
    ///
    /// # Errors
    /// As [`Store::resolve`], and for `--model auto` as [`Store::resolve_auto`].
    pub fn resolve(
        &self,
        store: &Store,
        default: &str,
        task: Task,
    ) -> Result<Resolved, ResolveError> {
        let name = self.model.as_deref().unwrap_or(default);
        if name == AUTO {
            let file = store.resolve_auto(task, self.as_downloaded)?;
            log::info!("model: {}", file.name);
            return Ok(file);
        }
        let file = store.resolve_as(name, task, self.as_downloaded)?;
        if let Some(wanted) = &file.in_place_of {
            log::warn!("{wanted} is not here: {} is used in its place", file.name);
        }
        Ok(file)
    }

    /// Options for a model that answers many requests at once: every thread has a context of its
    /// own, and none waits for another.
    pub fn options(&self, file: &Resolved) -> Options {
        let threads = self.thread_count();
        Options { contexts: threads, threads: 1, ..self.options_for_one(file) }
    }

    /// Options for a model that mostly has one request to answer: all threads work on it.
    pub fn options_for_one(&self, file: &Resolved) -> Options {
        Options {
            path: file.path.clone(),
            name: file.name.clone(),
            sha256: file.sha256.to_string(),
            context: self.context,
            parallel: self.parallel,
            threads: self.thread_count(),
            gpu_layers: self.gpu_layers,
            kv_bytes: self.kv_memory << 20,
            jobserver: !self.no_jobserver,
            ..Options::new(&file.path)
        }
    }

    fn thread_count(&self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        self.threads.map_or_else(cores, usize::from)
    }
}
