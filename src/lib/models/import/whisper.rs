//! CTranslate2 Whisper model → the ggml file that whisper.cpp reads.
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
use super::tensor::Weights;
use super::tokenizer::whisper_tokens;

/// `ggml` in ASCII, as a number: the magic of ggml files before GGUF.
pub(super) const GGML_MAGIC: u32 = 0x6767_6d6c;
/// Version of the quantised block layouts, which the file type counts in thousands.
const QUANTIZATION_VERSION: u32 = 2;
/// Twice the mel bands of the largest Whisper.
const MAX_MELS: u64 = 256;
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
    let sizes = Sizes::read(&model, source)?;
    let tokens = whisper_tokens(tokenizer)?;
    if tokens.len() as u64 > sizes.vocab {
        return Err(ImportError::Unsupported(format!(
            "{} text tokens for {} embeddings",
            tokens.len(),
            sizes.vocab
        )));
    }
    let plan = Plan::new(&model, &sizes, kind)?;
    plan.check_key_biases(source)?;

    write_header(out, &sizes, kind)?;
    write_filters(out, sizes.mels)?;
    write_tokens(out, &tokens)?;
    for tensor in &plan.tensors {
        tensor.write(source, out)?;
    }
    Ok(plan.tensors.len())
}

/// The model's sizes, all at least 1.
#[derive(Clone, Debug)]
struct Sizes {
    vocab: u64,
    audio_ctx: u64,
    /// Width of both encoder and decoder.
    state: u64,
    audio_heads: u64,
    audio_layers: u64,
    text_ctx: u64,
    text_heads: u64,
    text_layers: u64,
    mels: u64,
}

impl Sizes {
    fn read<R: Read + Seek>(model: &Ct2Model, source: &mut R) -> Result<Self, ImportError> {
        let [vocab, state] = dimensions(model, "decoder/embeddings/weight")?;
        let [text_ctx, _] = dimensions(model, "decoder/position_encodings/encodings")?;
        let [audio_ctx, audio_state] = dimensions(model, "encoder/position_encodings/encodings")?;
        let [_, mels, _] = dimensions(model, "encoder/conv1/weight")?;
        let audio_heads = u64::from(model.integer(source, "encoder/num_heads")?);
        let text_heads = u64::from(model.integer(source, "decoder/num_heads")?);
        if audio_state != state {
            return Err(ImportError::Unsupported(format!(
                "an encoder of width {audio_state} with a decoder of width {state}"
            )));
        }
        let [audio_layers, text_layers] = [layers(model, "encoder"), layers(model, "decoder")];
        let sizes = [vocab, state, text_ctx, audio_ctx, audio_layers, text_layers, mels];
        if sizes.contains(&0) {
            return Err(ImportError::Unsupported("a Whisper model with a size of 0".to_owned()));
        }
        for heads in [audio_heads, text_heads] {
            if heads == 0 || state % heads != 0 {
                return Err(ImportError::Unsupported(format!(
                    "{heads} attention heads for a width of {state}"
                )));
            }
        }
        if mels > MAX_MELS {
            return Err(ImportError::Unsupported(format!("{mels} mel bands")));
        }
        Ok(Self {
            vocab,
            audio_ctx,
            state,
            audio_heads,
            audio_layers,
            text_ctx,
            text_heads,
            text_layers,
            mels,
        })
    }
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
    model: &'a Ct2Model,
    kind: WeightType,
    state: u64,
    tensors: Vec<Planned>,
    /// Biases of key projections: ggml has no place for them, so they must be zero.
    key_biases: Vec<(String, Weights)>,
}

impl<'a> Plan<'a> {
    fn new(model: &'a Ct2Model, sizes: &Sizes, kind: WeightType) -> Result<Self, ImportError> {
        let n = sizes.state;
        let mut plan = Self { model, kind, state: n, tensors: Vec::new(), key_biases: Vec::new() };
        plan.add(
            "encoder.positional_embedding",
            "encoder/position_encodings/encodings",
            &[sizes.audio_ctx, n],
        )?;
        for (conv, inputs) in [("conv1", sizes.mels), ("conv2", n)] {
            let source = format!("encoder/{conv}");
            plan.add(
                &format!("encoder.{conv}.weight"),
                &format!("{source}/weight"),
                &[n, inputs, 3],
            )?;
            let bias = model.weights(&format!("{source}/bias"), &[n])?;
            // A column, to be added to every frame.
            plan.push(format!("encoder.{conv}.bias"), vec![n, 1], bias)?;
        }
        plan.norm("encoder.ln_post", "encoder")?;
        plan.add(
            "decoder.positional_embedding",
            "decoder/position_encodings/encodings",
            &[sizes.text_ctx, n],
        )?;
        plan.add("decoder.token_embedding.weight", "decoder/embeddings/weight", &[sizes.vocab, n])?;
        plan.norm("decoder.ln", "decoder")?;
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
        let source = format!("{side}/layer_{index}/");
        let target = format!("{side}.blocks.{index}.");

        let own = format!("{source}self_attention");
        self.norm(&format!("{target}attn_ln"), &own)?;
        let stacked = format!("{own}/linear_0");
        self.attention(
            &format!("{target}attn"),
            [(&stacked, 0, 3), (&stacked, 1, 3), (&stacked, 2, 3)],
            &format!("{own}/linear_1"),
        )?;
        if cross {
            let cross = format!("{source}attention");
            self.norm(&format!("{target}cross_attn_ln"), &cross)?;
            let (query, stacked) = (format!("{cross}/linear_0"), format!("{cross}/linear_1"));
            self.attention(
                &format!("{target}cross_attn"),
                [(&query, 0, 1), (&stacked, 0, 2), (&stacked, 1, 2)],
                &format!("{cross}/linear_2"),
            )?;
        }
        self.norm(&format!("{target}mlp_ln"), &format!("{source}ffn"))?;
        let wide = n.saturating_mul(4);
        for (linear, mlp, rows, columns) in [(0, 0, wide, n), (1, 2, n, wide)] {
            let source = format!("{source}ffn/linear_{linear}");
            let target = format!("{target}mlp.{mlp}");
            self.add(&format!("{target}.weight"), &format!("{source}/weight"), &[rows, columns])?;
            self.add(&format!("{target}.bias"), &format!("{source}/bias"), &[rows])?;
        }
        Ok(())
    }

    /// Query, key and value, each the given part of a stacked layer, and the output layer.
    fn attention(
        &mut self,
        target: &str,
        parts: [(&str, u64, u64); 3],
        output: &str,
    ) -> Result<(), ImportError> {
        let n = self.state;
        let names = ["query", "key", "value", "out"];
        let layers = parts.into_iter().chain([(output, 0, 1)]);
        for (name, (layer, index, count)) in names.into_iter().zip(layers) {
            let weight = self.model.part(&format!("{layer}/weight"), &[n, n], index, count)?;
            let bias = self.model.part(&format!("{layer}/bias"), &[n], index, count)?;
            self.push(format!("{target}.{name}.weight"), vec![n, n], weight)?;
            let bias_name = format!("{target}.{name}.bias");
            if name == "key" {
                self.key_biases.push((bias_name, bias));
            } else {
                self.push(bias_name, vec![n], bias)?;
            }
        }
        Ok(())
    }

    fn norm(&mut self, target: &str, source: &str) -> Result<(), ImportError> {
        let shape = [self.state];
        self.add(&format!("{target}.weight"), &format!("{source}/layer_norm/gamma"), &shape)?;
        self.add(&format!("{target}.bias"), &format!("{source}/layer_norm/beta"), &shape)
    }

    /// A whole variable, which must have the given shape.
    fn add(&mut self, target: &str, source: &str, shape: &[u64]) -> Result<(), ImportError> {
        let weights = self.model.weights(source, shape)?;
        self.push(target.to_owned(), shape.to_vec(), weights)
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
