//! Whisper model of CTranslate2 or of Hugging Face's transformers → the ggml file that whisper.cpp
//! reads.
//!
//! ```text
//! i32 magic · 11 × i32 sizes and file type
//! i32 mels · i32 bins · f32 × mels × bins      the mel filter bank
//! i32 count, then for each token: i32 length · bytes
//! for each tensor: i32 rank · i32 name length · i32 type
//!                  i32 × rank dimensions, innermost first · name · data
//! ```

use std::io::{Read, Seek, Write};

use super::ct2::Ct2Model;
use super::error::ImportError;
use super::mel;
use super::quantize::{BLOCK, Ties, WeightType};
use super::safetensors::Safetensors;
use super::tensor::Weights;
use super::tokenizer::whisper_tokens;
use super::whisper_origin::{Ct2Names, HubNames, Origin, config_sizes, ct2_sizes};

/// `ggml` in ASCII, as a number: the magic of ggml files before GGUF.
pub(super) const GGML_MAGIC: u32 = 0x6767_6d6c;
/// Version of the quantised block layouts, which the file type counts in thousands.
const QUANTIZATION_VERSION: u32 = 2;
/// Twice the mel bands of the largest Whisper.
const MAX_MELS: u64 = 256;
/// Four times the layers of the largest Whisper.
const MAX_LAYERS: u64 = 128;
/// Matrices that whisper.cpp reads as `f32` whatever the file type.
const ALWAYS_F32: [&str; 4] = [
    "encoder.conv1.bias",
    "encoder.conv2.bias",
    "encoder.positional_embedding",
    "decoder.positional_embedding",
];

/// Converts a CTranslate2 `model.bin` and its `tokenizer.json`; returns the number of tensors.
///
/// Everything is checked before the first byte is written, except the weights' values.
///
/// # Errors
/// Whatever [`Ct2Model::read`] and [`whisper_tokens`] return; [`ImportError::Shape`],
/// [`ImportError::MissingTensor`] and [`ImportError::Dtype`] if the variables are not those of
/// a Whisper model; [`ImportError::NotFinite`], [`ImportError::OutOfRange`] and
/// [`ImportError::RowNotBlocks`] if they cannot be stored as `kind`.
pub fn convert_whisper<R: Read + Seek, T: Read, W: Write>(
    source: &mut R,
    tokenizer: T,
    out: &mut W,
    kind: WeightType,
) -> Result<usize, ImportError> {
    let model = Ct2Model::read(source)?;
    let sizes = ct2_sizes(&model, source)?;
    convert(&Ct2Names(&model), source, &sizes, tokenizer, out, kind)
}

/// Converts the `model.safetensors`, `config.json` and `tokenizer.json` of a Whisper model as
/// Hugging Face's transformers save it, fine-tuned ones among them; returns the number of tensors.
///
/// # Errors
/// Whatever [`Safetensors::read`] and [`whisper_tokens`] return; [`ImportError::Malformed`] and
/// [`ImportError::Unsupported`] for the configuration; for the weights as [`convert_whisper`].
pub fn convert_whisper_safetensors<R: Read + Seek, T: Read, W: Write>(
    source: &mut R,
    config: &[u8],
    tokenizer: T,
    out: &mut W,
    kind: WeightType,
) -> Result<usize, ImportError> {
    let file = Safetensors::read(source)?;
    let sizes = config_sizes(config)?;
    convert(&HubNames::new(&file), source, &sizes, tokenizer, out, kind)
}

fn convert<R: Read + Seek, T: Read, W: Write>(
    origin: &dyn Origin,
    source: &mut R,
    sizes: &Sizes,
    tokenizer: T,
    out: &mut W,
    kind: WeightType,
) -> Result<usize, ImportError> {
    sizes.check()?;
    let tokens = whisper_tokens(tokenizer)?;
    if tokens.len() as u64 > sizes.vocab {
        return Err(ImportError::Unsupported(format!(
            "{} text tokens for {} embeddings",
            tokens.len(),
            sizes.vocab
        )));
    }
    let plan = Plan::new(origin, sizes, kind)?;
    plan.check_key_biases(source)?;

    write_header(out, sizes, kind)?;
    write_filters(out, sizes.mels)?;
    write_tokens(out, &tokens)?;
    for tensor in &plan.tensors {
        tensor.write(source, out)?;
    }
    Ok(plan.tensors.len())
}

/// The model's sizes.
#[derive(Clone, Debug)]
pub(super) struct Sizes {
    pub(super) vocab: u64,
    pub(super) audio_ctx: u64,
    /// Width of both encoder and decoder.
    pub(super) state: u64,
    pub(super) audio_heads: u64,
    pub(super) audio_layers: u64,
    pub(super) text_ctx: u64,
    pub(super) text_heads: u64,
    pub(super) text_layers: u64,
    pub(super) mels: u64,
}

impl Sizes {
    /// An error unless all are at least 1 and a Whisper model can have them.
    fn check(&self) -> Result<(), ImportError> {
        let (contexts, layers) =
            ([self.text_ctx, self.audio_ctx], [self.audio_layers, self.text_layers]);
        let sizes = [[self.vocab, self.state], contexts, layers, [self.mels, 1]];
        if sizes.as_flattened().contains(&0) {
            return Err(ImportError::Unsupported("a Whisper model with a size of 0".to_owned()));
        }
        for heads in [self.audio_heads, self.text_heads] {
            if heads == 0 || !self.state.is_multiple_of(heads) {
                return Err(ImportError::Unsupported(format!(
                    "{heads} attention heads for a width of {}",
                    self.state
                )));
            }
        }
        if self.mels > MAX_MELS {
            return Err(ImportError::Unsupported(format!("{} mel bands", self.mels)));
        }
        if layers.iter().any(|n| *n > MAX_LAYERS) {
            return Err(ImportError::Unsupported(format!("more than {MAX_LAYERS} layers")));
        }
        Ok(())
    }
}

/// A tensor to be written.
#[derive(Debug)]
struct Planned {
    name: String,
    /// Outermost first.
    shape: Vec<u64>,
    weights: Weights,
    kind: WeightType,
}

impl Planned {
    fn write<R: Read + Seek, W: Write>(
        &self,
        source: &mut R,
        out: &mut W,
    ) -> Result<(), ImportError> {
        write_i32(out, self.shape.len() as u64)?;
        write_i32(out, self.name.len() as u64)?;
        write_i32(out, u64::from(self.kind.ggml_type()))?;
        for &dimension in self.shape.iter().rev() {
            write_i32(out, dimension)?;
        }
        out.write_all(self.name.as_bytes())?;
        self.weights.write(&self.name, source, out, self.kind, Ties::ToEven)?;
        Ok(())
    }
}

/// All tensors of the file, in its order.
struct Plan<'a> {
    origin: &'a dyn Origin,
    kind: WeightType,
    state: u64,
    tensors: Vec<Planned>,
    /// Biases of key projections: ggml has no place for them, so they must be zero.
    key_biases: Vec<(String, Weights)>,
}

impl<'a> Plan<'a> {
    fn new(origin: &'a dyn Origin, sizes: &Sizes, kind: WeightType) -> Result<Self, ImportError> {
        let n = sizes.state;
        let mut plan = Self { origin, kind, state: n, tensors: Vec::new(), key_biases: Vec::new() };
        plan.add("encoder.positional_embedding", &[sizes.audio_ctx, n])?;
        for (conv, inputs) in [("conv1", sizes.mels), ("conv2", n)] {
            plan.add(&format!("encoder.{conv}.weight"), &[n, inputs, 3])?;
            let name = format!("encoder.{conv}.bias");
            let bias = origin.weights(&name, &[n])?;
            // A column, to be added to every frame.
            plan.push(name, vec![n, 1], bias)?;
        }
        plan.layer("encoder.ln_post", &[n])?;
        plan.add("decoder.positional_embedding", &[sizes.text_ctx, n])?;
        plan.add("decoder.token_embedding.weight", &[sizes.vocab, n])?;
        plan.layer("decoder.ln", &[n])?;
        for i in 0..sizes.audio_layers {
            plan.block("encoder", i, false)?;
        }
        for i in 0..sizes.text_layers {
            plan.block("decoder", i, true)?;
        }
        Ok(plan)
    }

    /// One transformer block; the decoder's also attends to the encoder.
    fn block(&mut self, side: &str, index: u64, cross: bool) -> Result<(), ImportError> {
        let n = self.state;
        let name = |layer: &str| format!("{side}.blocks.{index}.{layer}");
        self.layer(&name("attn_ln"), &[n])?;
        self.attention(&name("attn"))?;
        if cross {
            self.layer(&name("cross_attn_ln"), &[n])?;
            self.attention(&name("cross_attn"))?;
        }
        self.layer(&name("mlp_ln"), &[n])?;
        let wide = n.saturating_mul(4);
        self.layer(&name("mlp.0"), &[wide, n])?;
        self.layer(&name("mlp.2"), &[n, wide])
    }

    /// Query, key, value and the output layer.
    fn attention(&mut self, name: &str) -> Result<(), ImportError> {
        let n = self.state;
        for part in ["query", "key", "value", "out"] {
            if part == "key" {
                self.add(&format!("{name}.key.weight"), &[n, n])?;
                let bias = format!("{name}.key.bias");
                let weights = self.origin.key_bias(&bias, &[n])?;
                self.key_biases.extend(weights.map(|weights| (bias, weights)));
            } else {
                self.layer(&format!("{name}.{part}"), &[n, n])?;
            }
        }
        Ok(())
    }

    /// The weights of a layer, and a bias for each row.
    fn layer(&mut self, name: &str, shape: &[u64]) -> Result<(), ImportError> {
        self.add(&format!("{name}.weight"), shape)?;
        self.add(&format!("{name}.bias"), &shape[..1])
    }

    fn add(&mut self, name: &str, shape: &[u64]) -> Result<(), ImportError> {
        let weights = self.origin.weights(name, shape)?;
        self.push(name.to_owned(), shape.to_vec(), weights)
    }

    fn push(&mut self, name: String, shape: Vec<u64>, weights: Weights) -> Result<(), ImportError> {
        let kind = if shape.len() < 2 || ALWAYS_F32.contains(&name.as_str()) {
            WeightType::F32
        } else if self.kind.is_quantized() && shape.len() != 2 {
            WeightType::F16
        } else {
            self.kind
        };
        let row = shape.last().copied().unwrap_or(1);
        if kind.is_quantized() && row % BLOCK as u64 != 0 {
            return Err(ImportError::RowNotBlocks { name, row, weights: kind });
        }
        self.tensors.push(Planned { name, shape, weights, kind });
        Ok(())
    }

    fn check_key_biases<R: Read + Seek>(&self, source: &mut R) -> Result<(), ImportError> {
        for (name, bias) in &self.key_biases {
            bias.stream(name, source, |run| {
                if run.iter().all(|value| *value == 0.0) {
                    Ok(())
                } else {
                    Err(ImportError::Unsupported(format!("{name} is not zero")))
                }
            })?;
        }
        Ok(())
    }
}

fn write_header<W: Write>(out: &mut W, sizes: &Sizes, kind: WeightType) -> Result<(), ImportError> {
    let version = if kind.is_quantized() { QUANTIZATION_VERSION * 1000 } else { 0 };
    out.write_all(&GGML_MAGIC.to_le_bytes())?;
    for number in [
        sizes.vocab,
        sizes.audio_ctx,
        sizes.state,
        sizes.audio_heads,
        sizes.audio_layers,
        sizes.text_ctx,
        sizes.state,
        sizes.text_heads,
        sizes.text_layers,
        sizes.mels,
        u64::from(kind.file_type() + version),
    ] {
        write_i32(out, number)?;
    }
    Ok(())
}

fn write_filters<W: Write>(out: &mut W, mels: u64) -> Result<(), ImportError> {
    write_i32(out, mels)?;
    write_i32(out, mel::BINS as u64)?;
    // At most MAX_MELS.
    for value in mel::filters(mels as usize) {
        out.write_all(&value.to_le_bytes())?;
    }
    Ok(())
}

fn write_tokens<W: Write>(out: &mut W, tokens: &[Vec<u8>]) -> Result<(), ImportError> {
    write_i32(out, tokens.len() as u64)?;
    for token in tokens {
        write_i32(out, token.len() as u64)?;
        out.write_all(token)?;
    }
    Ok(())
}

/// Writes a number as the `i32` of the format, little endian.
fn write_i32<W: Write>(out: &mut W, value: u64) -> Result<(), ImportError> {
    let value = i32::try_from(value)
        .map_err(|_| ImportError::Unsupported(format!("{value} does not fit a ggml header")))?;
    Ok(out.write_all(&value.to_le_bytes())?)
}
