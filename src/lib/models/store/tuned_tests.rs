//! Which file is given for a tuned model, and when it is not.

use super::*;
use crate::catalogue::Task;
use crate::fixture::Gguf;
use crate::store::{AddOptions, Keep};
use crate::tuning::Loss;

/// A store with a model `mine` that is tuned on this processor.
struct House {
    dir: tempfile::TempDir,
    store: Store,
    go: AtomicBool,
}

fn measured(format: &str) -> Measured {
    let loss = Loss { kl: 0.001, perplexity: 9.0, original_perplexity: 9.0, top1: 0.99 };
    let speed = Speed { prompt_rate: 100.0, answer_rate: Some(50.0) };
    Measured { format: format.into(), bytes: 1, speed, loss: Some(loss) }
}

impl House {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path().join("models"));
        let house = Self { dir, store, go: AtomicBool::new(false) };
        house.add("mine", 20);
        house
    }

    fn add(&self, name: &str, rows: u64) {
        let file = self.dir.path().join("in.gguf");
        fs::write(&file, Gguf::llama(rows).bytes()).unwrap();
        let keep = Keep::Copy;
        let name = Some(name.to_owned());
        let options = AddOptions { name, suggested: None, keep, source: None };
        self.store.add_file(&file, &options, &self.go, &mut |_| ()).unwrap();
    }

    fn listed(&self, name: &str) -> Listed {
        self.store.present(name).unwrap().unwrap()
    }

    fn tune(&self, name: &str) -> Tuning {
        let listed = self.listed(name);
        let bench = self.store.workbench(&self.go, &|| ()).unwrap().unwrap();
        let made = bench.scratch().join("made.gguf");
        fs::write(&made, Gguf::llama(30).bytes()).unwrap();
        let original = listed.sidecar.unwrap().sha256;
        let rows = vec![measured("Q4_0"), measured("Q8_0")];
        let tuning = Tuning::new(original, measured("Q4_1"), rows);
        let made = Some((made.as_path(), "Q8_0"));
        self.store.keep_tuning(&bench, &listed.path, tuning, made, &self.go).unwrap()
    }

    fn tuned(&self, name: &str) -> Option<Resolved> {
        let resolved = self.store.resolve(name, Task::Complete).unwrap();
        resolved.tuned.is_some().then_some(resolved)
    }

    fn folder(&self) -> PathBuf {
        self.store.tuned_folder()
    }

    fn files(&self) -> Vec<String> {
        let Ok(items) = fs::read_dir(self.folder()) else { return vec![] };
        let mut names: Vec<String> =
            items.map(|item| item.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn note(&self) -> PathBuf {
        self.folder().join("mine.gguf.json")
    }

    fn rewrite(&self, from: &str, to: &str) {
        let text = fs::read_to_string(self.note()).unwrap();
        assert!(text.contains(from), "{text}");
        fs::write(self.note(), text.replace(from, to)).unwrap();
    }
}

#[test]
fn a_tuned_model_is_given_as_its_tuned_file() {
    let house = House::new();
    assert_eq!(house.tuned("mine"), None);
    let tuning = house.tune("mine");
    let tuned = house.tuned("mine").unwrap();
    assert_eq!((tuned.name.as_str(), tuned.tuned.as_deref()), ("mine", Some("Q8_0")));
    assert_eq!(tuned.sha256, Sha256::of(&Gguf::llama(30).bytes()));
    assert_eq!(fs::read(&tuned.path).unwrap(), Gguf::llama(30).bytes());
    assert_eq!(house.store.tuning(&house.listed("mine")), Some(tuning));
    let original = house.store.resolve_as("mine", Task::Complete, true).unwrap();
    assert_eq!((original.tuned, original.path), (None, house.listed("mine").path));
    assert_eq!(house.store.list().unwrap().len(), 1, "tuned files are no models of their own");
}

#[test]
fn tuning_again_leaves_one_file_and_no_scratch() {
    let house = House::new();
    house.tune("mine");
    house.tune("mine");
    assert_eq!(house.files().len(), 2, "{:?}", house.files());
}

#[test]
fn what_a_killed_process_left_is_cleared_away() {
    let house = House::new();
    house.tune("mine");
    let kept = house.files();
    fs::create_dir(house.folder().join(".making-x")).unwrap();
    fs::write(house.folder().join(".making-x/half.gguf"), "GG").unwrap();
    fs::write(house.folder().join("mine.Q4_0.00000000.gguf"), "GG").unwrap();
    drop(house.store.workbench(&house.go, &|| ()).unwrap());
    assert_eq!(house.files(), kept);
    assert!(house.tuned("mine").is_some());
}

#[test]
fn another_processor_gets_the_original_and_may_have_a_file_of_its_own() {
    let house = House::new();
    house.tune("mine");
    house.rewrite(cpu::signature(), "another processor");
    assert_eq!(house.tuned("mine"), None);
    assert_eq!(house.store.tuning(&house.listed("mine")), None);
    house.tune("mine");
    let note = Note::read(&house.folder(), &house.listed("mine").path);
    assert_eq!(note.tunings.len(), 2);
    assert!(house.tuned("mine").is_some());
    let original = house.store.resolve_as("mine", Task::Complete, true).unwrap();
    assert!(house.store.tuned_for(&original, || "another processor").is_some());
    assert_eq!(house.store.tuned_for(&original, || "a third"), None);
}

#[test]
fn another_original_is_given_itself() {
    let house = House::new();
    house.tune("mine");
    house.store.remove("mine").unwrap();
    house.add("mine", 20);
    house.tune("mine");
    let listed = house.listed("mine");
    // The file is replaced from outside, and the store is told.
    fs::write(&listed.path, Gguf::llama(21).bytes()).unwrap();
    fs::remove_file(crate::store::Sidecar::path_for(&listed.path)).unwrap();
    let resolved = house.store.resolve("mine.gguf", Task::Complete).unwrap();
    assert_eq!(resolved.sha256, Sha256::of(&Gguf::llama(21).bytes()));
    assert_eq!(resolved.tuned, None);
}

#[test]
fn a_tuned_file_that_is_gone_or_changed_is_not_used() {
    let house = House::new();
    let chosen = house.tune("mine").chosen.unwrap();
    let path = house.folder().join(&chosen.file);
    let whole = fs::read(&path).unwrap();
    let mut bytes = whole.clone();
    *bytes.last_mut().unwrap() ^= 1;
    for damage in [bytes.as_slice(), &whole[..whole.len() / 2], b""] {
        fs::write(&path, damage).unwrap();
        assert_eq!(house.tuned("mine"), None);
        let listed = house.listed("mine");
        assert!(house.store.verify_tuned(&listed, &house.go, &mut |_| ()).is_err());
    }
    // The same content at another time, as after a copy.
    fs::write(&path, &whole).unwrap();
    assert!(house.tuned("mine").is_some());
    let listed = house.listed("mine");
    let good = house.store.verify_tuned(&listed, &house.go, &mut |_| ()).unwrap();
    assert_eq!(good, [chosen]);
    fs::remove_file(&path).unwrap();
    assert_eq!(house.tuned("mine"), None);
    assert!(house.store.verify_tuned(&listed, &house.go, &mut |_| ()).is_err());
}

#[test]
fn hostile_notes_count_as_none() {
    let house = House::new();
    let chosen = house.tune("mine").chosen.unwrap();
    let good = fs::read_to_string(house.note()).unwrap();
    let victim = house.dir.path().join("victim.gguf");
    fs::write(&victim, Gguf::llama(30).bytes()).unwrap();
    let deep = "[".repeat(100_000);
    let long = format!("{{\"tunings\": [], \"x\": \"{}\"}}", "y".repeat(1 << 20));
    let outside = good.replace(&chosen.file, "../../victim.gguf");
    let hidden = good.replace(&chosen.file, ".hidden");
    let text = good.replace("100.0", "\"fast\"");
    for note in ["", "{", "[]", "{\"tunings\": [{}]}", &deep, &long, &outside, &hidden, &text] {
        fs::write(house.note(), note).unwrap();
        assert_eq!(house.tuned("mine"), None);
        assert_eq!(house.store.tuning(&house.listed("mine")), None);
    }
    fs::write(house.note(), outside).unwrap();
    house.store.remove("mine").unwrap();
    assert!(victim.exists());
}

#[test]
fn removing_a_model_removes_its_tuned_files() {
    let house = House::new();
    house.add("other", 22);
    house.tune("mine");
    house.tune("other");
    let size = |rows| Gguf::llama(rows).bytes().len() as u64;
    assert_eq!(house.store.remove("mine").unwrap().freed, size(20) + size(30));
    assert!(house.tuned("other").is_some());
    house.store.remove("other").unwrap();
    assert!(!house.folder().exists());
}

#[test]
fn a_stopped_tuning_changes_nothing() {
    let house = House::new();
    let before = house.tune("mine");
    let bench = house.store.workbench(&house.go, &|| ()).unwrap().unwrap();
    let made = bench.scratch().join("made.gguf");
    fs::write(&made, "x").unwrap();
    let listed = house.listed("mine");
    let tuning = Tuning { candidates: vec![], ..before.clone() };
    let stop = AtomicBool::new(true);
    let kept = house.store.keep_tuning(&bench, &listed.path, tuning, Some((&made, "Q4_0")), &stop);
    assert!(matches!(kept, Err(StoreError::Stopped)), "{kept:?}");
    drop(bench);
    assert_eq!(house.store.tuning(&listed), Some(before));
    assert_eq!(house.files().len(), 2);
}
