//! The names of operators taken out of an ONNX file.
//!
//! ONNX lets an operator have the name of another one's output; the runtime keeps one list of both.
//! Operators need no names, values do. Only the lengths around what is left out change; fields are
//! those of `onnx.proto`, the encoding is that of protocol buffers.

use std::ops::Range;

/// `ModelProto.graph`, `GraphProto.node`, `NodeProto.name`.
const GRAPH: u64 = 7;
const NODE: u64 = 1;
const NAME: u64 = 3;

/// The file without names of operators; `None` where it is no message of protocol buffers.
pub(crate) fn unnamed(model: &[u8]) -> Option<Vec<u8>> {
    edited(model, GRAPH, |graph| edited(graph, NODE, |node| without(node, NAME)))
}

/// A field of a message: its number, all its bytes, and where its content is, if it has a length.
struct Field {
    number: u64,
    all: Range<usize>,
    content: Option<Range<usize>>,
}

/// The message with the content of one field edited.
fn edited(message: &[u8], number: u64, edit: impl Fn(&[u8]) -> Option<Vec<u8>>) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(message.len());
    for field in fields(message)? {
        match field.content {
            Some(content) if field.number == number => {
                let new = edit(&message[content])?;
                put_number(&mut out, number << 3 | 2);
                put_number(&mut out, new.len() as u64);
                out.extend_from_slice(&new);
            }
            _ => out.extend_from_slice(&message[field.all]),
        }
    }
    Some(out)
}

fn without(message: &[u8], number: u64) -> Option<Vec<u8>> {
    let fields = fields(message)?.into_iter().filter(|field| field.number != number);
    Some(fields.flat_map(|field| &message[field.all]).copied().collect())
}

fn fields(message: &[u8]) -> Option<Vec<Field>> {
    let mut fields = Vec::new();
    let mut at = 0;
    while at < message.len() {
        let start = at;
        let key = take_number(message, &mut at)?;
        let mut content = None;
        match key & 7 {
            0 => {
                take_number(message, &mut at)?;
            }
            1 => at = at.checked_add(8)?,
            2 => {
                let length = usize::try_from(take_number(message, &mut at)?).ok()?;
                content = Some(at..at.checked_add(length)?);
                at = at.checked_add(length)?;
            }
            5 => at = at.checked_add(4)?,
            _ => return None,
        }
        if at > message.len() {
            return None;
        }
        fields.push(Field { number: key >> 3, all: start..at, content });
    }
    Some(fields)
}

/// A number of seven bits a byte, the lowest first.
fn take_number(message: &[u8], at: &mut usize) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let byte = *message.get(*at)?;
        *at += 1;
        number |= u64::from(byte & 127) << shift;
        if byte < 128 {
            return Some(number);
        }
    }
    None
}

fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number > 127 {
        out.push(number as u8 | 128);
        number >>= 7;
    }
    out.push(number as u8);
}
