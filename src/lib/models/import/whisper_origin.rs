//! Where other programs keep what a Whisper model consists of.
//!
//! | ggml | CTranslate2 | Hugging Face |
//! |---|---|---|
//! | `blocks.0.attn_ln.weight` | `layer_0/self_attention/layer_norm/gamma` | `layers.0.self_attn_layer_norm.weight` |
//! | `blocks.0.attn.query.weight` | the first third of `layer_0/self_attention/linear_0/weight` | `layers.0.self_attn.q_proj.weight` |
//! | `blocks.0.cross_attn.key.weight` | the first half of `layer_0/attention/linear_1/weight` | `layers.0.encoder_attn.k_proj.weight` |
//! | `blocks.0.mlp.2.bias` | `layer_0/ffn/linear_1/bias` | `layers.0.fc2.bias` |

use std::io::{Read, Seek};

use serde::Deserialize;

use super::ct2::Ct2Model;
use super::error::ImportError;
use super::safetensors::Safetensors;
use super::tensor::Weights;
use super::whisper::Sizes;

/// Gives weights by the names that they have in ggml files.
pub(super) trait Origin {
    /// The weights `name`, which must have the given shape.
    ///
    /// # Errors
    /// [`ImportError::MissingTensor`], [`ImportError::Shape`], [`ImportError::Dtype`].
    fn weights(&self, name: &str, shape: &[u64]) -> Result<Weights, ImportError>;

    /// The bias of a key projection: ggml files have none, and not every origin has.
    ///
    /// # Errors
    /// As [`weights`](Self::weights), except that it may be missing.
    fn key_bias(&self, name: &str, shape: &[u64]) -> Result<Option<Weights>, ImportError>;
}

/// A name in ggml files, taken apart.
struct Name<'n> {
    /// `encoder` or `decoder`.
    side: &'n str,
    block: Option<&'n str>,
    /// Such as `attn.query`; empty where the weights have no layer.
    layer: &'n str,
    /// `weight`, `bias`, or the whole name of weights without a layer.
    leaf: &'n str,
}

impl<'n> Name<'n> {
    fn parse(name: &'n str) -> Option<Self> {
        let (side, rest) = name.split_once('.')?;
        let (block, rest) = match rest.strip_prefix("blocks.") {
            Some(rest) => rest.split_once('.').map(|(block, rest)| (Some(block), rest))?,
            None => (None, rest),
        };
        let (layer, leaf) = rest.rsplit_once('.').unwrap_or(("", rest));
        Some(Self { side, block, layer, leaf })
    }
}

fn missing(name: &str) -> ImportError {
    ImportError::MissingTensor(name.to_owned())
}

/// The variables of a CTranslate2 model.
pub(super) struct Ct2Names<'m>(pub(super) &'m Ct2Model);

impl Origin for Ct2Names<'_> {
    fn weights(&self, name: &str, shape: &[u64]) -> Result<Weights, ImportError> {
        let (variable, index, parts) = ct2_place(name).ok_or_else(|| missing(name))?;
        self.0.part(&variable, shape, index, parts)
    }

    fn key_bias(&self, name: &str, shape: &[u64]) -> Result<Option<Weights>, ImportError> {
        self.weights(name, shape).map(Some)
    }
}

/// The variable that holds the weights, and which of how many equal parts of it they are.
fn ct2_place(name: &str) -> Option<(String, u64, u64)> {
    let Name { side, block, layer, leaf } = Name::parse(name)?;
    let norm = match leaf {
        "weight" => "gamma",
        _ => "beta",
    };
    let Some(block) = block else {
        let place = match (layer, leaf) {
            ("", "positional_embedding") => "position_encodings/encodings".to_owned(),
            ("token_embedding", _) => "embeddings/weight".to_owned(),
            ("conv1" | "conv2", _) => format!("{layer}/{leaf}"),
            ("ln_post" | "ln", _) => format!("layer_norm/{norm}"),
            _ => return None,
        };
        return Some((format!("{side}/{place}"), 0, 1));
    };
    let (place, index, parts) = match layer {
        "attn_ln" => ("self_attention/layer_norm", 0, 1),
        "cross_attn_ln" => ("attention/layer_norm", 0, 1),
        "mlp_ln" => ("ffn/layer_norm", 0, 1),
        "attn.query" => ("self_attention/linear_0", 0, 3),
        "attn.key" => ("self_attention/linear_0", 1, 3),
        "attn.value" => ("self_attention/linear_0", 2, 3),
        "attn.out" => ("self_attention/linear_1", 0, 1),
        "cross_attn.query" => ("attention/linear_0", 0, 1),
        "cross_attn.key" => ("attention/linear_1", 0, 2),
        "cross_attn.value" => ("attention/linear_1", 1, 2),
        "cross_attn.out" => ("attention/linear_2", 0, 1),
        "mlp.0" => ("ffn/linear_0", 0, 1),
        "mlp.2" => ("ffn/linear_1", 0, 1),
        _ => return None,
    };
    let leaf = if place.ends_with("layer_norm") { norm } else { leaf };
    Some((format!("{side}/layer_{block}/{place}/{leaf}"), index, parts))
}

/// The sizes of a CTranslate2 model, from the shapes of its variables.
///
/// # Errors
/// [`ImportError::MissingTensor`] and [`ImportError::Unsupported`] if it is no Whisper model;
/// reading.
pub(super) fn ct2_sizes<R: Read + Seek>(
    model: &Ct2Model,
    source: &mut R,
) -> Result<Sizes, ImportError> {
    let [vocab, state] = dimensions(model, "decoder/embeddings/weight")?;
    let [text_ctx, _] = dimensions(model, "decoder/position_encodings/encodings")?;
    let [audio_ctx, audio_state] = dimensions(model, "encoder/position_encodings/encodings")?;
    let [_, mels, _] = dimensions(model, "encoder/conv1/weight")?;
    if audio_state != state {
        return Err(ImportError::Unsupported(format!(
            "an encoder of width {audio_state} with a decoder of width {state}"
        )));
    }
    Ok(Sizes {
        vocab,
        audio_ctx,
        state,
        audio_heads: u64::from(model.integer(source, "encoder/num_heads")?),
        audio_layers: layers(model, "encoder"),
        text_ctx,
        text_heads: u64::from(model.integer(source, "decoder/num_heads")?),
        text_layers: layers(model, "decoder"),
        mels,
    })
}

/// The dimensions of a variable that has `N` of them.
fn dimensions<const N: usize>(model: &Ct2Model, name: &str) -> Result<[u64; N], ImportError> {
    let shape = model.shape(name)?;
    shape.try_into().map_err(|_| {
        ImportError::Unsupported(format!("{name} has {} dimensions, not {N}", shape.len()))
    })
}

/// Number of layers `layer_0`, `layer_1`, … of one side.
fn layers(model: &Ct2Model, side: &str) -> u64 {
    (0_u64..)
        .take_while(|i| model.contains(&format!("{side}/layer_{i}/ffn/layer_norm/beta")))
        .count() as u64
}

/// The tensors of a model that Hugging Face's transformers saved.
pub(super) struct HubNames<'m> {
    file: &'m Safetensors,
    /// Models for transcription have the network under a name of its own.
    prefix: &'static str,
}

impl<'m> HubNames<'m> {
    pub(super) fn new(file: &'m Safetensors) -> Self {
        let prefix = if file.get("model.encoder.conv1.weight").is_ok() { "model." } else { "" };
        Self { file, prefix }
    }
}

impl Origin for HubNames<'_> {
    fn weights(&self, name: &str, shape: &[u64]) -> Result<Weights, ImportError> {
        let tensor = hub_name(name).ok_or_else(|| missing(name))?;
        self.file.weights(self.file.get(&format!("{}{tensor}", self.prefix))?, shape)
    }

    fn key_bias(&self, name: &str, shape: &[u64]) -> Result<Option<Weights>, ImportError> {
        match self.weights(name, shape) {
            Err(ImportError::MissingTensor(_)) => Ok(None),
            found => found.map(Some),
        }
    }
}

fn hub_name(name: &str) -> Option<String> {
    let Name { side, block, layer, leaf } = Name::parse(name)?;
    let Some(block) = block else {
        return Some(match (layer, leaf) {
            ("", "positional_embedding") => format!("{side}.embed_positions.weight"),
            ("token_embedding", _) => format!("{side}.embed_tokens.{leaf}"),
            ("conv1" | "conv2", _) => format!("{side}.{layer}.{leaf}"),
            ("ln_post" | "ln", _) => format!("{side}.layer_norm.{leaf}"),
            _ => return None,
        });
    };
    let layer = match layer {
        "attn_ln" => "self_attn_layer_norm",
        "cross_attn_ln" => "encoder_attn_layer_norm",
        "mlp_ln" => "final_layer_norm",
        "attn.query" => "self_attn.q_proj",
        "attn.key" => "self_attn.k_proj",
        "attn.value" => "self_attn.v_proj",
        "attn.out" => "self_attn.out_proj",
        "cross_attn.query" => "encoder_attn.q_proj",
        "cross_attn.key" => "encoder_attn.k_proj",
        "cross_attn.value" => "encoder_attn.v_proj",
        "cross_attn.out" => "encoder_attn.out_proj",
        "mlp.0" => "fc1",
        "mlp.2" => "fc2",
        _ => return None,
    };
    Some(format!("{side}.layers.{block}.{layer}.{leaf}"))
}

/// The parts of a Whisper model's `config.json` that give its sizes.
#[derive(Debug, Deserialize)]
struct Config {
    model_type: String,
    vocab_size: u64,
    d_model: u64,
    num_mel_bins: u64,
    max_source_positions: u64,
    max_target_positions: u64,
    encoder_layers: u64,
    encoder_attention_heads: u64,
    decoder_layers: u64,
    decoder_attention_heads: u64,
}

/// The sizes that a `config.json` states.
///
/// # Errors
/// [`ImportError::Malformed`] if one is missing, [`ImportError::Unsupported`] for another kind of
/// model.
pub(super) fn config_sizes(config: &[u8]) -> Result<Sizes, ImportError> {
    let config: Config = serde_json::from_slice(config).map_err(|error| {
        ImportError::Malformed { format: "config.json", reason: error.to_string() }
    })?;
    if config.model_type != "whisper" {
        return Err(ImportError::Unsupported(format!("architecture {:?}", config.model_type)));
    }
    Ok(Sizes {
        vocab: config.vocab_size,
        audio_ctx: config.max_source_positions,
        state: config.d_model,
        audio_heads: config.encoder_attention_heads,
        audio_layers: config.encoder_layers,
        text_ctx: config.max_target_positions,
        text_heads: config.decoder_attention_heads,
        text_layers: config.decoder_layers,
        mels: config.num_mel_bins,
    })
}
