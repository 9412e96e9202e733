//! What a GGUF file says about itself, read before its weights are.

use std::fs::File;
use std::io::Read;

use engine::Error;
use llama_cpp_2::gguf::GgufContext;
use llama_cpp_sys_2 as sys;

use crate::Options;
use crate::backend;

/// The part of the metadata that decides how a model is loaded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    /// llama.cpp's name of the architecture.
    pub(crate) architecture: String,
    /// Bytes of the file.
    pub(crate) file_bytes: u64,
    /// Tokens it was trained for.
    pub(crate) train_context: usize,
    /// Bytes of keys and values that one token needs.
    pub(crate) kv_bytes_per_token: u64,
    /// Width of the residual stream.
    pub(crate) width: u64,
    /// Tokens in the vocabulary.
    pub(crate) vocabulary: u64,
    /// Made for embedding texts: pools its outputs or looks at later tokens.
    pub(crate) embeds: bool,
    /// Says how token outputs become one vector.
    pub(crate) pools: bool,
    /// Attention heads.
    pub(crate) heads: u64,
}

/// Reads the header.
pub(crate) fn read(options: &Options) -> Result<Facts, Error> {
    let file_bytes = check_magic(options)?;
    backend::backend().map_err(|reason| options.refuse(reason))?;
    let (gguf, errors) = backend::capture(|| GgufContext::from_file(&options.path));
    let Some(gguf) = gguf else {
        let detail = errors.first().map_or_else(String::new, |line| format!(" ({line})"));
        return Err(options.refuse(format!("damaged GGUF header{detail}")));
    };
    let header = Header(&gguf);
    let Some(architecture) = header.text("general.architecture") else {
        return Err(options.refuse("the GGUF does not name an architecture"));
    };
    let facts = header.facts(architecture, file_bytes);
    if facts.train_context == 0 {
        let what = format!("a GGUF of the kind `{architecture}` without a context length");
        return Err(options.refuse(format!("{what}: not a language model")));
    }
    Ok(facts)
}

/// Looks at the first four bytes, so that other files get a plain answer. Returns the size.
fn check_magic(options: &Options) -> Result<u64, Error> {
    let fail = |error: std::io::Error| options.refuse(error.to_string());
    let mut file = File::open(&options.path).map_err(fail)?;
    let metadata = file.metadata().map_err(fail)?;
    if !metadata.is_file() {
        return Err(options.refuse("not a regular file"));
    }
    let mut magic = [0; 4];
    if metadata.len() < 4 || file.read_exact(&mut magic).is_err() || &magic != b"GGUF" {
        return Err(options.refuse("not a GGUF file"));
    }
    Ok(metadata.len())
}

/// Typed access: llama.cpp's own getters abort the process on a value of another type.
struct Header<'a>(&'a GgufContext);

impl Header<'_> {
    fn find(&self, key: &str, kind: sys::gguf_type) -> Option<i64> {
        let at = self.0.find_key(key);
        (at >= 0 && self.0.kv_type(at) == kind).then_some(at)
    }

    fn has(&self, key: &str) -> bool {
        self.0.find_key(key) >= 0
    }

    fn number(&self, key: &str) -> Option<u64> {
        self.find(key, sys::GGUF_TYPE_UINT32)
            .map(|at| u64::from(self.0.val_u32(at)))
            .or_else(|| self.find(key, sys::GGUF_TYPE_UINT64).map(|at| self.0.val_u64(at)))
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.find(key, sys::GGUF_TYPE_STRING).and_then(|at| self.0.val_str(at))
    }

    fn facts(&self, architecture: &str, file_bytes: u64) -> Facts {
        let of = |key: &str| self.number(&format!("{architecture}.{key}"));
        let width = of("embedding_length").unwrap_or(0);
        let layers = of("block_count").unwrap_or(0);
        let heads = of("attention.head_count").unwrap_or(1).max(1);
        // A list (one number a layer) is not read: then all heads are counted, which is more.
        let kv_heads = of("attention.head_count_kv").unwrap_or(heads);
        let head = width / heads;
        let key = of("attention.key_length").unwrap_or(head);
        let value = of("attention.value_length").unwrap_or(head);
        // Two bytes a number: llama.cpp's default cache is f16.
        let per_layer = kv_heads.saturating_mul(key.saturating_add(value)).saturating_mul(2);
        Facts {
            architecture: architecture.to_owned(),
            file_bytes,
            train_context: usize::try_from(of("context_length").unwrap_or(0)).unwrap_or(0),
            kv_bytes_per_token: layers.saturating_mul(per_layer),
            width,
            vocabulary: of("vocab_size").unwrap_or(0),
            heads,
            // 0 is "none".
            pools: of("pooling_type").is_some_and(|kind| kind != 0),
            embeds: self.has(&format!("{architecture}.pooling_type"))
                || self.has(&format!("{architecture}.attention.causal")),
        }
    }
}

impl Facts {
    /// Refuses when the machine has not `extra` bytes for the context besides the weights.
    ///
    /// The weights are counted whole: formats that ggml repacks for the CPU are copied.
    pub(crate) fn check_memory(&self, options: &Options, extra: u64) -> Result<(), Error> {
        let Some(available) = modelstore::memory::available() else { return Ok(()) };
        let needed = self.file_bytes.saturating_add(extra);
        if options.gpu_layers > 0 || needed <= available {
            return Ok(());
        }
        Err(options.refuse(format!(
            "needs about {} MiB of memory ({} for the context), and {} MiB are available",
            needed >> 20,
            extra >> 20,
            available >> 20
        )))
    }

    /// The same for an encoder, which looks at all pairs of tokens.
    pub(crate) fn attention_bytes(&self, batch: usize) -> u64 {
        let pairs = (batch as u64).saturating_pow(2);
        pairs.saturating_mul(self.heads).saturating_mul(4).saturating_add(self.width * 64)
    }

    /// Bytes of llama.cpp's working buffers for steps of `batch` tokens: logits and a few
    /// activations.
    pub(crate) fn compute_bytes(&self, batch: usize) -> u64 {
        let a_token = self.vocabulary.saturating_add(self.width.saturating_mul(16)) * 4;
        a_token.saturating_mul(batch as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_little_memory_is_said_in_numbers() {
        let facts = Facts { file_bytes: 1 << 60, ..Facts::default() };
        let error = facts.check_memory(&Options::new("m.gguf"), 1 << 20);
        let text = error.map_err(|error| error.to_string()).unwrap_err();
        assert!(text.starts_with("m.gguf: needs about 1099511627777 MiB"), "{text}");
    }
}
