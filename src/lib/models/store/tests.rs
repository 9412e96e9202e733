//! Names, links, changes and what the store never does.

use proptest::prelude::*;

use super::*;
use crate::catalogue::Task;
use crate::fixture::{Gguf, vad};

struct House {
    dir: tempfile::TempDir,
    outside: tempfile::TempDir,
    store: Store,
    go: AtomicBool,
}

impl House {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path().join("models"));
        let outside = tempfile::tempdir().unwrap();
        Self { dir, outside, store, go: AtomicBool::new(false) }
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.outside.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    fn add(&self, file: &Path, name: Option<&str>, keep: Keep) -> Result<Added, StoreError> {
        let options =
            AddOptions { name: name.map(str::to_owned), suggested: None, keep, source: None };
        self.store.add_file(file, &options, &self.go, &mut |_| ())
    }

    fn verify(&self, name: &str) -> Result<(Listed, Inspection), StoreError> {
        self.store.verify(name, &self.go, &mut |_| ())
    }

    fn resolve(&self, name: &str) -> Result<Resolved, ResolveError> {
        self.store.resolve(name, Task::Complete)
    }
}

fn model() -> Vec<u8> {
    Gguf::llama(20).bytes()
}

#[test]
fn a_missing_model_names_the_command_that_gets_it() {
    let house = House::new();
    let say = |name, task| house.store.resolve(name, task).unwrap_err().to_string();
    let expected = "model 'smollm2-135m' is not here; get it with: models pull smollm2-135m";
    assert_eq!(say("smollm2-135m", Task::Complete), expected);
    let expected = "model 'tiny.en' is not here; get it with: models pull tiny.en";
    assert_eq!(say("tiny.en", Task::Transcribe), expected);
    assert!(say("nonsense", Task::Complete).starts_with("model 'nonsense' is not known"));
    let error = "model 'silero-vad' is for vad, not for complete";
    assert_eq!(say("silero-vad", Task::Complete), error);
    assert!(say("/absent/x.gguf", Task::Complete).contains("cannot read the model file"));
    let default = house.store.resolve_default(Task::Embed, None).unwrap_err().to_string();
    assert!(default.ends_with("models pull all-minilm-l6-v2"), "{default}");
    assert!(!house.store.dir().exists(), "looking makes nothing");
}

#[test]
fn default_folder() {
    let home = Path::new("/home/u");
    let dir = |home, xdg: Option<&str>| Store::default_dir(home, xdg.map(Path::new));
    let usual = PathBuf::from("/home/u/.local/share/headwater/models");
    assert_eq!(dir(Some(home), None), Some(usual.clone()));
    assert_eq!(dir(Some(home), Some("relative")), Some(usual));
    assert_eq!(dir(None, Some("/d")), Some(PathBuf::from("/d/headwater/models")));
    assert_eq!(dir(None, None), None);
}

#[test]
fn a_copy_is_independent_of_its_original() {
    let house = House::new();
    let file = house.file("My Model (v2).gguf", &model());
    let added = house.add(&file, None, Keep::Copy).unwrap();
    assert_eq!((added.name.as_str(), added.known), ("my-model--v2", false));
    fs::remove_file(file).unwrap();
    let resolved = house.resolve("my-model--v2").unwrap();
    assert_eq!(resolved.sha256, Sha256::of(&model()));
    assert_eq!(resolved.inspection.architecture, "llama");
    assert_eq!(house.store.list().unwrap().len(), 1);
    let removed = house.store.remove("my-model--v2").unwrap();
    assert_eq!((removed.freed, removed.original), (model().len() as u64, None));
    assert_eq!(fs::read_dir(house.store.dir()).unwrap().count(), 0);
}

#[test]
fn a_link_costs_nothing_and_its_original_is_never_removed() {
    let house = House::new();
    let file = house.file("m.gguf", &model());
    let added = house.add(&file, Some("mine"), Keep::Link).unwrap();
    assert!(added.path.is_symlink());
    house.resolve("mine").unwrap();
    let removed = house.store.remove("mine").unwrap();
    assert_eq!(removed.freed, 0);
    assert_eq!(removed.original.as_deref(), Some(fs::canonicalize(&file).unwrap().as_path()));
    assert_eq!(fs::read(&file).unwrap(), model());
    assert!(matches!(house.store.remove("mine"), Err(StoreError::Missing(_))));
}

#[test]
fn a_link_does_not_replace_the_stores_own_file() {
    let house = House::new();
    let file = house.file("m.gguf", &model());
    let first = house.add(&file, Some("mine"), Keep::Copy).unwrap();
    house.add(&file, Some("mine"), Keep::Link).unwrap();
    assert!(!first.path.is_symlink());
    fs::remove_file(file).unwrap();
    house.resolve("mine").unwrap();
}

#[test]
fn a_link_that_leads_nowhere_can_be_removed() {
    let house = House::new();
    let file = house.file("m.gguf", &model());
    house.add(&file, Some("mine"), Keep::Link).unwrap();
    fs::remove_file(file).unwrap();
    assert_eq!(house.store.list().unwrap()[0].bytes, None);
    assert!(house.resolve("mine").is_err());
    house.store.remove("mine").unwrap();
    assert!(house.store.list().unwrap().is_empty());
}

#[test]
fn a_changed_file_is_noticed() {
    let house = House::new();
    let added = house.add(&house.file("m.gguf", &model()), Some("mine"), Keep::Copy).unwrap();
    let mut bytes = model();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&added.path, &bytes).unwrap();
    assert!(house.store.list().unwrap()[0].changed);
    assert!(matches!(house.resolve("mine"), Err(ResolveError::Changed { .. })));
    assert!(matches!(house.verify("mine"), Err(StoreError::Checksum { .. })));
    fs::write(&added.path, model()).unwrap();
    house.resolve("mine").unwrap();
    assert!(!house.store.list().unwrap()[0].changed, "the new time is remembered");
    house.verify("mine").unwrap();
}

#[test]
fn an_unchanged_file_is_not_read_again() {
    let house = House::new();
    let added = house.add(&house.file("m.gguf", &model()), Some("mine"), Keep::Copy).unwrap();
    let mut sidecar = Sidecar::read(&added.path).unwrap();
    sidecar.sha256 = Sha256::of(b"a mark");
    sidecar.write(&added.path).unwrap();
    assert_eq!(house.resolve("mine").unwrap().sha256, Sha256::of(b"a mark"));
}

#[test]
fn a_path_is_a_model_too_and_its_checksum_is_remembered() {
    let house = House::new();
    let file = house.file("m.gguf", &model());
    let path = file.to_str().unwrap();
    assert_eq!(house.resolve(path).unwrap().sha256, Sha256::of(&model()));
    let memos = house.store.dir().join(".checksums");
    assert_eq!(fs::read_dir(&memos).unwrap().count(), 1);
    assert!(house.store.list().unwrap().is_empty());
    let other = Gguf::llama(21).bytes();
    fs::write(&file, &other).unwrap();
    assert_eq!(house.resolve(path).unwrap().sha256, Sha256::of(&other));
    let wrong = house.store.resolve(path, Task::Vad).unwrap_err().to_string();
    assert!(wrong.contains("a gguf file, where ggml-vad is due"), "{wrong}");
}

#[test]
fn unusable_files_are_not_taken_in() {
    let house = House::new();
    let whole = model();
    for bytes in [&whole[..whole.len() - 1], b"GGUF", b"", b"hello world, no model"] {
        let file = house.file("m.gguf", bytes);
        assert!(matches!(house.add(&file, None, Keep::Copy), Err(StoreError::Unusable { .. })));
    }
    assert!(house.add(house.outside.path(), None, Keep::Link).is_err());
    assert!(!house.store.dir().exists());
}

#[test]
fn names_are_not_taken_from_others() {
    let house = House::new();
    let first = house.file("a.gguf", &model());
    let second = house.file("b.gguf", &Gguf::llama(9).bytes());
    house.add(&first, Some("mine"), Keep::Copy).unwrap();
    house.add(&first, Some("mine"), Keep::Copy).unwrap();
    assert!(matches!(house.add(&second, Some("mine"), Keep::Copy), Err(StoreError::Taken(_))));
    // The catalogue's names are for the catalogue's files.
    for name in ["smollm2-135m", "smollm2", "whisper"] {
        assert!(matches!(house.add(&second, Some(name), Keep::Copy), Err(StoreError::Taken(_))));
    }
    assert!(house.resolve("mine").unwrap().sha256 == Sha256::of(&model()));
}

#[test]
fn a_foreign_file_in_the_place_of_a_catalogue_model_is_not_used() {
    let house = House::new();
    fs::create_dir_all(house.store.dir()).unwrap();
    let entry = house.store.catalogue().find("silero-vad").unwrap().clone();
    fs::write(house.store.file_of(&entry), vad()).unwrap();
    let error = house.store.resolve("silero-vad", Task::Vad).unwrap_err();
    assert!(matches!(error, ResolveError::Changed { .. }), "{error}");
    assert!(matches!(house.verify("silero-vad"), Err(StoreError::Checksum { .. })));
}

#[test]
fn hostile_sidecars_are_ignored() {
    let house = House::new();
    let added = house.add(&house.file("m.gguf", &model()), Some("mine"), Keep::Copy).unwrap();
    let note = Sidecar::path_for(&added.path);
    for text in
        ["", "{", "[1]", &"[".repeat(100_000), &format!("{{\"x\":\"{}\"}}", "y".repeat(1 << 20))]
    {
        fs::write(&note, text).unwrap();
        assert_eq!(Sidecar::read(&added.path), None);
        assert_eq!(house.store.list().unwrap()[0].name, "mine.gguf");
        assert_eq!(house.resolve("mine.gguf").unwrap().sha256, Sha256::of(&model()));
    }
}

proptest! {
    #[test]
    fn no_name_leads_out_of_the_store(name in "(\\PC{0,12}|[./a-z]{1,12}|\\.\\./[a-z]{1,5})") {
        let house = House::new();
        let victim = house.dir.path().join("victim.gguf");
        fs::write(&victim, model()).unwrap();
        let file = house.file("m.gguf", &model());
        if let Ok(added) = house.add(&file, Some(&name), Keep::Copy) {
            prop_assert_eq!(added.path.parent(), Some(house.store.dir()));
            prop_assert!(crate::is_model_name(&name));
            house.store.remove(&name).unwrap();
        }
        let _ = house.store.remove(&name);
        let _ = house.verify(&name);
        prop_assert_eq!(fs::read(&victim).unwrap(), model());
    }

    #[test]
    fn suggested_names_are_names(file in "\\PC{0,40}") {
        prop_assert!(crate::is_model_name(&add::suggest_name(Path::new(&file))));
    }
}
