//! Mending the clock of a camera that was set wrong.

use std::str::FromStr;

use jiff::Span;

use crate::camera::Metadata;

/// How far a camera's clock is to be moved: `Canon EOS 70D=+1h`, `*=-1d 2h 30m`.
///
/// The name is compared without regard to case with the camera's [name](crate::Camera::name), its
/// model and its serial number; `*` in it stands for anything.
#[derive(Clone, Debug)]
pub struct Shift {
    camera: String,
    by: Span,
}

/// Why a shift cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no shift: {why}")]
pub struct ShiftError {
    text: String,
    why: &'static str,
}

impl FromStr for Shift {
    type Err = ShiftError;

    fn from_str(text: &str) -> Result<Self, ShiftError> {
        Err(ShiftError { text: text.to_owned(), why: "CAMERA=DURATION is expected" })
    }
}

impl Shift {
    /// Whether it is meant for this camera.
    #[must_use]
    pub fn applies(&self, metadata: &Metadata) -> bool {
        let _ = (&self.camera, metadata);
        false
    }

    /// Moves the dates that the camera's clock wrote; GPS times and names that programs gave stay.
    /// Returns whether it applied.
    pub fn apply(&self, metadata: &mut Metadata) -> bool {
        let _ = self.by;
        self.applies(metadata)
    }
}
