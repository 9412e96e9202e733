//! A text of any length as one vector.

use chunk::{MOST_BYTES, USUAL_BYTES, pieces};
use engine::{Cancel, Embed, Embedding, Error};

/// Parts asked for together: what the engine can batch, and what is in memory at a time.
const TOGETHER: usize = 32;

/// A text's vector, and what it took.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pooled {
    /// Unit length.
    pub(crate) vector: Vec<f32>,
    pub(crate) tokens: usize,
    /// Parts that the text was embedded in.
    pub(crate) chunks: usize,
}

/// Embeds `text`, in parts where it exceeds the model's context.
///
/// # Errors
/// Those of the engine; [`Error::TooLong`] when not even a single character fits.
pub(crate) fn embed(model: &dyn Embed, text: &str, cancel: &Cancel) -> Result<Pooled, Error> {
    let room = model.model().context;
    if text.len() <= room.saturating_mul(MOST_BYTES) {
        match model.embed(&[text], cancel) {
            Err(Error::TooLong { .. }) => {}
            found => return one(found?),
        }
    }
    let mut mean = Mean::new(model.dimensions());
    let most = room.saturating_mul(USUAL_BYTES).max(1);
    let mut waiting = pieces(text, most).filter(|part| !part.trim().is_empty());
    loop {
        let some: Vec<&str> = waiting.by_ref().take(TOGETHER).collect();
        if some.is_empty() {
            return mean.vector();
        }
        each(model, &some, cancel, &mut mean)?;
    }
}

/// Adds the vectors of `texts`; of those that are too long, of their halves.
fn each(model: &dyn Embed, texts: &[&str], cancel: &Cancel, mean: &mut Mean) -> Result<(), Error> {
    let too_long = match model.embed(texts, cancel) {
        Ok(found) => {
            found.iter().for_each(|one| mean.add(one));
            return Ok(());
        }
        Err(error @ Error::TooLong { .. }) => error,
        Err(error) => return Err(error),
    };
    match texts {
        // The length at least halves with each call: a few calls deep at most.
        [text] => {
            let halves: Vec<&str> = pieces(text, text.len() / 2).collect();
            if halves.len() < 2 || text.len() < 2 {
                return Err(too_long);
            }
            halves.iter().try_for_each(|half| each(model, &[half], cancel, mean))
        }
        _ => texts.iter().try_for_each(|text| each(model, &[text], cancel, mean)),
    }
}

fn one(found: Vec<Embedding>) -> Result<Pooled, Error> {
    let found = found.into_iter().next().ok_or_else(|| Error::Engine("no vector came".into()))?;
    Ok(Pooled { vector: found.vector, tokens: found.tokens, chunks: 1 })
}

/// The mean of the parts' vectors, weighted by their tokens.
struct Mean {
    sum: Vec<f64>,
    tokens: usize,
    chunks: usize,
}

impl Mean {
    fn new(dimensions: usize) -> Self {
        Self { sum: vec![0.0; dimensions], tokens: 0, chunks: 0 }
    }

    fn add(&mut self, part: &Embedding) {
        #[expect(clippy::cast_precision_loss, reason = "a weight needs no 53 bits")]
        let weight = part.tokens as f64;
        self.sum.iter_mut().zip(&part.vector).for_each(|(s, &x)| *s += weight * f64::from(x));
        self.tokens += part.tokens;
        self.chunks += 1;
    }

    fn vector(self) -> Result<Pooled, Error> {
        let norm = self.sum.iter().map(|x| x * x).sum::<f64>().sqrt();
        if !norm.is_finite() || norm == 0.0 {
            return Err(Error::Engine("the parts of the text cancel each other out".into()));
        }
        #[expect(clippy::cast_possible_truncation, reason = "the model computes in f32")]
        let vector = self.sum.iter().map(|x| (x / norm) as f32).collect();
        Ok(Pooled { vector, tokens: self.tokens, chunks: self.chunks })
    }
}

#[cfg(test)]
mod tests {
    use engine::scripted::Scripted;
    use engine::{Cancel, Embedding, Error, ModelInfo};
    use proptest::prelude::*;

    use super::*;

    /// A model of `context` words that refuses longer texts.
    struct Narrow {
        inner: Scripted,
        context: usize,
    }

    impl Narrow {
        fn new(context: usize) -> Self {
            Self { inner: Scripted::new(context, Vec::new()), context }
        }
    }

    impl Embed for Narrow {
        fn model(&self) -> &ModelInfo {
            Embed::model(&self.inner)
        }

        fn dimensions(&self) -> usize {
            self.inner.dimensions()
        }

        fn embed(&self, texts: &[&str], cancel: &Cancel) -> Result<Vec<Embedding>, Error> {
            let context = self.context;
            match texts.iter().map(|t| t.split_whitespace().count()).find(|&n| n > context) {
                Some(needed) => Err(Error::TooLong { needed, context }),
                None => self.inner.embed(texts, cancel),
            }
        }
    }

    fn length(vector: &[f32]) -> f32 {
        vector.iter().map(|x| x * x).sum::<f32>().sqrt()
    }

    #[test]
    fn a_short_text_keeps_its_vector() -> Result<(), Error> {
        let model = Narrow::new(50);
        let cancel = Cancel::default();
        let found = embed(&model, "the pump broke", &cancel)?;
        let direct = model.embed(&["the pump broke"], &cancel)?;
        assert_eq!((found.tokens, found.chunks), (3, 1));
        assert_eq!(found.vector, direct[0].vector);
        Ok(())
    }

    #[test]
    fn parts_weigh_by_their_tokens() -> Result<(), Error> {
        let mut mean = Mean::new(2);
        mean.add(&Embedding { vector: vec![1.0, 0.0], tokens: 3 });
        mean.add(&Embedding { vector: vec![0.0, 1.0], tokens: 4 });
        assert_eq!(mean.vector()?, Pooled { vector: vec![0.6, 0.8], tokens: 7, chunks: 2 });
        Ok(())
    }

    #[test]
    fn vectors_that_cancel_each_other_out_are_an_error() {
        let mut mean = Mean::new(1);
        mean.add(&Embedding { vector: vec![1.0], tokens: 3 });
        mean.add(&Embedding { vector: vec![-1.0], tokens: 3 });
        assert!(matches!(mean.vector(), Err(Error::Engine(_))));
    }

    #[test]
    fn what_cannot_be_cut_any_more_is_too_long() {
        let error = embed(&Narrow::new(0), "a b", &Cancel::default());
        assert!(matches!(error, Err(Error::TooLong { .. })), "{error:?}");
    }

    proptest! {
        #[test]
        fn every_word_is_read_whatever_the_context(words in 1usize..400, context in 2usize..40) {
            let text = "one two ".repeat(words);
            let found = embed(&Narrow::new(context), &text, &Cancel::default()).unwrap();
            prop_assert_eq!(found.tokens, words * 2);
            prop_assert!(found.chunks >= (words * 2).div_ceil(context));
            prop_assert!((length(&found.vector) - 1.0).abs() < 1e-5);
        }
    }
}
