use std::io;

/// Why a picture was not looked at.
#[derive(Debug, thiserror::Error)]
pub enum LookError {
    /// It cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It is no picture, of a format that is not decoded here, or one without pixels (as a JPEG of
    /// metadata alone).
    #[error("{0}")]
    Unsupported(String),
    /// Its bytes are not what its format says.
    #[error("damaged picture: {0}")]
    Damaged(String),
    /// It ends before its first rows of pixels, or in a format whose beginning cannot be shown.
    #[error("the picture ends too early")]
    Truncated,
    /// It is larger than memory is allowed for.
    #[error("{width} x {height} pixels of this kind need more than {memory} bytes of memory")]
    TooLarge {
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
        /// The limit, in bytes.
        memory: u64,
    },
}

impl LookError {
    /// Whether it is the picture's fault (and not, as an I/O error, that of the moment).
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        !matches!(self, Self::Io(_))
    }
}
