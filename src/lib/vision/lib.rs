//! What small models see in pictures: faces, and what a picture shows.
//!
//! The models are files of the model store (see the crate `bundle`): [`Faces`] runs MTCNN (Zhang,
//! Zhang, Li, Qiao: Joint Face Detection and Alignment Using Multitask Cascaded Convolutional
//! Networks, 2016), [`Labels`] any ONNX classifier with its list of labels. Both run on one thread
//! and may be used from several.

#![forbid(unsafe_code)]

mod boxes;
mod classifier;
mod eyes;
mod mtcnn;
mod picture;
#[cfg(test)]
mod tests;

pub use classifier::{Label, Labels};
pub use mtcnn::{Face, Faces};
pub use picture::Picture;

/// Why a model cannot be used, or not on a picture.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file of the model is none.
    #[error(transparent)]
    Bundle(#[from] bundle::Error),
    /// The graph cannot be read or run.
    #[error(transparent)]
    Onnx(#[from] onnx::Error),
    /// The model does something else.
    #[error("the model is not one that {0}")]
    Kind(&'static str),
    /// The graph takes or gives other tensors than such a model has.
    #[error("the model's {0}")]
    Tensors(String),
}
