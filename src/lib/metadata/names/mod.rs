//! Dates in the names of files and folders.

use std::path::Path;

use crate::stamp::Stamp;

/// The dates in a file's name, as cameras, phones, messengers, screenshot programs and scanners
/// write them.
#[must_use]
pub fn name_stamps(path: &Path) -> Vec<Stamp> {
    let _ = path;
    Vec::new()
}

/// The date in the names of the folders of a path, the nearest that has one.
#[must_use]
pub fn folder_stamps(path: &Path) -> Vec<Stamp> {
    let _ = path;
    Vec::new()
}
