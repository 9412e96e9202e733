use clap::Args;

use crate::Options;

/// Arguments of the programs that run a language model.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Model")]
pub struct ModelArgs {
    /// Model: a name in the store, or a GGUF file
    #[arg(short, long, value_name = "NAME")]
    pub model: Option<String>,

    /// Tokens of one request, prompt and answer together; 0: the model's own, at most 8192
    #[arg(long, value_name = "TOKENS", default_value_t = 0)]
    pub context: usize,

    /// Requests that the model works on together
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = parallel)]
    pub parallel: usize,

    /// Threads that compute [default: the machine's cores]
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,

    /// Layers on a GPU, in builds that have one
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub gpu_layers: u32,

    /// Memory for the keys and values of all requests, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 1024)]
    pub kv_memory: u64,
}

fn parallel(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(n @ 1..=255) => Ok(n),
        _ => Err("not a number from 1 to 255".into()),
    }
}

impl ModelArgs {
    /// The name asked for, or `default`.
    pub fn name_or<'a>(&'a self, default: &'a str) -> &'a str {
        self.model.as_deref().unwrap_or(default)
    }

    /// These arguments as options for a model file.
    pub fn options(&self, file: &modelstore::Resolved) -> Options {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        Options {
            path: file.path.clone(),
            name: file.name.clone(),
            sha256: file.sha256.to_string(),
            context: self.context,
            parallel: self.parallel,
            threads: self.threads.unwrap_or_else(cores),
            gpu_layers: self.gpu_layers,
            kv_bytes: self.kv_memory << 20,
            ..Options::new(&file.path)
        }
    }
}
