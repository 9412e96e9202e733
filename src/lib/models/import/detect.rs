//! Tells by its content what a file or folder is.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::Source;
use super::ct2;
use super::error::ImportError;
use super::gguf;
use super::safetensors::Safetensors;
use super::silero;
use super::whisper::GGML_MAGIC;

/// Entries of a folder that are looked at; more make it no model folder.
const MAX_ENTRIES: usize = 1000;
/// `i32` numbers at the start of a Whisper ggml file.
const WHISPER_HEADER: usize = 12;

/// What the content of one file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// GGUF, which llama.cpp reads.
    Gguf,
    /// Whisper in ggml, which whisper.cpp reads.
    GgmlWhisper,
    /// Silero VAD in ggml, which whisper.cpp reads.
    GgmlVad,
    /// CTranslate2 `model.bin` of a Whisper model.
    Ct2Whisper,
    /// Weights of a Whisper model in safetensors.
    WhisperSafetensors,
    /// Weights of a BERT encoder in safetensors.
    BertSafetensors,
    /// Weights of the 16 kHz Silero VAD in safetensors.
    SileroSafetensors,
}

/// Recognises a file by its first bytes, and safetensors by the names of the tensors.
///
/// # Errors
/// [`ImportError::Unrecognised`] if it is none of the known formats; [`ImportError::Malformed`]
/// if it begins like one and its header is broken; reading.
pub fn format<R: Read + Seek>(source: &mut R) -> Result<Format, ImportError> {
    source.seek(SeekFrom::Start(0))?;
    let mut head = Vec::new();
    source.take(4 * WHISPER_HEADER as u64).read_to_end(&mut head)?;
    if head.is_empty() {
        return Err(ImportError::Unrecognised("the file is empty".to_owned()));
    }
    let numbers: Vec<u32> =
        head.as_chunks::<4>().0.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect();
    if head.starts_with(&gguf::MAGIC) {
        return Ok(Format::Gguf);
    }
    match numbers.first() {
        Some(&GGML_MAGIC) => return ggml_format(&head, &numbers),
        Some(version) if ct2::VERSIONS.contains(version) => {
            // The specification's name follows its u16 length.
            let name = head.get(6..).unwrap_or_default();
            if name.starts_with(ct2::WHISPER_SPEC.as_bytes()) {
                return Ok(Format::Ct2Whisper);
            }
        }
        _ => {}
    }
    // A header length, then the header's opening brace.
    if head.get(8) == Some(&b'{') {
        return safetensors_format(source);
    }
    Err(ImportError::Unrecognised("its first bytes are of no known format".to_owned()))
}

fn ggml_format(head: &[u8], numbers: &[u32]) -> Result<Format, ImportError> {
    if head.get(8..).unwrap_or_default().starts_with(silero::MODEL_TYPE.as_bytes()) {
        return Ok(Format::GgmlVad);
    }
    // Vocabulary, …, mel bands, file type: other ggml files of old have other things here.
    match numbers {
        [_, vocab, .., mels, _] if numbers.len() == WHISPER_HEADER => {
            if *vocab > 50_000 && [80, 128].contains(mels) {
                Ok(Format::GgmlWhisper)
            } else {
                Err(ImportError::Unrecognised("a ggml file, but no Whisper model".to_owned()))
            }
        }
        _ => Err(ImportError::Malformed { format: "ggml", reason: "cut off".to_owned() }),
    }
}

fn safetensors_format<R: Read + Seek>(source: &mut R) -> Result<Format, ImportError> {
    let file = Safetensors::read(source)?;
    let has = |name: &str| file.get(name).is_ok();
    if has("stft_conv.weight") && has("lstm_cell.weight_ih") {
        return Ok(Format::SileroSafetensors);
    }
    let embeddings = "embeddings.word_embeddings.weight";
    if has(embeddings) || has(&format!("bert.{embeddings}")) {
        return Ok(Format::BertSafetensors);
    }
    let convolution = "encoder.conv1.weight";
    if has(convolution) || has(&format!("model.{convolution}")) {
        return Ok(Format::WhisperSafetensors);
    }
    Err(ImportError::Unrecognised("safetensors, but no Whisper, BERT or Silero VAD".to_owned()))
}

/// Finds the model in a file or a folder.
///
/// A folder is searched one level deep: `model.bin` or `model.safetensors`, otherwise the only
/// file of a known format.
///
/// # Errors
/// [`ImportError::Unrecognised`] if there is none or there are several, or a file that belongs
/// to the model is not beside it; whatever [`format`] returns.
pub fn detect(path: &Path) -> Result<Source, ImportError> {
    let found = fs::metadata(path)
        .map_err(ImportError::from)
        .and_then(|metadata| if metadata.is_dir() { in_folder(path) } else { in_file(path) });
    found.map_err(|error| error.in_file(path))
}

/// Opens a regular file. Anything else is refused, because opening a pipe would wait.
pub(super) fn open(path: &Path) -> Result<File, ImportError> {
    let open = || {
        if !fs::metadata(path)?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        File::open(path)
    };
    open().map_err(|error| ImportError::from(error).in_file(path))
}

fn in_file(path: &Path) -> Result<Source, ImportError> {
    let format = format(&mut open(path)?).map_err(|error| error.in_file(path))?;
    let owned = path.to_path_buf();
    match format {
        Format::Gguf => Ok(Source::Gguf(owned)),
        Format::GgmlWhisper => Ok(Source::GgmlWhisper(owned)),
        Format::GgmlVad => Ok(Source::GgmlVad(owned)),
        Format::SileroSafetensors => Ok(Source::SileroSafetensors { file: owned }),
        Format::Ct2Whisper => {
            let tokenizer = beside(path, "tokenizer.json")?;
            Ok(Source::Ct2Whisper { model: owned, tokenizer })
        }
        Format::WhisperSafetensors => {
            let (config, tokenizer) =
                (beside(path, "config.json")?, beside(path, "tokenizer.json")?);
            Ok(Source::WhisperSafetensors { model: owned, config, tokenizer })
        }
        Format::BertSafetensors => {
            if path.file_name().is_none_or(|name| name != "model.safetensors") {
                return Err(ImportError::Unrecognised(
                    "the weights of a BERT model must be named model.safetensors".to_owned(),
                ));
            }
            let config = beside(path, "config.json")?;
            let dir = config.parent().unwrap_or(Path::new(".")).to_path_buf();
            Ok(Source::BertSafetensors { dir })
        }
    }
}

fn in_folder(dir: &Path) -> Result<Source, ImportError> {
    for name in ["model.bin", "model.safetensors"] {
        let candidate = dir.join(name);
        if candidate.is_file() {
            return in_file(&candidate);
        }
    }
    let mut found: Option<Source> = None;
    for (count, entry) in fs::read_dir(dir)?.enumerate() {
        let path = entry?.path();
        if count >= MAX_ENTRIES {
            return Err(ImportError::Unrecognised(format!("more than {MAX_ENTRIES} entries")));
        }
        if !path.is_file() {
            continue;
        }
        match in_file(&path) {
            Ok(source) if found.is_none() => found = Some(source),
            Ok(_) => {
                return Err(ImportError::Unrecognised(
                    "the folder holds several models; name one".to_owned(),
                ));
            }
            // Most files of a folder are no models, and a damaged one is reported only when
            // it is named.
            Err(error) => log::debug!("{error}"),
        }
    }
    found.ok_or_else(|| ImportError::Unrecognised("the folder holds no model".to_owned()))
}

/// The file of that name in the same folder.
fn beside(path: &Path, name: &str) -> Result<PathBuf, ImportError> {
    let other = path.with_file_name(name);
    if other.is_file() {
        return Ok(other);
    }
    Err(ImportError::Unrecognised(format!("{name} is not beside it")))
}
