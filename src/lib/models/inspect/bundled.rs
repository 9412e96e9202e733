//! Bundles of ONNX graphs.

use std::io::{Read, Seek};

use bundle::{Bundle, Error, Kind};

use super::bounded::Bounded;
use super::{InspectError, Inspection};
use crate::catalogue::Format;

/// Reads the header: the lengths in it are those of the file. The graphs are not run.
pub(super) fn read<R: Read + Seek>(input: &mut Bounded<R>) -> Result<Inspection, InspectError> {
    let bytes = input.length();
    let bundle = Bundle::read(input.source()).map_err(|error| match error {
        Error::Io(error) => InspectError::Io(error),
        Error::Format(text) => InspectError::Damaged(text),
    })?;
    let header = bundle.header();
    let (format, architecture) = match header.kind {
        Kind::Faces => (Format::Faces, "mtcnn"),
        Kind::Labels => (Format::Labels, "classifier"),
    };
    Ok(Inspection {
        format,
        architecture: architecture.into(),
        name: None,
        // Nearly all of an ONNX file are weights of four bytes.
        parameters: header.size() / 4,
        context: None,
        width: (header.kind == Kind::Labels).then_some(header.labels.len() as u64),
        quantization: "F32".into(),
        tensors: header.graphs.len() as u64,
        multilingual: None,
        bytes,
    })
}
