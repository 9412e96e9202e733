//! A text of any length as one vector.

use chunk::in_parts;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};

use engine::{Cancel, Embed, Error};

/// Tokens that an embedding model adds to a text.
const FRAME: usize = 2;

/// A text's vector, and what it took.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TextVector {
    /// Unit length.
    pub(crate) vector: Vec<f32>,
    pub(crate) tokens: usize,
    pub(crate) parts: usize,
}

/// Embeds `text`. One that exceeds the model's context is embedded in parts: its vector is their
/// mean, weighted by their tokens, at length one.
///
/// # Errors
/// Those of the engine.
pub(crate) fn embed(
    embedder: &dyn Embed,
    text: &str,
    cancel: &Cancel,
) -> Result<TextVector, Error> {
    let room = embedder.model().context.saturating_sub(FRAME).max(1);
    let mut sum = vec![0.0f64; embedder.dimensions()];
    let mut tokens = 0;
    let parts = in_parts(text, room, |part| {
        let found = embedder.embed(&[part], cancel)?;
        for one in found {
            #[expect(clippy::cast_precision_loss, reason = "a weight needs no 53 bits")]
            let weight = one.tokens as f64;
            sum.iter_mut().zip(&one.vector).for_each(|(s, &x)| *s += weight * f64::from(x));
            tokens += one.tokens;
        }
        Ok(())
    })?;
    let norm = sum.iter().map(|x| x * x).sum::<f64>().sqrt();
    if !norm.is_finite() || norm == 0.0 {
        return Err(Error::Engine("the parts of the text cancel each other out".into()));
    }
    #[expect(clippy::cast_possible_truncation, reason = "the model computes in f32")]
    let vector = sum.iter().map(|x| (x / norm) as f32).collect();
    Ok(TextVector { vector, tokens, parts })
}

/// Asks about all of `items` at once, on `workers` threads, so that the engine can batch them.
/// The first error ends it. The results are in order.
///
/// # Errors
/// Those of `ask`.
pub(crate) fn ask_all<I: Sync, T: Send>(
    items: &[I],
    workers: usize,
    ask: impl Fn(&I) -> Result<T, Error> + Sync,
) -> Result<Vec<T>, Error> {
    let next = AtomicUsize::new(0);
    let found: Mutex<Vec<(usize, Result<T, Error>)>> = Mutex::new(Vec::with_capacity(items.len()));
    std::thread::scope(|scope| {
        for _ in 0..workers.clamp(1, items.len().max(1)) {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(at) else { return };
                    let answer = ask(item);
                    if answer.is_err() {
                        next.store(items.len(), Ordering::Relaxed);
                    }
                    found.lock().unwrap_or_else(PoisonError::into_inner).push((at, answer));
                }
            });
        }
    });
    let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    found.sort_by_key(|(at, _)| *at);
    found.into_iter().map(|(_, answer)| answer).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::scripted::Scripted;

    #[test]
    fn a_short_text_keeps_its_vector() {
        let model = Scripted::new(50, Vec::new());
        let cancel = Cancel::default();
        let found = embed(&model, "the pump broke", &cancel).unwrap();
        let direct = model.embed(&["the pump broke"], &cancel).unwrap().remove(0);
        assert_eq!((found.tokens, found.parts), (3, 1));
        assert!(found.vector.iter().zip(&direct.vector).all(|(a, b)| (a - b).abs() < 1e-6));
    }

    #[test]
    fn a_long_text_is_read_whole_and_has_unit_length() {
        let model = Scripted::new(12, Vec::new());
        let text = "one two three four. ".repeat(20);
        let found = embed(&model, &text, &Cancel::default()).unwrap();
        assert_eq!(found.tokens, 80);
        assert!(found.parts >= 8, "{}", found.parts);
        let norm: f32 = found.vector.iter().map(|x| x * x).sum();
        assert!((norm - 1.0).abs() < 1e-5);
    }

    #[test]
    fn answers_come_in_order_and_an_error_ends_the_asking() {
        let items: Vec<usize> = (0..200).collect();
        assert_eq!(ask_all(&items, 8, |&n| Ok(n * 2)).unwrap()[199], 398);
        let asked = AtomicUsize::new(0);
        let failed = ask_all(&items, 1, |&n| {
            asked.fetch_add(1, Ordering::Relaxed);
            if n == 3 { Err(Error::Engine("no".into())) } else { Ok(n) }
        });
        assert!(failed.is_err());
        assert_eq!(asked.into_inner(), 4);
        assert!(ask_all(&[] as &[usize], 4, |&n| Ok(n)).unwrap().is_empty());
    }
}
