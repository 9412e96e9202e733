//! The table of cities that the library `places` reads.

use std::io::{Read, Seek};

use super::bounded::Bounded;
use super::{InspectError, Inspection};
use crate::catalogue::Format;

/// The largest table that is read; that of all cities has a tenth of this.
const MAX: usize = 128 << 20;

/// Reads the whole table: every index and text in it is checked.
pub(super) fn read<R: Read + Seek>(input: &mut Bounded<R>) -> Result<Inspection, InspectError> {
    input.rewind_to(0)?;
    let bytes = input.bytes(input.length(), MAX, "the table")?;
    let places = places::Places::from_bytes(bytes)
        .map_err(|error| InspectError::Damaged(error.to_string()))?;
    Ok(Inspection {
        format: Format::Places,
        architecture: "places".into(),
        name: Some("GeoNames".into()),
        parameters: places.len() as u64,
        context: None,
        width: None,
        quantization: "i32".into(),
        tensors: 1,
        multilingual: None,
        bytes: input.length(),
    })
}
