//! What models are for, and the formats of their files.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a model is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Task {
    /// Speech to text.
    Transcribe,
    /// Voice activity detection: where is speech?
    Vad,
    /// Text in, text out; also scoring of texts.
    Complete,
    /// Text to vector.
    Embed,
    /// Coordinate to city, country and time zone.
    Geocode,
    /// Picture to faces.
    Faces,
    /// Picture to words for what it shows.
    Label,
}

impl Task {
    /// The file format that the engine for this task reads.
    pub fn format(self) -> Format {
        match self {
            Self::Transcribe => Format::GgmlWhisper,
            Self::Vad => Format::GgmlVad,
            Self::Complete | Self::Embed => Format::Gguf,
            Self::Geocode => Format::Places,
            Self::Faces => Format::Faces,
            Self::Label => Format::Labels,
        }
    }
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Transcribe => "transcribe",
            Self::Vad => "vad",
            Self::Complete => "complete",
            Self::Embed => "embed",
            Self::Geocode => "geocode",
            Self::Faces => "faces",
            Self::Label => "label",
        })
    }
}

/// The format of a model file in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// GGUF, read by llama.cpp.
    Gguf,
    /// The ggml file of whisper.cpp.
    GgmlWhisper,
    /// The ggml voice activity file of whisper.cpp.
    GgmlVad,
    /// The table of cities that the library `places` reads.
    Places,
    /// A bundle of ONNX graphs that finds faces.
    Faces,
    /// A bundle of an ONNX classifier and its labels.
    Labels,
}

impl Format {
    /// The usual file name extension, without the dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Gguf => "gguf",
            Self::GgmlWhisper | Self::GgmlVad => "bin",
            Self::Places => "places",
            Self::Faces => "faces",
            Self::Labels => "labels",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gguf => "gguf",
            Self::GgmlWhisper => "ggml-whisper",
            Self::GgmlVad => "ggml-vad",
            Self::Places => "places",
            Self::Faces => "faces",
            Self::Labels => "labels",
        })
    }
}
