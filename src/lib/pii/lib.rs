//! What is private in a text: found by patterns that are checked, by word lists and by context.
//!
//! A [`Finder`] is made once from [`Settings`] and shared; each thread has a [`Scratch`]. One pass
//! cuts the text into words and notes what each of them means; the rules then look only where a
//! number, a mark or a word gives them reason to. A [`Finding`] is a range of bytes with its kind,
//! the rule and a score between 0 and 1.
//!
//! Numbers with check digits are found when those hold and, where one digit in ten would hold by
//! chance, when a word before them says what they are. Names of people, places and organisations
//! come from word lists and from what stands around them (titles, greetings, signatures, labels):
//! a name that is in no list and has nothing around it is **not found**, nor are nicknames, names in
//! small letters outside greetings, and names in scripts without capitals.
//!
//! Text that has the form of a placeholder (`<PERSON_1>`) is no finding, whoever wrote it; see
//! [`placeholders`].

#![forbid(unsafe_code)]

mod address;
mod assignment;
mod check;
mod date;
mod finder;
mod group;
mod kind;
mod lexicon;
mod mail;
mod money;
mod names;
mod national;
mod network;
mod numbers;
mod own;
mod person;
mod phone;
mod placeholder;
mod resolve;
mod scan;
mod secret;
mod settings;
mod tokens;
mod vehicle;
mod wallet;
mod words;

#[cfg(test)]
mod finder_tests;

pub use finder::{Finder, Scratch};
pub use kind::{Kind, UnknownKind};
pub use own::OwnKind;
pub use placeholder::{Placeholder, placeholder_at, placeholders};
pub use scan::Finding;
pub use settings::{Level, Settings, SettingsError, UnknownLevel};
