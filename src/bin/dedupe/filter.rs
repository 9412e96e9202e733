use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cli::{Emit, Filter, Halt, Input};
use records::{Code, Failure, Field, Record, Text, Usage};

use crate::content::Content;
use crate::firsts::Firsts;
use crate::meaning::Meaning;
use crate::near::Near;
use crate::output::{Dup, Kind};
use crate::regroup::Regroup;

/// Which records are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Show {
    /// Those that repeat none before them, as they came.
    Firsts,
    /// All, each with what it repeats.
    All,
    /// Those that repeat one, with it.
    Repeated,
}

/// How records are compared.
pub(crate) enum Method {
    /// By content.
    Exact(Content, Arc<Mutex<Firsts>>),
    /// By their texts.
    Near(Field, Box<Mutex<Near>>),
    /// By their embeddings.
    Meaning(Field, Mutex<Meaning>),
    /// By what a report says.
    Regroup(Mutex<Regroup>),
}

/// Records, one after another: each is decided when it comes.
pub(crate) struct RecordFilter {
    pub(crate) method: Method,
    pub(crate) show: Show,
    /// The key of the result.
    pub(crate) result: String,
    /// Output is plain text, whose length nobody knows here.
    pub(crate) plain: bool,
    /// The share of the records that may be taken for repeated though they are not.
    pub(crate) approximate: Option<f64>,
}

/// Where a record stands: whether it repeats one, and the details if they are wanted.
struct Standing {
    repeated: bool,
    dup: Option<Dup>,
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What a panicking record left is as good as before it: each step is one insertion.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl RecordFilter {
    fn exact(
        &self,
        content: &Content,
        firsts: &Mutex<Firsts>,
        record: &Record,
        scratch: &mut Vec<u8>,
    ) -> Result<Standing, Failure> {
        let key = content.key(record, scratch)?;
        let bytes = if self.plain { 1 } else { record.as_str().len() as u64 + 1 };
        let first = lock(firsts).first(key, || record.id(), bytes)?;
        let repeated = first.is_some();
        let dup = (self.show != Show::Firsts).then(|| match (first, self.approximate) {
            (None, _) => Dup::first(key.to_hex()),
            (Some(_), Some(rate)) => Dup {
                kind: Kind::Likely,
                why: Some(format!("{}; wrong about {rate} of all at most", content.describe())),
                ..Dup::first(key.to_hex())
            },
            (Some(of), None) => Dup {
                of: Some(Text::Utf8(of)),
                kind: Kind::Exact,
                similarity: Some(1.0),
                why: Some(content.describe()),
                ..Dup::first(key.to_hex())
            },
        });
        Ok(Standing { repeated, dup })
    }

    fn standing(&self, record: &Record, scratch: &mut Vec<u8>) -> Result<Standing, Failure> {
        let dup = match &self.method {
            Method::Exact(content, firsts) => return self.exact(content, firsts, record, scratch),
            Method::Near(field, near) => {
                let text = match field.text(record) {
                    Ok(Text::Utf8(text)) => text,
                    Ok(Text::Bytes(_)) => {
                        let message = "the text is not UTF-8; extract reads other encodings";
                        return Err(Failure::new(Code::Unsupported, message));
                    }
                    Err(e) => return Err(Failure::new(Code::MissingField, e)),
                };
                lock(near).place(&text, &record.id()).map_err(|e| {
                    Failure::new(Code::Unreadable, format!("temporary file: {e}")).retryable()
                })?
            }
            Method::Meaning(field, meaning) => {
                let raw = field.raw(record).filter(|raw| *raw != "null").ok_or_else(|| {
                    let message = format!("the record has no '{field}' (see embed)");
                    Failure::new(Code::MissingField, message)
                })?;
                let numbers: Vec<f64> = serde_json::from_str(raw).map_err(|_| {
                    let message = format!("'{field}' is no embedding: a list of numbers is wanted");
                    Failure::new(Code::Unsupported, message)
                })?;
                lock(meaning).place(&numbers, &record.id())?
            }
            Method::Regroup(regroup) => lock(regroup).place(record)?,
        };
        Ok(Standing { repeated: dup.is_repeated(), dup: Some(dup) })
    }
}

impl Filter for RecordFilter {
    type Worker = Vec<u8>;

    const RESULT: &'static str = "dup";
    const SLOW: bool = false;

    fn worker(&self) -> Result<Vec<u8>, Failure> {
        Ok(Vec::new())
    }

    fn apply(&self, scratch: &mut Vec<u8>, input: &Input, out: &mut Emit<'_>) -> Result<(), Halt> {
        let standing = self.standing(&input.record, scratch)?;
        if self.approximate.is_some() && standing.repeated {
            out.count("repeated", 1);
        }
        match (self.show, standing.repeated) {
            (Show::Firsts, true) | (Show::Repeated, false) => return Ok(()),
            (Show::Firsts, false) => return Ok(out.pass(input.record.clone())?),
            _ => {}
        }
        let mut record = input.record.clone();
        record.set(&self.result, &standing.dup);
        Ok(out.record(record, Usage::default())?)
    }
}
