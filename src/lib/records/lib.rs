//! The record: headwater's wire format and its streaming.
//!
//! # Format
//! A stream is a sequence of lines, each ended by `\n` (a last line may lack it; `\r\n` is
//! accepted). Each line is one JSON object (RFC 8259) in UTF-8, the *record*. Blank lines are
//! skipped. A record keeps its key order, its numbers (of any precision) and its unknown keys
//! byte for byte from program to program: [`Record`] edits the text of the line, it never
//! prints a parsed copy.
//!
//! # Reserved keys
//! | key | type | meaning |
//! |---|---|---|
//! | `id` | string | stable name of the content: given, or derived by [`content_id`] from the source bytes or the input line; never from a position |
//! | `path` | [`Text`] | file the record is about |
//! | `text` | [`Text`] | the text that filters read by default |
//! | `confidence` | number 0–1 | how sure the local model is; absent where nothing honest can be said |
//! | `via` | array of [`Step`] | one entry for each filter that handled the record |
//! | `error` | [`Failure`] | why a filter could not handle it |
//!
//! Every other key belongs to the user or to the filter that wrote it. This list and the members
//! of `via` and `error` may grow; readers ignore what they do not know.
//!
//! # Bytes
//! Text and paths that are not UTF-8 are `{"bytes": "<base64>"}` (RFC 4648, padded) in place of
//! the string: see [`Text`].
//!
//! # Failure
//! A filter that cannot handle a record writes it unchanged, with `error` added. Later filters
//! pass a record with `error` through untouched. What is not a record (malformed, too long, not
//! UTF-8) is written as `{"line": <start of the line>, "error": {…}}`: see [`Malformed`].

#![forbid(unsafe_code)]

mod failure;
mod field;
mod id;
mod malformed;
mod provenance;
mod reader;
mod record;
mod text;
mod writer;

#[cfg(test)]
mod tests;

pub use failure::{Code, Failure};
pub use field::{Field, FieldError};
pub use id::{ContentHasher, content_id};
pub use malformed::Malformed;
pub use provenance::{Step, Usage};
pub use reader::{Line, LineReader, MAX_LINE};
pub use record::{Record, ValueError};
pub use text::{Text, unescaped};
pub use writer::{WriteError, Writer};
