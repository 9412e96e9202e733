use std::path::{Path, PathBuf};

/// The root of the repository.
pub fn repository() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_owned()
}

/// A file under tests/data.
pub fn data(name: &str) -> PathBuf {
    let path = repository().join("tests/data").join(name);
    assert!(path.exists(), "tests/data/{name} is missing");
    path
}

/// The folder where built programs are: two above the test's own executable.
///
/// # Panics
/// When the test is run from an unusual place.
pub fn programs_folder() -> PathBuf {
    let test = std::env::current_exe().expect("the test's own path");
    let deps = test.parent().expect("the test is in a folder");
    deps.parent().expect("the folder is target/release/deps").to_owned()
}

/// The model store that tests use: the user's own, so that a model is fetched once.
///
/// # Panics
/// Without a HOME.
pub fn models_folder() -> PathBuf {
    let set = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    set("HEADWATER_MODELS")
        .or_else(|| Some(set("XDG_DATA_HOME")?.join("headwater/models")))
        .or_else(|| Some(set("HOME")?.join(".local/share/headwater/models")))
        .expect("HOME is set")
}

/// The file of a model in the store.
///
/// # Panics
/// When it is not there: `models pull NAME` gets it, and `make test` does that.
pub fn model(name: &str, file: &str) -> PathBuf {
    let path = models_folder().join(file);
    assert!(path.exists(), "this test needs a model; get it with: models pull {name}");
    path
}
