//! The context's cache of keys and values, and the prefix that is kept in it.
//!
//! All sequences take cells from one store. Copying the beginning of a sequence costs no cells:
//! the same cells then belong to both.

use engine::Error;
use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::token::LlamaToken;

use crate::model::size;
use crate::prefix::{self, WORTH};

/// A context whose sequences are 0 to `parallel` − 1, and one more for the kept prefix.
pub(crate) struct Cache<'model> {
    context: LlamaContext<'model>,
    kept_sequence: usize,
    kept: Vec<LlamaToken>,
}

impl<'model> Cache<'model> {
    /// Wraps a fresh context.
    pub(crate) fn new(context: LlamaContext<'model>, parallel: usize) -> Self {
        Self { context, kept_sequence: parallel, kept: Vec::new() }
    }

    /// Tokens of the kept prefix.
    pub(crate) fn kept(&self) -> &[LlamaToken] {
        &self.kept
    }

    /// Cells in all.
    pub(crate) fn capacity(&self) -> usize {
        usize::try_from(self.context.n_ctx()).unwrap_or(usize::MAX)
    }

    /// Runs a step.
    pub(crate) fn decode(&mut self, batch: &mut LlamaBatch<'_>) -> Result<(), Error> {
        self.context.decode(batch).map_err(|error| Error::Engine(format!("decode: {error}")))
    }

    /// Logits of the token at place `at` of the last batch.
    pub(crate) fn logits(&self, at: usize) -> Result<&[f32], Error> {
        let at = i32::try_from(at).map_err(|error| Error::Engine(error.to_string()))?;
        Ok(self.context.get_logits_ith(at))
    }

    /// Gives `sequence` the first `len` tokens of the kept prefix.
    pub(crate) fn share_kept(&mut self, sequence: usize, len: usize) -> Result<(), Error> {
        self.copy(self.kept_sequence, sequence, 0, len)
    }

    /// Gives `to` the first `len` tokens of `from`.
    pub(crate) fn copy_first(&mut self, from: usize, to: usize, len: usize) -> Result<(), Error> {
        self.copy(from, to, 0, len)
    }

    /// Keeps `tokens`, which are the beginning of `sequence`, unless that would take away any
    /// of the first `pinned` kept tokens. True when they are kept now.
    pub(crate) fn keep(
        &mut self,
        sequence: usize,
        tokens: &[LlamaToken],
        pinned: usize,
    ) -> Result<bool, Error> {
        let same = prefix::common(&self.kept, tokens);
        if tokens.len() < WORTH || same < pinned {
            return Ok(false);
        }
        self.trim(same)?;
        if tokens.len() > same {
            self.copy(sequence, self.kept_sequence, same, tokens.len())?;
            self.kept.extend_from_slice(&tokens[same..]);
        }
        Ok(true)
    }

    /// Forgets the kept prefix from `len` on.
    pub(crate) fn trim(&mut self, len: usize) -> Result<(), Error> {
        if len < self.kept.len() {
            self.clear_from(self.kept_sequence, len)?;
            self.kept.truncate(len);
        }
        Ok(())
    }

    /// Forgets a sequence from `len` on.
    pub(crate) fn cut(&mut self, sequence: usize, len: usize) -> Result<(), Error> {
        self.clear_from(sequence, len)
    }

    /// Frees a sequence.
    pub(crate) fn free(&mut self, sequence: usize) -> Result<(), Error> {
        self.clear_from(sequence, 0)
    }

    /// Frees everything, as after a step that failed.
    pub(crate) fn reset(&mut self) {
        self.context.clear_kv_cache();
        self.kept.clear();
    }

    fn copy(&mut self, from: usize, to: usize, start: usize, end: usize) -> Result<(), Error> {
        let failed = |error: String| Error::Engine(format!("copying a prefix: {error}"));
        let id = |n: usize| i32::try_from(n).map_err(|error| failed(error.to_string()));
        self.context
            .copy_kv_cache_seq(id(from)?, id(to)?, Some(size(start)), Some(size(end)))
            .map_err(|error| failed(error.to_string()))
    }

    fn clear_from(&mut self, sequence: usize, start: usize) -> Result<(), Error> {
        match self.context.clear_kv_cache_seq(Some(size(sequence)), Some(size(start)), None) {
            Ok(true) => Ok(()),
            Ok(false) => Err(Error::Engine("the model's cache cannot be cut".into())),
            Err(error) => Err(Error::Engine(format!("clearing a sequence: {error}"))),
        }
    }
}
