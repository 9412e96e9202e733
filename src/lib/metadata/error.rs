//! Errors of reading metadata and of writing sidecars.

use std::io;

/// Why no metadata could be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The content is of no known picture or video format.
    #[error("not a picture or video of a known format")]
    Unsupported,
    /// There is nothing in the file.
    #[error("the file is empty")]
    Empty,
    /// Reading or seeking failed.
    #[error("reading failed: {0}")]
    Read(#[from] io::Error),
}

/// Why a sidecar could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SidecarError {
    /// The text is no well-formed XML, or holds no `rdf:RDF`.
    #[error("not an XMP sidecar: {0}")]
    Xmp(String),
    /// The text is not the JSON that Google Takeout writes beside a picture.
    #[error("not a Takeout description: {0}")]
    Takeout(String),
    /// The sidecar is larger than any that a program writes.
    #[error("the sidecar is larger than {0} bytes")]
    TooLarge(usize),
}
