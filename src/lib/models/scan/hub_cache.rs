//! The cache of the hub's own tools: `models--org--name/snapshots/<revision>/<file>`, links into
//! `blobs/`, where a large file is named by its SHA-256.

use std::fs;
use std::path::Path;

use super::{Candidate, Origin, folder};
use crate::store::suggest_name;

const REPOSITORIES: usize = 10_000;

pub(super) fn candidates(cache: &Path, out: &mut Vec<Candidate>) {
    let Ok(items) = fs::read_dir(cache) else { return };
    let mut repositories: Vec<_> = items
        .flatten()
        .take(REPOSITORIES)
        .filter(|i| i.file_name().to_string_lossy().starts_with("models--"))
        .collect();
    repositories.sort_by_key(fs::DirEntry::file_name);
    for repository in repositories {
        let root = repository.path();
        let Ok(root) = fs::canonicalize(&root) else { continue };
        let mut left = 10_000;
        folder::walk(&root.join("snapshots"), 4, &mut left, &mut |path| {
            if !path.extension().is_some_and(|e| e == "gguf" || e == "bin") {
                return;
            }
            let Ok(blob) = fs::canonicalize(&path) else { return };
            // A snapshot's links stay in its repository; one that does not is somebody's trick.
            if !blob.starts_with(&root) {
                return;
            }
            let stated = blob.file_name().and_then(|n| n.to_str()).and_then(|n| n.parse().ok());
            let suggested = suggest_name(&path);
            out.push(Candidate { path, suggested, origin: Origin::HubCache, stated });
        });
    }
}
