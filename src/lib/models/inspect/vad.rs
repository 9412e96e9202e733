//! The ggml voice activity file of whisper.cpp (`whisper_vad_init_with_params`).

use std::io::{Read, Seek};

use super::bounded::Bounded;
use super::{InspectError, Inspection, whisper};
use crate::catalogue::Format;

/// Weights and biases of four convolutions, four of the LSTM, two of the last convolution, one
/// of the short-time Fourier transform.
const TENSORS: u64 = 15;

/// Reads on after the magic number and the first word, which is the length of the model's type.
pub(super) fn read<R: Read + Seek>(input: &mut Bounded<R>) -> Result<Inspection, InspectError> {
    input.rewind_to(4)?;
    let length = input.u32("the model type")?;
    let kind = input.text(length.into(), 64, "the model type")?;
    if kind != "silero-16k" {
        let kind: String = kind.chars().filter(|c| !c.is_control()).collect();
        return Err(InspectError::Unsupported(format!("a voice activity model '{kind}'")));
    }
    let mut version = [0; 3];
    for n in &mut version {
        *n = input.i32_in(0..=1 << 20, "the version")?;
    }
    let window = input.i32_in(1..=1 << 16, "the window size")?;
    input.i32_in(0..=1 << 16, "the context size")?;
    // whisper.cpp builds exactly four encoder layers.
    let layers = input.i32_in(4..=4, "the number of encoder layers")?;
    let mut sizes = vec![];
    for _ in 0..layers * 3 + 4 {
        sizes.push(u64::from(input.i32_in(1..=1 << 12, "a size of the header")?));
    }
    let (shapes, tally) = whisper::read_tensors(input, TENSORS)?;
    check_shapes(&sizes, &shapes)?;
    let [major, minor, patch] = version;
    Ok(Inspection {
        format: Format::GgmlVad,
        architecture: kind,
        name: Some(format!("silero v{major}.{minor}.{patch}")),
        parameters: tally.total(),
        context: Some(window.into()),
        width: sizes.get(13).copied(),
        quantization: tally.most().into(),
        tensors: TENSORS,
        multilingual: None,
        bytes: input.length(),
    })
}

/// `sizes`: in, out, kernel of four convolutions; input and hidden size of the LSTM; in and out
/// of the last convolution.
fn check_shapes(sizes: &[u64], shapes: &whisper::Shapes) -> Result<(), InspectError> {
    let elements = |name: &str| shapes.get(name).map(|dims| dims.iter().product::<u64>());
    let fits = |name: String, expected: u64| match elements(&name) {
        Some(n) if n == expected => Ok(()),
        _ => Err(InspectError::Damaged(format!("'{name}' does not fit the header"))),
    };
    let (layers, rest) = sizes.split_at(12);
    for (i, layer) in layers.chunks_exact(3).enumerate() {
        let name = format!("_model.encoder.{i}.reparam_conv.weight");
        fits(name, layer.iter().product())?;
    }
    let [input, hidden, last_in, last_out] = rest else {
        return Err(InspectError::Damaged("an incomplete header".into()));
    };
    fits("_model.decoder.rnn.weight_ih".into(), input * hidden * 4)?;
    fits("_model.decoder.rnn.weight_hh".into(), hidden * hidden * 4)?;
    fits("_model.decoder.decoder.2.weight".into(), last_in * last_out)
}
