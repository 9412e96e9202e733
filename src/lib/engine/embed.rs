use crate::{Cancel, Error, ModelInfo};

/// A text as a point in the model's space.
#[derive(Clone, Debug, PartialEq)]
pub struct Embedding {
    /// Unit length; [`Embed::dimensions`] numbers.
    pub vector: Vec<f32>,
    /// Tokens of the text.
    pub tokens: usize,
}

/// A model that embeds texts.
pub trait Embed: Send + Sync {
    /// Which model this is.
    fn model(&self) -> &ModelInfo;

    /// Length of every vector.
    fn dimensions(&self) -> usize;

    /// One embedding a text, in order.
    ///
    /// # Errors
    /// [`Error::TooLong`] when a text exceeds the model's context; else as
    /// [`crate::Complete::complete`].
    fn embed(&self, texts: &[&str], cancel: &Cancel) -> Result<Vec<Embedding>, Error>;
}
