//! What can go wrong while recognising or converting a model.

use std::io;
use std::path::{Path, PathBuf};

use super::quantize::WeightType;

/// Why a model file was not recognised or not converted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// Another error, with the file it is about.
    #[error("{}: {reason}", path.display())]
    InFile {
        /// The file that was being read or written.
        path: PathBuf,
        /// What is wrong with it.
        reason: Box<Self>,
    },
    /// The operating system refused to read or write.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The file is of no kind that can be imported.
    #[error("not a model that can be imported: {0}")]
    Unrecognised(String),
    /// The file is already in a form that the engines read.
    #[error("is {0} already: no conversion is needed")]
    Ready(&'static str),
    /// The format's rules are broken, or a count or offset in the file is a lie.
    #[error("damaged {format} file: {reason}")]
    Malformed {
        /// The format's name.
        format: &'static str,
        /// The rule that is broken.
        reason: String,
    },
    /// The file is well formed, but uses something that the converter does not handle.
    #[error("not supported: {0}")]
    Unsupported(String),
    /// A tensor that the architecture needs is not there.
    #[error("tensor {0} is missing")]
    MissingTensor(String),
    /// A tensor has another shape than the model's sizes ask for.
    #[error("tensor {name} has the shape {found:?}, expected {expected:?}")]
    Shape {
        /// The tensor's name in the source file.
        name: String,
        /// Dimensions that the sizes of the model ask for, outermost first.
        expected: Vec<u64>,
        /// Dimensions in the file, outermost first.
        found: Vec<u64>,
    },
    /// A tensor's element type cannot be read as a weight.
    #[error("tensor {name} has the data type {dtype}, which is not a weight type")]
    Dtype {
        /// The tensor's name in the source file.
        name: String,
        /// The data type as the format names it.
        dtype: String,
    },
    /// A weight or its scale is infinite or not a number.
    #[error("tensor {0} holds values that are not finite")]
    NotFinite(String),
    /// A weight does not fit the asked weight type.
    #[error("tensor {name} holds values too large for {weights}")]
    OutOfRange {
        /// The tensor's name in the written file.
        name: String,
        /// The type it should have been stored as.
        weights: WeightType,
    },
    /// Rows of a tensor cannot be divided into quantisation blocks.
    #[error("tensor {name} has rows of {row}, not a multiple of the {weights} block of 32")]
    RowNotBlocks {
        /// The tensor's name in the written file.
        name: String,
        /// Elements in a row.
        row: u64,
        /// The asked quantised type.
        weights: WeightType,
    },
    /// The target format has no such weights.
    #[error("{target} files cannot hold {weights} weights; use {instead}")]
    WeightType {
        /// What is to be written.
        target: &'static str,
        /// What was asked for.
        weights: WeightType,
        /// What the format holds.
        instead: &'static str,
    },
    /// The name is none of the weight types.
    #[error("unknown weight type {0:?}; known are f32, f16, q8_0, q5_0 and q5_1")]
    UnknownWeightType(String),
    /// The result would replace the file it is made from.
    #[error("the output would overwrite the model it is made from")]
    OverwritesSource,
}

impl ImportError {
    /// Names the file that this error is about; an error that names one already keeps it.
    #[must_use]
    pub fn in_file(self, path: &Path) -> Self {
        match self {
            named @ Self::InFile { .. } => named,
            reason => Self::InFile { path: path.to_path_buf(), reason: Box::new(reason) },
        }
    }
}
