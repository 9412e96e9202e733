//! Texts that mean nearly the same as an earlier one, by the embeddings that `embed` wrote.

use std::io;

use clap::ValueEnum;
use records::{Code, Failure};

use crate::firsts::Ids;
use crate::output::{Dup, Kind, Nearest, rounded};

/// By what texts are nearly the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Nearness {
    /// By their words (or characters: --shingle).
    Words,
    /// By their embeddings.
    Meaning,
}

/// Numbers that are multiplied at the same time.
const LANES: usize = 16;

/// Earlier embeddings, and which group each belongs to. Each new one is compared with all of them:
/// exact, and for some ten thousands of texts fast enough.
pub(crate) struct Meaning {
    threshold: f64,
    /// Bytes that vectors may take.
    memory: u64,
    /// Numbers of each vector; that of the first one holds for all.
    length: usize,
    /// Vectors of length 1, one after another.
    vectors: Vec<f32>,
    /// The number of the first text of the group of each text.
    groups: Vec<u32>,
    /// Where the id of each text is.
    places: Vec<u64>,
    ids: Ids,
}

impl Meaning {
    pub(crate) fn new(threshold: f64, memory: u64) -> io::Result<Self> {
        Ok(Self {
            threshold,
            memory,
            length: 0,
            vectors: Vec::new(),
            groups: Vec::new(),
            places: Vec::new(),
            ids: Ids::new(&std::env::temp_dir())?,
        })
    }

    /// Where the next text stands. It joins the group of the earlier text nearest to it.
    pub(crate) fn place(&mut self, embedding: &[f64], id: &str) -> Result<Dup, Failure> {
        let vector = direction(embedding)?;
        if self.length == 0 {
            self.length = vector.len();
        } else if self.length != vector.len() {
            let message = format!(
                "an embedding of {} numbers among those of {}: another model made it",
                vector.len(),
                self.length
            );
            return Err(Failure::new(Code::Unsupported, message));
        }
        let bytes = (self.vectors.len() + self.length) as u64 * size_of::<f32>() as u64;
        if bytes > self.memory {
            let message = "more embeddings than --memory has room for";
            return Err(Failure::new(Code::TooLong, message));
        }
        let nearest = (0u32..)
            .zip(self.vectors.chunks_exact(self.length))
            .map(|(number, other)| (number, product(&vector, other)))
            .max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)));
        self.keep(&vector, id, nearest)
            .map_err(|e| Failure::new(Code::Unreadable, format!("temporary file: {e}")).retryable())
    }

    fn keep(&mut self, vector: &[f32], id: &str, nearest: Option<(u32, f32)>) -> io::Result<Dup> {
        let number = u32::try_from(self.groups.len()).map_err(io::Error::other)?;
        let found = match nearest {
            None => None,
            Some((number, product)) => Some((number, self.id(number)?, product)),
        };
        self.places.push(self.ids.end());
        self.ids.push(id)?;
        self.vectors.extend_from_slice(vector);
        let Some((near, of, product)) = found else {
            self.groups.push(number);
            return Ok(Dup::first(id.to_owned()));
        };
        let similarity = rounded(f64::from(product).clamp(0.0, 1.0));
        if similarity < self.threshold {
            self.groups.push(number);
            return Ok(Dup {
                nearest: Some(Nearest { of, similarity }),
                ..Dup::first(id.to_owned())
            });
        }
        let group = self.groups[near as usize];
        self.groups.push(group);
        Ok(Dup {
            group: Some(self.id(group)?),
            of: Some(records::Text::Utf8(of)),
            kind: Kind::Near,
            similarity: Some(similarity),
            why: Some(format!("the cosine of their embeddings is {similarity}")),
            nearest: None,
        })
    }

    fn id(&self, number: u32) -> io::Result<String> {
        self.ids.read(self.places[number as usize])
    }
}

/// An embedding at length 1.
fn direction(embedding: &[f64]) -> Result<Vec<f32>, Failure> {
    let length = embedding.iter().map(|n| n * n).sum::<f64>().sqrt();
    if !length.is_normal() {
        let message = "the embedding has no direction: no numbers, only zeros, or some too large";
        return Err(Failure::new(Code::Unsupported, message));
    }
    #[expect(clippy::cast_possible_truncation, reason = "at most 1")]
    Ok(embedding.iter().map(|n| (n / length) as f32).collect())
}

/// The scalar product, in lanes that the processor has at once.
fn product(a: &[f32], b: &[f32]) -> f32 {
    let (a, a_rest) = a.as_chunks::<LANES>();
    let (b, b_rest) = b.as_chunks::<LANES>();
    let mut sums = [0f32; LANES];
    for (a, b) in a.iter().zip(b) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_joins_the_group_of_the_one_nearest_to_it() {
        let mut meaning = Meaning::new(0.9, 1 << 20).unwrap();
        let mut place = |id: &str, vector: &[f64]| {
            let dup = meaning.place(vector, id).unwrap();
            (dup.group.unwrap(), dup.similarity, dup.nearest.map(|n| n.similarity))
        };
        assert_eq!(place("a", &[2.0, 0.0]), ("a".into(), None, None));
        assert_eq!(place("b", &[0.0, 1.0]), ("b".into(), None, Some(0.0)));
        assert_eq!(place("c", &[1.0, 0.1]), ("a".into(), Some(0.995), None));
        assert_eq!(place("d", &[1.0, 0.3]), ("a".into(), Some(0.9817), None), "nearest to c");
        assert_eq!(place("e", &[-1.0, 0.0]), ("e".into(), None, Some(0.0)));
    }

    #[test]
    fn what_cannot_be_compared_is_a_failure() {
        let mut meaning = Meaning::new(0.9, 17).unwrap();
        for bad in [&[][..], &[0.0, 0.0], &[1e308, 1e308]] {
            assert_eq!(meaning.place(bad, "x").unwrap_err().code, Code::Unsupported);
        }
        meaning.place(&[1.0, 0.0], "a").unwrap();
        assert_eq!(meaning.place(&[1.0], "b").unwrap_err().code, Code::Unsupported);
        meaning.place(&[0.0, 1.0], "c").unwrap();
        assert_eq!(meaning.place(&[1.0, 1.0], "d").unwrap_err().code, Code::TooLong);
    }

    #[test]
    fn products_are_those_of_all_numbers() {
        let a: Vec<f32> = (0..37u8).map(f32::from).collect();
        assert_eq!(product(&a, &a), (0..37u16).map(|n| f32::from(n * n)).sum::<f32>());
    }
}
