//! `extract`: documents become text, and texts become data.
//!
//! A record with `path` in (or the bytes of stdin), the same record with `text` and `document` out
//! ([`document::extract`]). Documents inside it, such as a mail's attachments, a mailbox's mails and
//! an archive's files, follow as records of their own, with `parent`. It changes no file.
//!
//! With `--schema`, a record with `text` in (or a document), the same record with `data`, `spans`
//! and what is not supported by the text out: see [`schema`]. Only then a model is loaded.

mod args;
mod documents;
mod filter;
mod load;
mod output;
mod parts;
mod plan;
mod schema;

pub use self::args::Extract;
