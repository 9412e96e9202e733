//! `models`: the model store on the command line.
//!
//! Shows which models there are and which are here, gets them, checks them, takes in files that
//! are on the machine already, and removes them. Finds out which weight format this machine runs
//! fastest (`tune`) and which models it can run at all (`fit`). The only program of the house
//! that downloads: the others say which `models pull` gets them what they lack.
//!
//! Results go to stdout: JSON lines, or something readable on a terminal. Whatever the user has
//! to know besides (a model used in place of another, a source that failed) goes to stderr.

#![forbid(unsafe_code)]

mod args;
mod bar;
mod fit;
mod import;
mod info;
mod list;
mod output;
mod path;
mod plan;
mod pull;
mod rm;
mod scan;
mod table;
mod tune;
mod tuned;
mod verify;

pub use args::Models;
