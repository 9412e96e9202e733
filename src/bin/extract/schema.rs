//! `extract --schema`: what a text says, as data of a given shape.
//!
//! A schema, in the short form ([`short_form`]) or as JSON Schema ([`reading`]), becomes a
//! [`Shape`](shape). Its properties are asked for in one request or several ([`parts`]), of the
//! text or of windows of it; a grammar holds each answer to the shape, and what a grammar cannot
//! hold is checked against the schema afterwards ([`filler`]). Then each value is looked for in
//! the text ([`locate`]): exactly, else as the same number, date, amount or phone number, or the
//! same words in other letters ([`folded`]). A value that is not there was made up, and is flagged
//! or dropped ([`support`]).

mod bounded;
mod dates;
mod filler;
mod filter;
mod finite;
mod folded;
mod keywords;
mod locate;
mod merge;
mod money;
mod normal;
mod numbers;
mod parts;
mod phones;
mod plan;
mod reading;
mod render;
mod shape;
mod short_form;
mod source;
mod support;
mod union;
mod walk;

pub(crate) use filter::SchemaFilter;
pub(crate) use normal::Region;
pub(crate) use plan::SchemaPlan;
pub(crate) use support::Policy;
