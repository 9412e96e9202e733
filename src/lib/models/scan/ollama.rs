//! Ollama: `manifests/<host>/<owner>/<model>/<tag>` name their layers by digest; the weights are
//! in `blobs/sha256-<digest>`.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::Deserialize;

use super::{Candidate, Origin, folder};
use crate::digest::Sha256;
use crate::store::suggest_name;

/// Real manifests have about 1 kB.
const MANIFEST_LIMIT: u64 = 1 << 18;
const WEIGHTS: &str = "application/vnd.ollama.image.model";

#[derive(Deserialize)]
struct Manifest {
    layers: Vec<Layer>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Layer {
    media_type: String,
    digest: String,
}

pub(super) fn candidates(models: &Path, out: &mut Vec<Candidate>) {
    let manifests = models.join("manifests");
    let mut left = 20_000;
    folder::walk(&manifests, 6, &mut left, &mut |path| {
        let Some(manifest) = read(&path) else { return };
        for layer in manifest.layers.iter().filter(|l| l.media_type == WEIGHTS) {
            // Only a digest makes a file name: `sha256:../../x` is none.
            let digest = layer.digest.strip_prefix("sha256:").and_then(|d| d.parse().ok());
            let Some(digest): Option<Sha256> = digest else { continue };
            out.push(Candidate {
                path: models.join("blobs").join(format!("sha256-{digest}")),
                suggested: name(&path),
                origin: Origin::Ollama,
                stated: Some(digest),
            });
        }
    });
}

fn read(path: &Path) -> Option<Manifest> {
    let mut text = vec![];
    File::open(path).ok()?.take(MANIFEST_LIMIT + 1).read_to_end(&mut text).ok()?;
    if text.len() as u64 > MANIFEST_LIMIT {
        log::debug!("{}: too large for a manifest", path.display());
        return None;
    }
    serde_json::from_slice(&text).ok()
}

/// `llama3.2/1b` becomes `llama3.2-1b`, `…/latest` the model's name alone.
fn name(manifest: &Path) -> String {
    let last = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let tag = last(manifest);
    let model = manifest.parent().map(last).unwrap_or_default();
    let whole = if tag == "latest" { model } else { format!("{model}-{tag}") };
    // An extension of its own, so that the tag's dot is not taken for one.
    suggest_name(Path::new(&format!("{whole}.gguf")))
}
