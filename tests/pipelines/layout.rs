//! The rules of the house, held by tests: what may depend on what, how large things may grow,
//! what each program must come with.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use testkit::repository;

/// Lines of a source file, tests and flat tables apart.
const FILE_LINES: usize = 400;

/// Names that say nothing about what is inside.
const BANNED: [&str; 7] = ["util", "utils", "common", "misc", "helpers", "shared", "stuff"];

/// The only things at the top.
const TOP: [&str; 11] = [
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "Makefile",
    "README.md",
    "completions",
    "examples",
    "man",
    "src",
    "tests",
];

fn tracked() -> Vec<PathBuf> {
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(repository())
        .output()
        .expect("git runs");
    assert!(output.status.success(), "git ls-files: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("paths are UTF-8");
    text.split('\0').filter(|p| !p.is_empty()).map(PathBuf::from).collect()
}

fn read(path: &Path) -> String {
    fs::read_to_string(repository().join(path))
        .unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn sources() -> impl Iterator<Item = PathBuf> {
    tracked()
        .into_iter()
        .filter(|p| p.extension().is_some_and(|e| e == "rs") && repository().join(p).exists())
}

fn programs() -> BTreeSet<String> {
    let folder = repository().join("src/bin");
    let entries = fs::read_dir(folder).expect("src/bin");
    entries.map(|e| e.expect("an entry").file_name().into_string().expect("UTF-8")).collect()
}

struct Package {
    manifest: PathBuf,
    /// Normal dependencies, by package name.
    dependencies: BTreeSet<String>,
}

fn packages() -> BTreeMap<String, Package> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--offline"])
        .current_dir(repository())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("metadata is JSON");
    let text = |v: &Value| v.as_str().expect("a string").to_owned();
    let names: BTreeMap<String, String> = metadata["packages"]
        .as_array()
        .expect("packages")
        .iter()
        .map(|p| (text(&p["id"]), text(&p["name"])))
        .collect();
    let manifests: BTreeMap<String, PathBuf> = metadata["packages"]
        .as_array()
        .expect("packages")
        .iter()
        .map(|p| (text(&p["id"]), text(&p["manifest_path"]).into()))
        .collect();
    let is_normal = |d: &Value| {
        d["dep_kinds"].as_array().is_some_and(|kinds| kinds.iter().any(|k| k["kind"].is_null()))
    };
    let nodes = metadata["resolve"]["nodes"].as_array().expect("nodes");
    let package = |node: &Value| {
        let id = text(&node["id"]);
        let deps = node["deps"].as_array().expect("deps").iter().filter(|d| is_normal(d));
        let dependencies = deps.map(|d| names[&text(&d["pkg"])].clone()).collect();
        (names[&id].clone(), Package { manifest: manifests[&id].clone(), dependencies })
    };
    nodes.iter().map(package).collect()
}

/// Everything that `package` links, itself included.
fn linked(packages: &BTreeMap<String, Package>, package: &str) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    let mut open = vec![package.to_owned()];
    while let Some(name) = open.pop() {
        if let Some(package) = packages.get(&name)
            && seen.insert(name)
        {
            open.extend(package.dependencies.iter().cloned());
        }
    }
    seen
}

#[test]
fn the_top_level_is_what_it_is_meant_to_be() {
    let found: BTreeSet<String> = tracked()
        .iter()
        .filter_map(|p| Some(p.components().next()?.as_os_str().to_str()?.to_owned()))
        .filter(|name| !name.starts_with('.'))
        .collect();
    let allowed: BTreeSet<String> = TOP.iter().map(ToString::to_string).collect();
    assert_eq!(found.difference(&allowed).collect::<Vec<_>>(), Vec::<&String>::new());
    assert_eq!(allowed.difference(&found).collect::<Vec<_>>(), Vec::<&String>::new());
}

#[test]
fn every_crate_inherits_the_lints_and_is_named_for_its_folder() {
    for (name, package) in packages() {
        let Ok(manifest) = package.manifest.strip_prefix(repository()) else { continue };
        let table: toml::Table = read(manifest).parse().expect("a manifest");
        let lints =
            table.get("lints").and_then(|l| l.get("workspace")).and_then(toml::Value::as_bool);
        assert_eq!(lints, Some(true), "{}: [lints] workspace = true", manifest.display());
        let folder =
            manifest.parent().and_then(Path::file_name).and_then(|f| f.to_str()).expect("a folder");
        if manifest.starts_with("src/lib") {
            assert_eq!(name, format!("headwater-{folder}"));
        } else if manifest.starts_with("src/bin") {
            assert_eq!(name, format!("headwater-{folder}-cli"));
        }
    }
}

#[test]
fn no_program_links_both_engines_and_the_rest_link_none() {
    let packages = packages();
    for program in programs() {
        let linked = linked(&packages, &format!("headwater-{program}-cli"));
        let (llama, whisper) =
            (linked.contains("llama-cpp-sys-2"), linked.contains("whisper-rs-sys"));
        assert!(!(llama && whisper), "{program} links two copies of ggml");
        let expected = match program.as_str() {
            "classify" | "embed" | "extract" | "models" | "serve" | "summarize" => (true, false),
            "transcribe" => (false, true),
            _ => (false, false),
        };
        assert_eq!((llama, whisper), expected, "{program}");
    }
}

#[test]
fn libraries_depend_downwards_only() {
    let layers: [&[&str]; 4] = [
        &[
            "records",
            "engine",
            "store",
            "audio",
            "walk",
            "jobserver",
            "keyset",
            "expression",
            "pii",
            "ssh",
            "trust",
            "metadata",
            "places",
            "bundle",
            "onnx",
        ],
        &[
            "models", "chunk", "cli", "document", "filehash", "images", "journal", "minhash",
            "dispatch", "vision",
        ],
        &["llama", "whisper", "results"],
        &["*programs*"],
    ];
    let packages = packages();
    let layer = |name: &str| layers.iter().position(|l| l.contains(&name));
    for (name, package) in &packages {
        let Some(name) = name.strip_prefix("headwater-") else { continue };
        for dependency in &package.dependencies {
            let Some(dependency) = dependency.strip_prefix("headwater-") else { continue };
            assert!(!dependency.ends_with("-cli"), "{name} depends on the program {dependency}");
            match (layer(name), layer(dependency)) {
                (Some(above), Some(below)) => {
                    assert!(above > below, "{name} depends on {dependency}")
                }
                (_, None) => assert_eq!(dependency, "testkit", "{dependency} has no layer"),
                (None, _) => {}
            }
        }
    }
    for base in ["headwater-records", "headwater-cli"] {
        let linked = linked(&packages, base);
        assert!(!linked.contains("headwater-engine"), "{base} knows of engines");
    }
}

#[test]
fn files_and_names_keep_within_bounds() {
    for path in sources() {
        let lines = read(&path).lines().count();
        let is_test = path.starts_with("tests")
            || path.components().any(|c| c.as_os_str() == "tests")
            || path.file_name().is_some_and(|f| f.to_str().is_some_and(|f| f.contains("tests")));
        if !is_test {
            assert!(lines <= FILE_LINES, "{} has {lines} lines", path.display());
        }
        for part in &path {
            let stem = Path::new(part).file_stem().and_then(|s| s.to_str()).expect("UTF-8");
            assert!(!BANNED.contains(&stem), "{}: a name that says nothing", path.display());
        }
    }
}

#[test]
fn every_program_has_the_same_anatomy() {
    for program in programs() {
        let folder = Path::new("src/bin").join(&program);
        let main = read(&folder.join("main.rs"));
        let statements = main.matches(';').count() + main.matches("cli::main").count();
        assert!(
            main.contains("cli::main::<") && statements <= 2,
            "{program}/main.rs is one statement"
        );
        for file in ["lib.rs", "args.rs", "plan.rs", "examples.txt"] {
            assert!(repository().join(&folder).join(file).exists(), "{program} lacks {file}");
        }
    }
}

#[test]
fn every_program_comes_with_its_documents_and_tests() {
    let readme = read(Path::new("README.md"));
    let makefile = read(Path::new("Makefile"));
    for program in programs() {
        for file in [
            format!("man/{program}.1"),
            format!("completions/{program}.bash"),
            format!("completions/_{program}"),
            format!("completions/{program}.fish"),
            format!("tests/{program}.rs"),
        ] {
            assert!(repository().join(&file).exists(), "{file} is missing");
        }
        assert!(readme.contains(&format!("| `{program}` |")), "README.md has no row for {program}");
        let listed = makefile.lines().find(|l| l.starts_with("PROGRAMS")).expect("PROGRAMS");
        assert!(
            listed.split_whitespace().any(|w| w == program),
            "Makefile: PROGRAMS lacks {program}"
        );
    }
}

#[test]
fn test_data_names_its_source() {
    let sources = read(Path::new("tests/data/SOURCES.md"));
    for path in tracked() {
        let Ok(data) = path.strip_prefix("tests/data") else { continue };
        let name = data.file_name().and_then(|n| n.to_str()).expect("UTF-8");
        assert!(
            name == "SOURCES.md" || sources.contains(name),
            "{} is not in SOURCES.md",
            path.display()
        );
    }
}
