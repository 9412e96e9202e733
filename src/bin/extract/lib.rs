//! `extract`: documents become text, and texts become data.
//!
//! A record with `path` in (or the bytes of stdin), the same record with `text` and `document` out
//! ([`document::extract`]). Documents inside it, such as a mail's attachments and a mailbox's
//! mails, follow as records of their own, with `parent`. It changes no file.
//!
//! With `--schema`, a record with `text` in (or a document), the same record with `data`, `spans`
//! and what is not supported by the text out: see [`schema`]. Only then a model is loaded.

mod args;
mod filter;
mod load;
mod output;
mod plan;
mod schema;

pub use self::args::Extract;
