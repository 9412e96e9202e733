//! `redact`: what is private goes out of texts, and can be put back. Changes the field it reads.
//!
//! A record with `text` in, the same record with placeholders in `text` and with `redactions` out:
//! for each placeholder `kind`, `start` and `end` in bytes of the text as it is now, `char_start`
//! and `char_end` in characters, and `placeholder`; with `--explain` also `rule` and `score`. An
//! original never stands in the output, in a message or in a failure.
//!
//! With a vault, `--restore` puts originals back, also where placeholders were re-cased or
//! inflected on their way. The vault is an encrypted file that one run writes while others read;
//! see [`Vault`] for its form.
//!
//! Placeholders that stood in a text before are told from ours by the record: those that its own
//! `redactions` list are left alone, others are taken out as something private where there is a
//! vault, so that a stranger who writes `<PERSON_1>` into a mail never gets that person's name.

#![forbid(unsafe_code)]

mod args;
mod fake;
mod filter;
mod forms;
mod issuer;
mod key;
mod lists;
mod output;
mod plan;
mod replace;
mod restore;
mod strings;
mod style;
mod vault;

pub use args::Redact;
pub use style::Style;
pub use vault::Vault;
