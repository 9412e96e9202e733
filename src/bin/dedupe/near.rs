//! Texts that are nearly the same as an earlier one.

use std::io;

use minhash::{Bands, Index, Shingles, Unit};
use records::Text;

use crate::firsts::Ids;
use crate::output::{Dup, Kind, Nearest, rounded};

/// Earlier texts, and which group each belongs to.
pub(crate) struct Near {
    shingles: Shingles,
    threshold: f64,
    index: Index,
    /// The number of the first text of the group of each text.
    groups: Vec<u32>,
    /// Where the id of each text is.
    places: Vec<u64>,
    ids: Ids,
}

impl Near {
    pub(crate) fn new(shingles: Shingles, threshold: f64) -> io::Result<Self> {
        let folder = std::env::temp_dir();
        Ok(Self {
            shingles,
            threshold,
            index: Index::new(Bands::for_threshold(threshold), &folder)?,
            groups: Vec::new(),
            places: Vec::new(),
            ids: Ids::new(&folder)?,
        })
    }

    /// Where the next text stands. It joins the group of the earlier text most similar to it.
    pub(crate) fn place(&mut self, text: &str, id: &str) -> io::Result<Dup> {
        let found = self.index.insert(&self.shingles.of(text))?;
        let number = u32::try_from(self.groups.len()).map_err(io::Error::other)?;
        self.places.push(self.ids.end());
        self.ids.push(id)?;
        let Some(found) = found else {
            self.groups.push(number);
            return Ok(Dup::first(id.to_owned()));
        };
        let of = self.id(found.number)?;
        let similarity = rounded(found.similarity);
        if similarity < self.threshold {
            self.groups.push(number);
            let nearest = Some(Nearest { of, similarity });
            return Ok(Dup { nearest, ..Dup::first(id.to_owned()) });
        }
        let group = self.groups[found.number as usize];
        self.groups.push(group);
        Ok(Dup {
            group: Some(self.id(group)?),
            of: Some(Text::Utf8(of)),
            kind: Kind::Near,
            similarity: Some(similarity),
            why: Some(self.why(found.similarity)),
            nearest: None,
        })
    }

    fn id(&self, number: u32) -> io::Result<String> {
        self.ids.read(self.places[number as usize])
    }

    fn why(&self, similarity: f64) -> String {
        let percent = (similarity * 1000.0).floor() / 10.0;
        let Shingles { unit, length } = self.shingles;
        let unit = match unit {
            Unit::Word => "words",
            Unit::Char => "characters",
        };
        format!("{percent} % of their sequences of {length} {unit} are the same")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_joins_the_group_of_the_one_most_similar_to_it() {
        let shingles = Shingles { unit: Unit::Word, length: 1 };
        let mut near = Near::new(shingles, 0.6).unwrap();
        let mut place = |id: &str, text: &str| {
            let dup = near.place(text, id).unwrap();
            let of = dup.of.map(|of| String::from_utf8(of.as_bytes().to_vec()).unwrap());
            (dup.group.unwrap(), of, dup.similarity)
        };
        assert_eq!(place("a", "one two three four"), ("a".into(), None, None));
        assert_eq!(place("b", "one two three five"), ("a".into(), Some("a".into()), Some(0.6)));
        // Nearer to b than to a, and in the group of both.
        assert_eq!(place("c", "two three five six"), ("a".into(), Some("b".into()), Some(0.6)));
        assert_eq!(place("d", "something else altogether here"), ("d".into(), None, None));
    }
}
