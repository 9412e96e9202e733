//! BERT sentence encoder in safetensors → the GGUF file that llama.cpp reads.

use std::collections::HashSet;
use std::io::{Read, Seek, Write};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::error::ImportError;
use super::gguf::GgufWriter;
use super::quantize::WeightType;
use super::safetensors::Safetensors;
use super::tokenizer::{TokenKind, WordPiece};

/// llama.cpp's pooling types.
const POOLING_MEAN: u32 = 1;
const POOLING_CLS: u32 = 2;
/// llama.cpp's token types.
const TOKEN_NORMAL: i32 = 1;
const TOKEN_CONTROL: i32 = 3;
/// Longest heading of a model card that is taken as the model's name, bytes.
const MAX_NAME: usize = 200;

/// The small files that lie beside the weights.
#[derive(Clone, Copy, Debug)]
pub struct BertFiles<'a> {
    /// `config.json`.
    pub config: &'a [u8],
    /// `1_Pooling/config.json`.
    pub pooling: &'a [u8],
    /// `tokenizer.json`.
    pub tokenizer: &'a [u8],
    /// The model card `README.md`, from which name and licence are taken.
    pub card: Option<&'a str>,
    /// The model's name if the card has none.
    pub name: &'a str,
}

/// Converts `model.safetensors`; returns the number of tensors.
///
/// Everything is checked before the first byte is written, except the weights' values. The
/// pooler and classification heads of the model are not needed for embeddings; the former is
/// left out, the latter are an error, because they mean another kind of model.
///
/// # Errors
/// Whatever [`Safetensors::read`] and [`WordPiece::read`] return; [`ImportError::Malformed`] if
/// a configuration lacks something; [`ImportError::Unsupported`] for architectures that
/// llama.cpp computes differently; [`ImportError::MissingTensor`], [`ImportError::Shape`],
/// [`ImportError::Dtype`], [`ImportError::NotFinite`], [`ImportError::OutOfRange`] and
/// [`ImportError::RowNotBlocks`] for the weights.
pub fn convert_bert<R: Read + Seek, W: Write>(
    source: &mut R,
    files: &BertFiles<'_>,
    out: &mut W,
    kind: WeightType,
) -> Result<usize, ImportError> {
    let config = Config::parse(files.config)?;
    let pooling = pooling_type(files.pooling)?;
    let vocabulary = WordPiece::read(files.tokenizer, config.vocab_size)?;
    let weights = Safetensors::read(source)?;
    let mut writer = GgufWriter::new();
    write_model_keys(&mut writer, files, &config, pooling, kind);
    write_vocabulary(&mut writer, &vocabulary, config.type_vocab_size);
    add_tensors(&mut writer, &weights, &config, kind)?;
    writer.write(source, out)
}

/// The parts of `config.json` that decide about sizes and arithmetic.
#[derive(Debug, Deserialize)]
struct Config {
    model_type: Option<String>,
    hidden_act: Option<String>,
    position_embedding_type: Option<String>,
    vocab_size: u32,
    hidden_size: u32,
    intermediate_size: u32,
    num_hidden_layers: u32,
    num_attention_heads: u32,
    max_position_embeddings: u32,
    type_vocab_size: u32,
    layer_norm_eps: f64,
}

impl Config {
    fn parse(bytes: &[u8]) -> Result<Self, ImportError> {
        let config: Self = parse("config.json", bytes)?;
        let defaults = [
            (&config.model_type, "bert", "architecture"),
            (&config.hidden_act, "gelu", "activation"),
            (&config.position_embedding_type, "absolute", "position embedding"),
        ];
        for (found, known, what) in defaults {
            if let Some(found) = found.as_deref().filter(|found| *found != known) {
                return Err(ImportError::Unsupported(format!("{what} {found:?}")));
            }
        }
        let sizes = [
            config.vocab_size,
            config.hidden_size,
            config.intermediate_size,
            config.num_hidden_layers,
            config.max_position_embeddings,
            config.type_vocab_size,
        ];
        if sizes.contains(&0) {
            return Err(ImportError::Unsupported("a BERT model with a size of 0".to_owned()));
        }
        let (heads, width) = (config.num_attention_heads, config.hidden_size);
        if heads == 0 || width % heads != 0 {
            return Err(ImportError::Unsupported(format!(
                "{heads} attention heads for a width of {width}"
            )));
        }
        if !(config.layer_norm_eps > 0.0 && config.layer_norm_eps < 1.0) {
            return Err(ImportError::Unsupported(format!(
                "a layer norm epsilon of {}",
                config.layer_norm_eps
            )));
        }
        Ok(config)
    }
}

#[derive(Debug, Deserialize)]
struct Pooling {
    #[serde(default)]
    pooling_mode_mean_tokens: bool,
    #[serde(default)]
    pooling_mode_cls_token: bool,
}

/// How token vectors become one, as llama.cpp numbers it.
fn pooling_type(bytes: &[u8]) -> Result<u32, ImportError> {
    let pooling: Pooling = parse("pooling config.json", bytes)?;
    match (pooling.pooling_mode_mean_tokens, pooling.pooling_mode_cls_token) {
        (true, false) => Ok(POOLING_MEAN),
        (false, true) => Ok(POOLING_CLS),
        _ => Err(ImportError::Unsupported(
            "pooling other than by the mean or by the first token".to_owned(),
        )),
    }
}

fn parse<T: DeserializeOwned>(format: &'static str, bytes: &[u8]) -> Result<T, ImportError> {
    serde_json::from_slice(bytes)
        .map_err(|error| ImportError::Malformed { format, reason: error.to_string() })
}

/// The first heading of a model card.
fn card_name(card: &str) -> Option<&str> {
    let name = card.lines().find_map(|line| line.strip_prefix("# "))?.trim();
    (!name.is_empty() && name.len() <= MAX_NAME).then_some(name)
}

/// `license:` in the YAML head of a model card.
fn card_licence(card: &str) -> Option<&str> {
    let head = card.strip_prefix("---\n")?.split("\n---").next()?;
    let licence = head.lines().find_map(|line| line.strip_prefix("license:"))?.trim();
    (!licence.is_empty() && licence.len() <= MAX_NAME).then_some(licence)
}

fn write_model_keys(
    writer: &mut GgufWriter,
    files: &BertFiles<'_>,
    config: &Config,
    pooling: u32,
    kind: WeightType,
) {
    writer.text("general.architecture", "bert");
    writer.text("general.name", files.card.and_then(card_name).unwrap_or(files.name));
    if let Some(licence) = files.card.and_then(card_licence) {
        writer.text("general.license", licence);
    }
    writer.number("bert.context_length", config.max_position_embeddings);
    writer.number("bert.embedding_length", config.hidden_size);
    writer.number("bert.feed_forward_length", config.intermediate_size);
    writer.number("bert.block_count", config.num_hidden_layers);
    writer.number("bert.attention.head_count", config.num_attention_heads);
    writer.real("bert.attention.layer_norm_epsilon", config.layer_norm_eps as f32);
    writer.flag("bert.attention.causal", false);
    writer.number("bert.pooling_type", pooling);
    writer.number("general.file_type", kind.file_type());
}

fn write_vocabulary(writer: &mut GgufWriter, vocabulary: &WordPiece, segments: u32) {
    writer.text("tokenizer.ggml.model", "bert");
    writer.text("tokenizer.ggml.pre", "default");
    let tokens = &vocabulary.tokens;
    writer.texts("tokenizer.ggml.tokens", tokens.iter().map(|(token, _)| token.as_str()));
    writer.integers(
        "tokenizer.ggml.token_type",
        tokens.iter().map(|(_, kind)| match kind {
            TokenKind::Normal => TOKEN_NORMAL,
            TokenKind::Control => TOKEN_CONTROL,
        }),
    );
    writer.number("tokenizer.ggml.token_type_count", segments);
    writer.number("tokenizer.ggml.bos_token_id", vocabulary.cls);
    writer.number("tokenizer.ggml.eos_token_id", vocabulary.sep);
    writer.number("tokenizer.ggml.unknown_token_id", vocabulary.unk);
    // The format's own spelling.
    writer.number("tokenizer.ggml.seperator_token_id", vocabulary.sep);
    writer.number("tokenizer.ggml.padding_token_id", vocabulary.pad);
    writer.number("tokenizer.ggml.mask_token_id", vocabulary.mask);
}

/// Adds all tensors in the order of the source, under llama.cpp's names.
fn add_tensors(
    writer: &mut GgufWriter,
    weights: &Safetensors,
    config: &Config,
    kind: WeightType,
) -> Result<(), ImportError> {
    let mut written = HashSet::new();
    for tensor in weights.tensors() {
        let source = tensor.name.strip_prefix("bert.").unwrap_or(&tensor.name);
        if source == "embeddings.position_ids" || source.starts_with("pooler.") {
            continue;
        }
        let (name, shape) = target(source, config).ok_or_else(|| {
            ImportError::Unsupported(format!("tensor {:?} in a BERT encoder", tensor.name))
        })?;
        // llama.cpp adds these to f32 activations without a matrix product.
        let single = ["position_embd", "token_types"].iter().any(|kept| name.starts_with(kept));
        let kind = if shape.len() < 2 || single { WeightType::F32 } else { kind };
        if !written.insert(name.clone()) {
            return Err(ImportError::Malformed {
                format: "safetensors",
                reason: format!("two tensors would be {name}"),
            });
        }
        writer.tensor(name, &shape, weights.weights(tensor, &shape)?, kind)?;
    }
    for name in required(config) {
        if !written.contains(&name) {
            return Err(ImportError::MissingTensor(name));
        }
    }
    Ok(())
}

/// (source, target) of the layers of one block.
const BLOCK_LAYERS: [(&str, &str); 8] = [
    ("attention.self.query", "attn_q"),
    ("attention.self.key", "attn_k"),
    ("attention.self.value", "attn_v"),
    ("attention.output.dense", "attn_output"),
    ("attention.output.LayerNorm", "attn_output_norm"),
    ("intermediate.dense", "ffn_up"),
    ("output.dense", "ffn_down"),
    ("output.LayerNorm", "layer_output_norm"),
];

/// The GGUF name of a source tensor and the shape that it must have.
fn target(source: &str, config: &Config) -> Option<(String, Vec<u64>)> {
    let (layer, part) = source.rsplit_once('.')?;
    if !matches!(part, "weight" | "bias") {
        return None;
    }
    let width = u64::from(config.hidden_size);
    let table = |rows: u32| vec![u64::from(rows), width];
    let (name, matrix) = if let Some(block) = layer.strip_prefix("encoder.layer.") {
        let (index, layer) = block.split_once('.')?;
        let index = index.parse::<u32>().ok().filter(|i| *i < config.num_hidden_layers)?;
        let (_, name) = BLOCK_LAYERS.iter().find(|(source, _)| *source == layer)?;
        let wide = u64::from(config.intermediate_size);
        let matrix = match *name {
            "attn_output_norm" | "layer_output_norm" => vec![width],
            "ffn_up" => vec![wide, width],
            "ffn_down" => vec![width, wide],
            _ => vec![width, width],
        };
        (format!("blk.{index}.{name}"), matrix)
    } else {
        let (name, matrix) = match (layer, part) {
            ("embeddings.word_embeddings", "weight") => ("token_embd", table(config.vocab_size)),
            ("embeddings.position_embeddings", "weight") => {
                ("position_embd", table(config.max_position_embeddings))
            }
            ("embeddings.token_type_embeddings", "weight") => {
                ("token_types", table(config.type_vocab_size))
            }
            ("embeddings.LayerNorm", _) => ("token_embd_norm", vec![width]),
            _ => return None,
        };
        (name.to_owned(), matrix)
    };
    let shape = if part == "bias" { matrix.into_iter().take(1).collect() } else { matrix };
    Some((format!("{name}.{part}"), shape))
}

/// Names of all tensors that llama.cpp asks for, one by one: the number of blocks is only a
/// claim of the configuration.
fn required(config: &Config) -> impl Iterator<Item = String> {
    let embeddings = [
        "token_embd.weight",
        "position_embd.weight",
        "token_types.weight",
        "token_embd_norm.weight",
        "token_embd_norm.bias",
    ];
    let blocks = (0..config.num_hidden_layers).flat_map(|index| {
        BLOCK_LAYERS.into_iter().flat_map(move |(_, name)| {
            ["weight", "bias"].map(|part| format!("blk.{index}.{name}.{part}"))
        })
    });
    embeddings.into_iter().map(str::to_owned).chain(blocks)
}
