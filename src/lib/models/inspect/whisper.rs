//! The ggml file of whisper.cpp (`whisper_model_load`).

use std::collections::HashMap;
use std::io::{Read, Seek};

use super::bounded::Bounded;
use super::tensor::{Tally, extent};
use super::{InspectError, Inspection};
use crate::catalogue::Format;

/// Vocabulary of the models that know only English; one more is the smallest multilingual one.
const ENGLISH_VOCABULARY: u32 = 51_864;

struct Header {
    vocabulary: u32,
    audio_context: u32,
    audio_width: u32,
    audio_layers: u32,
    text_context: u32,
    text_width: u32,
    text_layers: u32,
}

impl Header {
    /// Number of tensors of such a model: 7 + 4 outside the layers, 15 in an encoder layer, 24 in
    /// a decoder layer (it has cross attention).
    fn tensors(&self) -> u64 {
        11 + 15 * u64::from(self.audio_layers) + 24 * u64::from(self.text_layers)
    }
}

/// Reads on after the magic number and the first word, which is the size of the vocabulary.
pub(super) fn read<R: Read + Seek>(input: &mut Bounded<R>) -> Result<Inspection, InspectError> {
    let header = read_header(input)?;
    let tokens = u64::from(input.i32_in(1..=1 << 20, "the number of tokens")?);
    if tokens > input.left() / 4 {
        return Err(InspectError::Damaged(format!("it announces {tokens} tokens")));
    }
    if tokens > u64::from(header.vocabulary) {
        return Err(InspectError::Damaged("more tokens than the vocabulary holds".into()));
    }
    for _ in 0..tokens {
        let length = input.i32_in(0..=1 << 10, "the length of a token")?;
        input.skip(length.into(), "a token")?;
    }
    let (shapes, tally) = read_tensors(input, header.tensors())?;
    check_shapes(&header, &shapes)?;
    Ok(Inspection {
        format: Format::GgmlWhisper,
        architecture: "whisper".into(),
        name: None,
        parameters: tally.total(),
        context: Some(header.audio_context.into()),
        width: Some(header.audio_width.into()),
        quantization: tally.most().into(),
        tensors: shapes.len() as u64,
        multilingual: Some(header.vocabulary > ENGLISH_VOCABULARY),
        bytes: input.length(),
    })
}

fn read_header<R: Read + Seek>(input: &mut Bounded<R>) -> Result<Header, InspectError> {
    let mut whole = [0; 10];
    let vocabulary = {
        // The caller read the word; it is taken again from the same place in the header.
        input.rewind_to(4)?;
        input.i32_in(ENGLISH_VOCABULARY as i32..=1 << 20, "the size of the vocabulary")?
    };
    for n in &mut whole {
        *n = input.i32_in(0..=1 << 20, "a number of the header")?;
    }
    let [
        audio_context,
        audio_width,
        audio_heads,
        audio_layers,
        text_context,
        text_width,
        text_heads,
        text_layers,
        mels,
        _file_type,
    ] = whole;
    let divides = |heads: u32, width: u32| heads > 0 && width > 0 && width.is_multiple_of(heads);
    if !divides(audio_heads, audio_width) || !divides(text_heads, text_width) {
        return Err(InspectError::Damaged("the attention heads do not divide the width".into()));
    }
    if !(1..=256).contains(&audio_layers) || !(1..=256).contains(&text_layers) {
        return Err(InspectError::Damaged("an impossible number of layers".into()));
    }
    let rows = input.i32_in(1..=1 << 10, "the mel filters")?;
    let columns = input.i32_in(1..=1 << 14, "the mel filters")?;
    if rows != mels {
        return Err(InspectError::Damaged("the mel filters do not fit the model".into()));
    }
    input.skip(u64::from(rows) * u64::from(columns) * 4, "the mel filters")?;
    Ok(Header {
        vocabulary,
        audio_context,
        audio_width,
        audio_layers,
        text_context,
        text_width,
        text_layers,
    })
}

pub(super) type Shapes = HashMap<String, Vec<u64>>;

/// Tensor records up to the end of the file: exactly `count` of them.
pub(super) fn read_tensors<R: Read + Seek>(
    input: &mut Bounded<R>,
    count: u64,
) -> Result<(Shapes, Tally), InspectError> {
    let mut shapes = HashMap::new();
    let mut tally = Tally::default();
    while input.left() > 0 {
        let n = input.i32_in(0..=4, "the dimensions of a tensor")?;
        let length = input.i32_in(1..=200, "the length of a tensor name")?;
        let kind = input.u32("a tensor type")?;
        let dims: Vec<u64> = (0..n)
            .map(|_| input.i32_in(1..=i32::MAX, "a dimension of a tensor").map(u64::from))
            .collect::<Result<_, _>>()?;
        let name = input.text(length.into(), 200, "a tensor name")?;
        let (elements, bytes) = extent(&name, kind, &dims)?;
        input.skip(bytes, &format!("tensor '{name}'"))?;
        tally.add(kind, elements);
        if shapes.insert(name, dims).is_some() {
            return Err(InspectError::Damaged("two tensors have one name".into()));
        }
        if shapes.len() as u64 > count {
            break;
        }
    }
    if shapes.len() as u64 != count {
        return Err(InspectError::Damaged(format!(
            "{} tensors, where such a model has {count}",
            shapes.len()
        )));
    }
    Ok((shapes, tally))
}

/// The numbers of the header decide how much memory the engine takes, so they have to be those
/// of the tensors that are really in the file.
fn check_shapes(header: &Header, shapes: &Shapes) -> Result<(), InspectError> {
    let expected = [
        ("encoder.positional_embedding", [header.audio_width, header.audio_context]),
        ("decoder.positional_embedding", [header.text_width, header.text_context]),
        ("decoder.token_embedding.weight", [header.text_width, header.vocabulary]),
    ];
    for (name, dims) in expected {
        if shapes.get(name).map(Vec::as_slice) != Some(&dims.map(u64::from)) {
            return Err(InspectError::Damaged(format!("'{name}' does not fit the header")));
        }
    }
    Ok(())
}
