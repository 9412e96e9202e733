//! Any folder: a whisper.cpp checkout, LM Studio's, `~/.cache/whisper`.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Candidate, Origin};
use crate::store::suggest_name;

/// Deepest level that is looked at.
const DEPTH: u32 = 8;
/// Most directory entries that are looked at below one folder.
const ENTRIES: u32 = 200_000;

/// Model files below `dir`, in order of path. Links to folders are not followed, so there are no
/// loops; links to files are.
pub(super) fn candidates(dir: &Path, origin: Origin, out: &mut Vec<Candidate>) {
    let mut left = ENTRIES;
    walk(dir, DEPTH, &mut left, &mut |path| {
        let wanted = path.extension().and_then(|e| e.to_str()).is_some_and(|e| match origin {
            Origin::OpenAiWhisper => matches!(e, "pt" | "bin" | "gguf"),
            _ => matches!(e, "gguf" | "bin"),
        });
        if wanted {
            out.push(Candidate { suggested: suggest_name(&path), path, origin, stated: None });
        }
    });
}

/// Calls `file` with every file and link to one below `dir`.
pub(super) fn walk(dir: &Path, depth: u32, left: &mut u32, file: &mut dyn FnMut(PathBuf)) {
    let Ok(items) = fs::read_dir(dir) else { return };
    let mut items: Vec<_> = items.flatten().take(*left as usize).collect();
    *left = left.saturating_sub(u32::try_from(items.len()).unwrap_or(u32::MAX));
    items.sort_by_key(fs::DirEntry::file_name);
    for item in items {
        match item.file_type() {
            Ok(kind) if kind.is_dir() && depth > 0 => walk(&item.path(), depth - 1, left, file),
            Ok(kind) if kind.is_file() => file(item.path()),
            Ok(kind) if kind.is_symlink() && item.path().is_file() => file(item.path()),
            _ => {}
        }
    }
}
