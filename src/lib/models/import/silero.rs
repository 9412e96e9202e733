//! Silero VAD weights → the ggml file that whisper.cpp's voice activity detector reads.
//!
//! ```text
//! i32 magic · i32 length · model type · 3 × i32 version
//! i32 window · i32 context · i32 layers, then for each layer: i32 inputs · outputs · kernel
//! i32 LSTM inputs · LSTM width · last layer's inputs · outputs
//! for each tensor: as in the Whisper file
//! ```

use std::io::{Read, Seek, Write};

use super::error::ImportError;
use super::quantize::{Ties, WeightType};
use super::safetensors::Safetensors;
use super::tensor::Weights;
use super::whisper::GGML_MAGIC;

/// Release of the `silero-vad` package whose weights are imported. The weights do not say it,
/// and whisper.cpp only logs it.
pub const RELEASE: [u32; 3] = [6, 2, 3];
/// How the file names the kind of model, by which it is told from a Whisper file.
pub(super) const MODEL_TYPE: &str = "silero-16k";

/// Samples of one window, and of the one before it that are looked at again.
const WINDOW: u32 = 512;
const CONTEXT: u32 = 64;
/// Bins and taps of the built-in Fourier transform; real and imaginary parts are stacked.
const STFT: [u64; 3] = [258, 1, 256];
/// (inputs, outputs) of the convolutions, all of kernel 3, for which whisper.cpp is written.
const CONVOLUTIONS: [(u64, u64); 4] = [(129, 128), (128, 64), (64, 64), (64, 128)];
const KERNEL: u64 = 3;
/// Width of the LSTM, whose four gates are stacked.
const HIDDEN: u64 = 128;

/// Converts `silero_vad_16k.safetensors`; returns the number of tensors.
///
/// The format fixes the types: `f16` for convolutions, `f32` for the rest.
///
/// # Errors
/// Whatever [`Safetensors::read`] returns; [`ImportError::MissingTensor`],
/// [`ImportError::Shape`] and [`ImportError::Dtype`] if it is not the 16 kHz model;
/// [`ImportError::NotFinite`] and [`ImportError::OutOfRange`] for its values.
pub fn convert_silero<R: Read + Seek, W: Write>(
    source: &mut R,
    out: &mut W,
    release: [u32; 3],
) -> Result<usize, ImportError> {
    let file = Safetensors::read(source)?;
    let tensors = plan(&file)?;
    write_header(out, release)?;
    for tensor in &tensors {
        write_numbers(
            out,
            &[tensor.dims.len() as u32, tensor.name.len() as u32, tensor.kind.ggml_type()],
        )?;
        // The shapes are the constants of this file: they fit.
        for &dim in tensor.dims.iter().rev() {
            write_numbers(out, &[dim as u32])?;
        }
        out.write_all(tensor.name.as_bytes())?;
        tensor.weights.write(&tensor.name, source, out, tensor.kind, Ties::ToEven)?;
    }
    Ok(tensors.len())
}

struct Planned {
    name: String,
    /// Dimensions that are written, outermost first.
    dims: Vec<u64>,
    weights: Weights,
    kind: WeightType,
}

fn plan(file: &Safetensors) -> Result<Vec<Planned>, ImportError> {
    let mut tensors = Vec::new();
    let mut add = |name: String, source: &str, shape: &[u64], dims: &[u64], kind| {
        let weights = file.weights(file.get(source)?, shape)?;
        tensors.push(Planned { name, dims: dims.to_vec(), weights, kind });
        Ok::<_, ImportError>(())
    };
    let (half, single) = (WeightType::F16, WeightType::F32);
    for (i, (inputs, outputs)) in CONVOLUTIONS.into_iter().enumerate() {
        let name = |part| format!("_model.encoder.{i}.reparam_conv.{part}");
        let source = |part| format!("conv{}.{part}", i + 1);
        let shape = [outputs, inputs, KERNEL];
        add(name("weight"), &source("weight"), &shape, &shape, half)?;
        add(name("bias"), &source("bias"), &[outputs], &[outputs], single)?;
    }
    let gates = 4 * HIDDEN;
    for part in ["weight_ih", "weight_hh", "bias_ih", "bias_hh"] {
        let matrix = [gates, HIDDEN];
        let shape = if part.starts_with("weight") { &matrix[..] } else { &matrix[..1] };
        let name = format!("_model.decoder.rnn.{part}");
        add(name, &format!("lstm_cell.{part}"), shape, shape, single)?;
    }
    let last = "_model.decoder.decoder.2";
    add(format!("{last}.weight"), "final_conv.weight", &[1, HIDDEN, 1], &[HIDDEN], half)?;
    // A single number: written without dimensions.
    add(format!("{last}.bias"), "final_conv.bias", &[1], &[], single)?;
    add("_model.stft.forward_basis_buffer".to_owned(), "stft_conv.weight", &STFT, &STFT, half)?;
    Ok(tensors)
}

fn write_header<W: Write>(out: &mut W, release: [u32; 3]) -> Result<(), ImportError> {
    write_numbers(out, &[GGML_MAGIC, MODEL_TYPE.len() as u32])?;
    out.write_all(MODEL_TYPE.as_bytes())?;
    write_numbers(out, &release)?;
    write_numbers(out, &[WINDOW, CONTEXT, CONVOLUTIONS.len() as u32])?;
    for (inputs, outputs) in CONVOLUTIONS {
        write_numbers(out, &[inputs as u32, outputs as u32, KERNEL as u32])?;
    }
    write_numbers(out, &[HIDDEN as u32, HIDDEN as u32, HIDDEN as u32, 1])
}

fn write_numbers<W: Write>(out: &mut W, numbers: &[u32]) -> Result<(), ImportError> {
    for number in numbers {
        out.write_all(&number.to_le_bytes())?;
    }
    Ok(())
}
