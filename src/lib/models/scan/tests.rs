//! What other programs left on the disk, honest or hostile.

use std::os::unix::fs::symlink;

use super::*;
use crate::catalogue::Task;
use crate::digest::Sha256;
use crate::fixture::{Gguf, whisper};

struct Home {
    dir: tempfile::TempDir,
    store: Store,
    go: AtomicBool,
}

fn model() -> Vec<u8> {
    Gguf::llama(20).bytes()
}

impl Home {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path().join("store"));
        Self { dir, store, go: AtomicBool::new(false) }
    }

    fn put(&self, path: &str, bytes: &[u8]) -> PathBuf {
        let path = self.dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    fn scan(&self) -> Vec<Found> {
        let mut places = Places::usual(self.dir.path(), None);
        places.ollama.truncate(1);
        places.folders.push(self.dir.path().join("folder"));
        scan(&self.store, &places, &self.go)
    }

    fn ollama(&self, tag: &str, manifest: &str) {
        let path = format!(".ollama/models/manifests/registry.ollama.ai/library/{tag}");
        self.put(&path, manifest.as_bytes());
    }
}

fn manifest(digest: &str) -> String {
    format!(
        "{{\"schemaVersion\":2,\"layers\":[{{\"mediaType\":\"text/plain\",\"digest\":\"x\"}},\
         {{\"mediaType\":\"application/vnd.ollama.image.model\",\"digest\":\"{digest}\"}}]}}"
    )
}

#[test]
fn an_empty_home_has_nothing() {
    assert_eq!(Home::new().scan(), []);
}

#[test]
fn ollamas_blobs_get_the_models_name_and_become_usable_without_a_copy() {
    let home = Home::new();
    let sum = Sha256::of(&model());
    let blob = home.put(&format!(".ollama/models/blobs/sha256-{sum}"), &model());
    home.ollama("llama3.2/1b", &manifest(&format!("sha256:{sum}")));
    let found = home.scan();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].suggested, "llama3.2-1b");
    assert_eq!((found[0].origin, &found[0].format), (Origin::Ollama, &Ok(Format::Gguf)));
    let added = link(&home.store, &found[0], &home.go, &mut |_| ()).unwrap();
    assert_eq!(added.name, "llama3.2-1b");
    assert_eq!(fs::read_link(&added.path).unwrap(), fs::canonicalize(&blob).unwrap());
    let resolved = home.store.resolve("llama3.2-1b", Task::Complete).unwrap();
    assert_eq!(resolved.sha256, sum);
    home.store.remove("llama3.2-1b").unwrap();
    assert!(blob.exists());
}

#[test]
fn hostile_manifests_are_passed_over() {
    let home = Home::new();
    home.put("victim.gguf", &model());
    home.put(".ollama/models/blobs/x.gguf", &model());
    let huge = format!("{{\"pad\":\"{}\",{}", " ".repeat(1 << 19), &manifest("sha256:00")[1..]);
    for (i, text) in [
        manifest("sha256:../../../victim.gguf"),
        manifest("../../../victim.gguf"),
        manifest("/etc/passwd"),
        manifest("sha256:x.gguf"),
        manifest(&format!("sha256:{}", "0".repeat(64))),
        manifest(""),
        huge,
        "[".repeat(10_000),
        "{}".into(),
        String::new(),
    ]
    .iter()
    .enumerate()
    {
        home.ollama(&format!("m{i}/latest"), text);
    }
    assert_eq!(home.scan(), []);
}

fn hub(home: &Home, name: &str, blob: &str, bytes: &[u8]) -> PathBuf {
    let root = ".cache/huggingface/hub/models--org--name";
    home.put(&format!("{root}/blobs/{blob}"), bytes);
    let snapshot = home.dir.path().join(root).join("snapshots/abc");
    fs::create_dir_all(&snapshot).unwrap();
    let link = snapshot.join(name);
    symlink(format!("../../blobs/{blob}"), &link).unwrap();
    link
}

#[test]
fn the_hub_cache_is_read_through_its_links() {
    let home = Home::new();
    let sum = Sha256::of(&model()).to_string();
    hub(&home, "Some-Model.Q4.gguf", &sum, &model());
    hub(&home, "config.json", "1234", b"{}");
    let found = home.scan();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].suggested, "some-model.q4");
    assert_eq!(found[0].origin, Origin::HubCache);
    // The blob's name says nothing; the name of the link does.
    let added = link(&home.store, &found[0], &home.go, &mut |_| ()).unwrap();
    assert_eq!(added.name, "some-model.q4");
    assert_eq!(home.store.list().unwrap().len(), 1);
}

#[test]
fn links_out_of_a_repository_are_not_followed() {
    let home = Home::new();
    let secret = home.put("secret.gguf", &model());
    let link = hub(&home, "a.gguf", "0", b"");
    fs::remove_file(&link).unwrap();
    symlink(secret, link).unwrap();
    assert_eq!(home.scan(), []);
}

#[test]
fn folders_are_walked_without_loops() {
    let home = Home::new();
    home.put("folder/a/b/ggml-tiny.bin", &whisper(51_864));
    home.put("folder/readme.txt", b"x");
    symlink(home.dir.path().join("folder"), home.dir.path().join("folder/loop")).unwrap();
    symlink("self.gguf", home.dir.path().join("folder/self.gguf")).unwrap();
    home.put(&format!("folder/{}x.gguf", "d/".repeat(30)), &model());
    let found = home.scan();
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].format, Ok(Format::GgmlWhisper));
    assert_eq!(found[0].suggested, "ggml-tiny");
}

#[test]
fn unusable_files_are_reported_as_such() {
    let home = Home::new();
    home.put(".cache/whisper/tiny.en.pt", b"PK\x03\x04 and so on");
    home.put(".lmstudio/models/org/name/cut.gguf", &model()[..300]);
    let found = home.scan();
    let say: Vec<String> = found.iter().map(|f| f.format.clone().unwrap_err()).collect();
    assert!(say.iter().any(|s| s.contains("PyTorch checkpoint")), "{say:?}");
    assert!(say.iter().any(|s| s.contains("truncated")), "{say:?}");
    assert!(found.iter().all(|f| link(&home.store, f, &home.go, &mut |_| ()).is_err()));
}

#[test]
fn a_catalogue_model_is_recognised_and_gets_its_name() {
    let home = Home::new();
    let (sum, bytes) = (Sha256::of(&model()), model().len());
    let catalogue = format!(
        "[[model]]\nname = \"known\"\ntask = \"complete\"\nfile = \"k.gguf\"\nformat = \"gguf\"\n\
         bytes = {bytes}\nmemory = 1\nlicence = \"MIT\"\nsha256 = \"{sum}\"\ndescription = \"\""
    );
    let catalogue = crate::Catalogue::parse(&catalogue).unwrap();
    let home = Home { store: Store::with_catalogue(home.store.dir(), catalogue), ..home };
    hub(&home, "x.gguf", &sum.to_string(), &model());
    home.put("folder/y.gguf", &model());
    let found = home.scan();
    let known: Vec<_> = found.iter().map(|f| (f.known.as_deref(), f.likely.as_deref())).collect();
    assert_eq!(known, [(Some("known"), Some("known")), (None, Some("known"))]);
    let added = link(&home.store, &found[1], &home.go, &mut |_| ()).unwrap();
    assert_eq!((added.name.as_str(), added.known), ("known", true));
}
