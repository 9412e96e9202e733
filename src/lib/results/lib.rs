//! Results of models, kept from run to run: the flags, and the file they are kept in.
//!
//! A cron job over a growing folder pays only for what is new. The key is exact: BLAKE3 of
//! program, version, model, parameters and input. A cache that matched by meaning would answer
//! the opposite question.

#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;
use cli::{Error, Results};
use store::{Cache, StoreError};

/// Arguments of the programs that keep results.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Cache")]
pub struct CacheArgs {
    /// File to keep results in [default: results.db in the folder of caches]
    #[arg(long, value_name = "FILE", conflicts_with = "no_cache")]
    pub cache: Option<PathBuf>,

    /// Ask the model again for what was asked before
    #[arg(long)]
    pub no_cache: bool,

    /// Most that is kept, in MiB; what was not used for longest goes first
    #[arg(long, value_name = "MIB", default_value_t = 512, value_parser = clap::value_parser!(u64).range(1..=1 << 20))]
    pub cache_size: u64,
}

impl CacheArgs {
    /// Opens the file. None with `--no-cache`, or when the default file cannot be opened: a cache
    /// is no reason to stop, and the log says so.
    ///
    /// `scope` is everything besides the input that a result depends on.
    ///
    /// # Errors
    /// A file that was asked for cannot be opened.
    pub fn open(&self, scope: &[&[u8]]) -> Result<Option<Results>, Error> {
        if self.no_cache {
            return Ok(None);
        }
        let path = match &self.cache {
            Some(path) => path.clone(),
            None => match cli::env::cache_folder() {
                Some(folder) => folder.join("results.db"),
                None => return Ok(None),
            },
        };
        let cache = match Cache::open(&path, self.cache_size << 20) {
            Ok(cache) => Arc::new(cache),
            Err(error) if self.cache.is_none() => {
                log::warn!("results are not kept: {error}");
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        let (reader, said) = (Arc::clone(&cache), Arc::new(AtomicBool::new(false)));
        let say = {
            let said = Arc::clone(&said);
            move |error: StoreError| {
                if !said.swap(true, Ordering::Relaxed) {
                    log::warn!("results are not kept: {error}");
                }
            }
        };
        let say_too = say.clone();
        Ok(Some(Results::new(
            scope,
            move |key| {
                reader.get(key).unwrap_or_else(|error| {
                    say(error);
                    None
                })
            },
            move |key, value| {
                if let Err(error) = cache.put(key, value) {
                    say_too(error);
                }
            },
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_was_asked_for_must_open_and_none_is_needed() {
        let folder = tempfile::tempdir().expect("a folder");
        let args = |cache: Option<PathBuf>, no_cache| CacheArgs { cache, no_cache, cache_size: 1 };
        assert!(args(None, true).open(&[]).expect("nothing to open").is_none());
        assert!(
            args(Some(folder.path().join("a.db")), false).open(&[]).expect("it opens").is_some()
        );
        assert!(args(Some(folder.path().to_owned()), false).open(&[]).is_err());
    }
}
