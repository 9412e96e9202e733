//! GGUF, versions 2 and 3, little endian.

use std::collections::{HashMap, HashSet};
use std::io::{Read, Seek};

use super::bounded::Bounded;
use super::tensor::{Tally, extent};
use super::{InspectError, Inspection};
use crate::catalogue::Format;

/// ggml keeps tensor names in 64 bytes with the terminator.
const NAME_LIMIT: usize = 63;
/// The specification's limit for keys.
const KEY_LIMIT: usize = 65_535;
/// Longest text kept; the longest ones of real files are chat templates of some 10 kB.
const TEXT_LIMIT: usize = 1 << 20;
const TENSOR_LIMIT: u64 = 1 << 17;
const PAIR_LIMIT: u64 = 1 << 16;

const STRING: u32 = 8;
const ARRAY: u32 = 9;

/// A metadata value, as far as it is of interest here.
enum Value {
    Number(u64),
    Text(String),
    Other,
}

pub(super) fn read<R: Read + Seek>(input: &mut Bounded<R>) -> Result<Inspection, InspectError> {
    let version = input.u32("the version")?;
    match version {
        2 | 3 => {}
        _ if version.swap_bytes() <= 3 => {
            return Err(InspectError::Unsupported("a big-endian GGUF file".into()));
        }
        _ => return Err(InspectError::Unsupported(format!("GGUF version {version}"))),
    }
    let tensors = input.u64("the header")?;
    let pairs = input.u64("the header")?;
    // The smallest tensor record has 24 bytes, the smallest pair 13.
    if tensors > TENSOR_LIMIT || tensors > input.left() / 24 {
        return Err(InspectError::Damaged(format!("it announces {tensors} tensors")));
    }
    if pairs > PAIR_LIMIT || pairs > input.left() / 13 {
        return Err(InspectError::Damaged(format!("it announces {pairs} metadata values")));
    }
    let metadata = read_metadata(input, pairs)?;
    let alignment = match metadata.get("general.alignment") {
        None => 32,
        Some(Value::Number(n)) if n.is_power_of_two() && *n <= 1 << 20 => *n,
        Some(_) => return Err(InspectError::Damaged("the alignment is no power of two".into())),
    };
    let tally = read_tensors(input, tensors, alignment)?;
    Ok(describe(&metadata, &tally, tensors, input.length()))
}

fn read_metadata<R: Read + Seek>(
    input: &mut Bounded<R>,
    pairs: u64,
) -> Result<HashMap<String, Value>, InspectError> {
    let mut metadata = HashMap::new();
    for _ in 0..pairs {
        let length = input.u64("a metadata key")?;
        let key = input.text(length, KEY_LIMIT, "a metadata key")?;
        let kind = input.u32("a metadata type")?;
        let value = read_value(input, kind, &key)?;
        if metadata.contains_key(&key) {
            return Err(InspectError::Damaged(format!("'{key}' is there twice")));
        }
        metadata.insert(key, value);
    }
    Ok(metadata)
}

/// Bytes of a value of fixed size.
fn fixed_size(kind: u32) -> Option<u64> {
    match kind {
        0 | 1 | 7 => Some(1),
        2 | 3 => Some(2),
        4..=6 => Some(4),
        10..=12 => Some(8),
        _ => None,
    }
}

fn read_value<R: Read + Seek>(
    input: &mut Bounded<R>,
    kind: u32,
    key: &str,
) -> Result<Value, InspectError> {
    let unsupported =
        |kind: u32| InspectError::Unsupported(format!("'{key}' has the unknown type {kind}"));
    Ok(match kind {
        4 => Value::Number(input.u32(key)?.into()),
        10 => Value::Number(input.u64(key)?),
        STRING => {
            let length = input.u64(key)?;
            Value::Text(input.text(length, TEXT_LIMIT, key)?)
        }
        ARRAY => {
            let kind = input.u32(key)?;
            let count = input.u64(key)?;
            match fixed_size(kind) {
                Some(size) => {
                    let bytes = count.saturating_mul(size);
                    input.skip(bytes, key)?;
                }
                None if kind == STRING => {
                    if count > input.left() / 8 {
                        return Err(InspectError::Damaged(format!("'{key}' has {count} texts")));
                    }
                    for _ in 0..count {
                        let length = input.u64(key)?;
                        input.skip(length, key)?;
                    }
                }
                // llama.cpp does not read arrays of arrays either.
                None => return Err(unsupported(kind)),
            }
            Value::Other
        }
        _ => {
            let size = fixed_size(kind).ok_or_else(|| unsupported(kind))?;
            input.skip(size, key)?;
            Value::Other
        }
    })
}

fn read_tensors<R: Read + Seek>(
    input: &mut Bounded<R>,
    count: u64,
    alignment: u64,
) -> Result<Tally, InspectError> {
    let mut names = HashSet::new();
    let mut ranges = Vec::new();
    let mut tally = Tally::default();
    for _ in 0..count {
        let length = input.u64("a tensor name")?;
        let name = input.text(length, NAME_LIMIT, "a tensor name")?;
        let n = input.u32("a tensor record")?;
        if n > 4 {
            return Err(InspectError::Damaged(format!("tensor '{name}' has {n} dimensions")));
        }
        let dims: Vec<u64> =
            (0..n).map(|_| input.u64("a tensor record")).collect::<Result<_, _>>()?;
        let kind = input.u32("a tensor record")?;
        let offset = input.u64("a tensor record")?;
        let (elements, bytes) = extent(&name, kind, &dims)?;
        if !offset.is_multiple_of(alignment) {
            return Err(InspectError::Damaged(format!("tensor '{name}' is not aligned")));
        }
        tally.add(kind, elements);
        ranges.push((offset, bytes, name.clone()));
        if !names.insert(name) {
            return Err(InspectError::Damaged("two tensors have one name".into()));
        }
    }
    let start = input.position().next_multiple_of(alignment);
    check_ranges(&mut ranges, start, input.length())?;
    Ok(tally)
}

/// All data is inside the file and no two tensors share a byte.
fn check_ranges(
    ranges: &mut [(u64, u64, String)],
    start: u64,
    length: u64,
) -> Result<(), InspectError> {
    ranges.sort_unstable();
    let mut free = 0;
    for (offset, bytes, name) in ranges {
        if *offset < free {
            return Err(InspectError::Damaged(format!("tensor '{name}' overlaps another")));
        }
        let end = offset.checked_add(*bytes).and_then(|end| end.checked_add(start));
        let missing = end.unwrap_or(u64::MAX).saturating_sub(length);
        if missing > 0 {
            return Err(InspectError::Truncated {
                what: format!("tensor '{name}'"),
                needed: missing,
            });
        }
        free = *offset + *bytes;
    }
    Ok(())
}

fn describe(
    metadata: &HashMap<String, Value>,
    tally: &Tally,
    tensors: u64,
    bytes: u64,
) -> Inspection {
    let text = |key: &str| match metadata.get(key) {
        Some(Value::Text(text)) => Some(text.clone()),
        _ => None,
    };
    let number = |key: &str| match metadata.get(key) {
        Some(Value::Number(n)) => Some(*n),
        _ => None,
    };
    let architecture = text("general.architecture").unwrap_or_else(|| "unknown".into());
    let file_type = number("general.file_type").and_then(file_type_name);
    Inspection {
        format: Format::Gguf,
        name: text("general.name"),
        parameters: tally.total(),
        context: number(&format!("{architecture}.context_length")),
        width: number(&format!("{architecture}.embedding_length")),
        quantization: file_type.unwrap_or_else(|| tally.most()).to_owned(),
        architecture,
        tensors,
        multilingual: None,
        bytes,
    }
}

/// llama.cpp's names of mixtures (llama.h, `enum llama_ftype`).
fn file_type_name(kind: u64) -> Option<&'static str> {
    Some(match kind {
        0 => "F32",
        1 => "F16",
        2 => "Q4_0",
        3 => "Q4_1",
        7 => "Q8_0",
        8 => "Q5_0",
        9 => "Q5_1",
        10 => "Q2_K",
        11 => "Q3_K_S",
        12 => "Q3_K_M",
        13 => "Q3_K_L",
        14 => "Q4_K_S",
        15 => "Q4_K_M",
        16 => "Q5_K_S",
        17 => "Q5_K_M",
        18 => "Q6_K",
        32 => "BF16",
        _ => return None,
    })
}
