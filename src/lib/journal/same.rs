//! Whether two paths are of one entry.

use std::fs;
use std::io;
use std::path::Path;

use unicode_normalization::UnicodeNormalization as _;

use crate::entry::Snapshot;

/// Whether two paths have one name in one folder, case aside.
pub(crate) fn is_same_entry(path: &Path, keep: &Path) -> io::Result<bool> {
    let folder = |p: &Path| fs::metadata(p.parent().unwrap_or(p)).map(|m| Snapshot::of(&m));
    let (a, b) = (folder(path)?, folder(keep)?);
    let fold = |p: &Path| p.file_name().map(|name| name.to_string_lossy().to_lowercase());
    Ok((a.dev, a.ino) == (b.dev, b.ino) && fold(path) == fold(keep))
}

/// Whether two paths lead to one entry because its file system does not tell capitals from small
/// letters, or forms of a character. Such a system may give each way of writing an inode of its own
/// (those in user space do), but it lists an entry once.
pub(crate) fn is_written_otherwise(path: &Path, keep: &Path) -> io::Result<bool> {
    let fold = |p: &Path| -> String {
        p.to_string_lossy().nfc().flat_map(char::to_lowercase).nfc().collect()
    };
    if fold(path) != fold(keep) {
        return Ok(false);
    }
    for (a, b) in path.ancestors().zip(keep.ancestors()) {
        if a.file_name() != b.file_name() && !(is_listed(a)? && is_listed(b)?) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether a path's folder has an entry of just this name.
fn is_listed(path: &Path) -> io::Result<bool> {
    let Some((folder, name)) = path.parent().zip(path.file_name()) else { return Ok(true) };
    for entry in fs::read_dir(folder)? {
        if entry?.file_name() == name {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_listed_once_is_one_entry_however_it_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("Sub")).unwrap();
        for name in ["a", "B", "Sub/c", "u\u{308}"] {
            fs::write(at(name), "").unwrap();
        }
        let is_one = |a: &str, b: &str| is_written_otherwise(&at(a), &at(b)).unwrap();
        for (a, b) in [("a", "A"), ("b", "B"), ("Sub/c", "sub/c"), ("u\u{308}", "\u{fc}")] {
            assert!(is_one(a, b) && is_one(b, a), "{a} {b}");
        }
        assert!(!is_one("a", "B") && !is_one("a", "Sub/a"));
        // Where capitals are told from small letters, both are listed; elsewhere they are one.
        fs::write(at("A"), "").unwrap();
        let entries = fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(is_one("a", "A"), entries == 4);
    }
}
