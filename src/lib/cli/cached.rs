//! Results that are kept from run to run: a filter that knows what a result depends on is not
//! asked twice for the same.

use records::{Record, Usage};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::filter::{Emit, Filter, Halt, Output, Sink, Stopped};
use crate::source::Input;

/// Looks a key up.
type Get = Box<dyn Fn(&[u8; 32]) -> Option<Vec<u8>> + Send + Sync>;
/// Keeps a value under a key.
type Put = Box<dyn Fn(&[u8; 32], &[u8]) + Send + Sync>;

/// Where results are kept, for one program with one set of parameters.
pub struct Results {
    scope: blake3::Hasher,
    get: Get,
    put: Put,
}

/// What a result is kept under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResultKey([u8; 32]);

impl Results {
    /// `scope` is everything besides the input that a result depends on: program, version,
    /// model, parameters.
    pub fn new(
        scope: &[&[u8]],
        get: impl Fn(&[u8; 32]) -> Option<Vec<u8>> + Send + Sync + 'static,
        put: impl Fn(&[u8; 32], &[u8]) + Send + Sync + 'static,
    ) -> Self {
        Self { scope: hash(blake3::Hasher::new(), scope), get: Box::new(get), put: Box::new(put) }
    }

    /// The key of the result for an input: its parts, such as a text and its language. Exact:
    /// an input that differs in one byte has another key.
    #[must_use]
    pub fn key(&self, input: &[&[u8]]) -> ResultKey {
        ResultKey(*hash(self.scope.clone(), input).finalize().as_bytes())
    }

    /// What is kept under a key: for a part of a result that the program keeps itself.
    #[must_use]
    pub fn find(&self, key: &ResultKey) -> Option<Vec<u8>> {
        (self.get)(&key.0)
    }

    /// Keeps bytes under a key.
    pub fn keep(&self, key: &ResultKey, value: &[u8]) {
        (self.put)(&key.0, value);
    }
}

/// Each part with its length, so that no two lists of parts look alike.
fn hash(mut hasher: blake3::Hasher, parts: &[&[u8]]) -> blake3::Hasher {
    hasher.update(&(parts.len() as u64).to_le_bytes());
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher
}

/// A result as it is kept: what the filter added to the record, and who did it.
#[derive(Serialize, Deserialize)]
struct Kept {
    set: Vec<(String, Box<RawValue>)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model_sha: Option<String>,
}

impl Kept {
    fn of(output: &Output, usage: &Usage, input: &Record) -> Option<Self> {
        let mut set = Vec::new();
        for key in output.record.keys() {
            let raw = output.record.raw(&key)?;
            let is_ours = key != "via" && input.raw(&key) != Some(raw);
            // An id that was made from the whole record belongs to that record alone.
            if is_ours && !(key == "id" && output.record.get("id").ok()? == Some(input.id())) {
                set.push((key.into_owned(), RawValue::from_string(raw.to_owned()).ok()?));
            }
        }
        Some(Self { set, model: usage.model.clone(), model_sha: usage.model_sha.clone() })
    }
}

/// Applies the filter, or what it said of the same input before.
pub(crate) fn apply<F: Filter>(
    filter: &F,
    worker: &mut F::Worker,
    input: &Input,
    emit: &mut Emit<'_>,
) -> Result<(), Halt> {
    let Some((results, key)) = filter.kept(input) else {
        return filter.apply(worker, input, emit);
    };
    if let Some(kept) = (results.get)(&key.0)
        && let Ok(kept) = serde_json::from_slice::<Kept>(&kept)
    {
        let mut record = input.record.clone();
        for (name, value) in &kept.set {
            record.set(name, value);
        }
        let Kept { model, model_sha, .. } = kept;
        let usage = Usage { model, model_sha, cached: Some(true), ..Usage::default() };
        return Ok(emit.record(record, usage)?);
    }
    let mut witness = Witness { input, made: Made::Nothing };
    let result = emit.watched(&mut witness, |emit| filter.apply(worker, input, emit));
    if let (Ok(()), Made::One(kept)) = (&result, witness.made)
        && let Ok(kept) = serde_json::to_vec(&kept)
    {
        (results.put)(&key.0, &kept);
    }
    result
}

/// Sees what a filter emits for one input.
pub(crate) struct Witness<'a> {
    input: &'a Input,
    made: Made,
}

enum Made {
    Nothing,
    One(Kept),
    /// Several records, or a failure: not kept.
    Other,
}

impl Witness<'_> {
    pub(crate) fn see(&mut self, output: &Output) {
        let kept = match (&self.made, &output.usage, &output.failure) {
            (Made::Nothing, Some(usage), None) => Kept::of(output, usage, &self.input.record),
            _ => None,
        };
        self.made = kept.map_or(Made::Other, Made::One);
    }
}

/// A sink that shows a witness what passes.
pub(crate) struct Watched<'a, 'w> {
    pub(crate) sink: &'a mut dyn Sink,
    pub(crate) witness: &'a mut Witness<'w>,
}

impl Sink for Watched<'_, '_> {
    fn send(&mut self, output: Output) -> Result<(), Stopped> {
        self.witness.see(&output);
        self.sink.send(output)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_inputs_share_a_key() {
        let results = |scope: &[&[u8]]| Results::new(scope, |_| None, |_, _| {});
        let one = results(&[b"a", b"b"]);
        assert_eq!(one.key(&[b"x"]), results(&[b"a", b"b"]).key(&[b"x"]));
        let others = [
            one.key(&[b"y"]),
            one.key(&[b"x", b""]),
            one.key(&[b"", b"x"]),
            results(&[b"ab", b""]).key(&[b"x"]),
            results(&[b"ab"]).key(&[b"x"]),
        ];
        for (n, key) in others.iter().enumerate() {
            assert_ne!(*key, one.key(&[b"x"]));
            assert!(others[n + 1..].iter().all(|other| other != key));
        }
    }
}
