//! Recognises models of other programs, and converts those that the engines cannot read.
//!
//! | found | becomes |
//! |---|---|
//! | CTranslate2 Whisper (`model.bin`, `tokenizer.json`) | ggml for whisper.cpp |
//! | Whisper of Hugging Face's transformers (`model.safetensors`, `config.json`, `tokenizer.json`) | ggml for whisper.cpp |
//! | BERT sentence encoder (`model.safetensors`, `config.json`, …) | GGUF for llama.cpp |
//! | Silero VAD (`silero_vad_16k.safetensors`) | ggml for whisper.cpp |
//! | GGUF, ggml | nothing: they are read as they are |
//!
//! [`detect`] looks at the content, never at the name alone. [`convert`] streams: tensors are
//! read by seeking and pass through in small runs, so the memory needed is that of the
//! vocabulary. The file appears under its name only when it is complete and on disk.
//!
//! Files may be hostile: counts, lengths and offsets are checked against the file before
//! anything is allocated, and shapes against the model's sizes before anything is written.
//! [`format`], [`convert_whisper`], [`convert_whisper_safetensors`], [`convert_bert`] and
//! [`convert_silero`] are the same on readers and writers.

mod bert;
mod ct2;
mod detect;
mod error;
mod gguf;
mod mel;
mod output;
mod quantize;
mod safetensors;
mod silero;
mod tensor;
#[cfg(test)]
mod tests;
mod tokenizer;
mod whisper;
mod whisper_origin;

use std::io::Read;
use std::path::{Path, PathBuf};

pub use bert::{BertFiles, convert_bert};
pub use detect::{Format, detect, format};
pub use error::ImportError;
pub use quantize::WeightType;
pub use silero::{RELEASE as SILERO_RELEASE, convert_silero};
pub use whisper::{convert_whisper, convert_whisper_safetensors};

use output::{Written, is_same_file, write_atomically};
use tokenizer::read_bounded;

/// Largest configuration file that is read.
const MAX_CONFIG: u64 = 1 << 20;
/// Largest `tokenizer.json` of a BERT model that is read.
const MAX_TOKENIZER: u64 = 32 << 20;
/// Bytes of a model card that are looked at.
const MAX_CARD: u64 = 1 << 16;

/// A model that was found, with the files it consists of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A CTranslate2 Whisper model.
    Ct2Whisper {
        /// `model.bin`.
        model: PathBuf,
        /// `tokenizer.json`.
        tokenizer: PathBuf,
    },
    /// A Whisper model as Hugging Face's transformers save it.
    WhisperSafetensors {
        /// `model.safetensors`.
        model: PathBuf,
        /// `config.json`.
        config: PathBuf,
        /// `tokenizer.json`.
        tokenizer: PathBuf,
    },
    /// A BERT sentence encoder as Hugging Face publishes it.
    BertSafetensors {
        /// The folder with `model.safetensors`, `config.json`, `tokenizer.json`,
        /// `1_Pooling/config.json` and perhaps `README.md`.
        dir: PathBuf,
    },
    /// Weights of the 16 kHz Silero VAD.
    SileroSafetensors {
        /// The safetensors file.
        file: PathBuf,
    },
    /// A GGUF file: ready.
    Gguf(PathBuf),
    /// A Whisper ggml file: ready.
    GgmlWhisper(PathBuf),
    /// A Silero VAD ggml file: ready.
    GgmlVad(PathBuf),
}

/// A file that [`convert`] wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Converted {
    /// Where it is.
    pub path: PathBuf,
    /// What it is.
    pub format: Format,
    /// Number of tensors in it.
    pub tensors: usize,
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256, lower-case hexadecimal.
    pub sha256: String,
}

/// Converts `source` to the file `out`, whose matrices get the given type.
///
/// # Errors
/// [`ImportError::Ready`] if the engines read the source as it is;
/// [`ImportError::WeightType`] for a Silero VAD as anything but `f16`, the only form there is;
/// [`ImportError::OverwritesSource`] if `out` is a file of the source; otherwise whatever
/// [`convert_whisper`], [`convert_bert`] and [`convert_silero`] return, naming the file.
pub fn convert(source: &Source, out: &Path, kind: WeightType) -> Result<Converted, ImportError> {
    let (format, tensors, written) = match source {
        Source::Ct2Whisper { model, tokenizer } => {
            refuse_overwrite(out, &[model, tokenizer])?;
            let (tensors, written) = whisper_file(model, tokenizer, out, kind)?;
            (Format::GgmlWhisper, tensors, written)
        }
        Source::WhisperSafetensors { model, config, tokenizer } => {
            refuse_overwrite(out, &[model, config, tokenizer])?;
            let config = read_file(config, MAX_CONFIG)?;
            let (mut weights, tokens) = (detect::open(model)?, detect::open(tokenizer)?);
            let (tensors, written) = write_atomically(out, |mut file| {
                convert_whisper_safetensors(&mut weights, &config, tokens, &mut file, kind)
                    .map_err(|error| error.in_file(model))
            })?;
            (Format::GgmlWhisper, tensors, written)
        }
        Source::BertSafetensors { dir } => {
            let (tensors, written) = bert_file(dir, out, kind)?;
            (Format::Gguf, tensors, written)
        }
        Source::SileroSafetensors { file } => {
            refuse_overwrite(out, &[file])?;
            let (tensors, written) = silero_file(file, out, kind)?;
            (Format::GgmlVad, tensors, written)
        }
        Source::Gguf(path) => return Err(ImportError::Ready("a GGUF file").in_file(path)),
        Source::GgmlWhisper(path) | Source::GgmlVad(path) => {
            return Err(ImportError::Ready("a ggml file").in_file(path));
        }
    };
    let Written { bytes, sha256 } = written;
    Ok(Converted { path: out.to_path_buf(), format, tensors, bytes, sha256 })
}

fn whisper_file(
    model: &Path,
    tokenizer: &Path,
    out: &Path,
    kind: WeightType,
) -> Result<(usize, Written), ImportError> {
    let mut weights = detect::open(model)?;
    let tokens = detect::open(tokenizer)?;
    write_atomically(out, |mut file| {
        convert_whisper(&mut weights, tokens, &mut file, kind).map_err(|error| error.in_file(model))
    })
}

fn bert_file(dir: &Path, out: &Path, kind: WeightType) -> Result<(usize, Written), ImportError> {
    let path = |name: &str| dir.join(name);
    let weights_path = path("model.safetensors");
    let (config, pooling) = (path("config.json"), path("1_Pooling/config.json"));
    let (tokenizer, card) = (path("tokenizer.json"), path("README.md"));
    refuse_overwrite(out, &[&weights_path, &config, &pooling, &tokenizer, &card])?;
    let card = if card.is_file() {
        let mut head = Vec::new();
        let file = detect::open(&card)?;
        file.take(MAX_CARD)
            .read_to_end(&mut head)
            .map_err(|error| ImportError::from(error).in_file(&card))?;
        Some(String::from_utf8_lossy(&head).into_owned())
    } else {
        None
    };
    let name = dir.file_name().map_or_else(|| "bert".into(), |name| name.to_string_lossy());
    let (config, pooling) = (read_file(&config, MAX_CONFIG)?, read_file(&pooling, MAX_CONFIG)?);
    let tokenizer = read_file(&tokenizer, MAX_TOKENIZER)?;
    let files = BertFiles {
        config: &config,
        pooling: &pooling,
        tokenizer: &tokenizer,
        card: card.as_deref(),
        name: &name,
    };
    let mut weights = detect::open(&weights_path)?;
    write_atomically(out, |mut file| {
        convert_bert(&mut weights, &files, &mut file, kind).map_err(|error| error.in_file(dir))
    })
}

fn silero_file(file: &Path, out: &Path, kind: WeightType) -> Result<(usize, Written), ImportError> {
    if kind != WeightType::F16 {
        let target = "Silero VAD";
        return Err(ImportError::WeightType { target, weights: kind, instead: "f16" });
    }
    let mut weights = detect::open(file)?;
    write_atomically(out, |mut out| {
        convert_silero(&mut weights, &mut out, SILERO_RELEASE).map_err(|error| error.in_file(file))
    })
}

fn read_file(path: &Path, limit: u64) -> Result<Vec<u8>, ImportError> {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    read_bounded(detect::open(path)?, limit, &name).map_err(|error| error.in_file(path))
}

fn refuse_overwrite(out: &Path, sources: &[&PathBuf]) -> Result<(), ImportError> {
    if sources.iter().any(|source| is_same_file(out, source)) {
        return Err(ImportError::OverwritesSource.in_file(out));
    }
    Ok(())
}
