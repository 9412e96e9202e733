//! What other programs left on the machine.

use std::fs;
use std::os::unix::fs::symlink;

use serde_json::Value;
use testkit::Program;

use super::{Bench, files, named, text};

impl Bench {
    fn scan<const N: usize>(&self, args: [&str; N]) -> Program {
        self.models(args).env("HOME", self.path("home"))
    }

    /// A blob of the hub's cache with a snapshot that links to it.
    fn hub_cache(&self, cache: &str, file: &str, bytes: &[u8]) {
        let repository = format!("{cache}/models--o--n");
        let blob = self.put(&format!("{repository}/blobs/{}", files::sum(bytes)), bytes);
        let link = self.put(&format!("{repository}/snapshots/abc/x"), "").with_file_name(file);
        symlink(blob, link).expect("a link");
    }

    fn ollama(&self, models: &str, tag: &str, digest: &str, bytes: &[u8]) {
        let manifest = format!(
            "{{\"layers\":[{{\"mediaType\":\"application/vnd.ollama.image.model\",\
             \"digest\":\"sha256:{digest}\"}}]}}"
        );
        self.put(&format!("{models}/manifests/registry.ollama.ai/library/{tag}"), manifest);
        self.put(&format!("{models}/blobs/sha256-{digest}"), bytes);
    }
}

#[test]
fn every_program_s_models_are_found_and_linked() {
    let bench = Bench::new();
    let hub = files::gguf(20);
    bench.hub_cache("home/.cache/huggingface/hub", "hub-model.gguf", &hub);
    let blob = files::gguf(30);
    bench.ollama("home/.ollama/models", "llama3.2/1b", &files::sum(&blob), &blob);
    bench.put("home/.lmstudio/models/o/n/studio.gguf", files::gguf(40));
    bench.put("home/.cache/whisper/own.bin", files::whisper());
    bench.put("home/.cache/whisper/tiny.pt", "PK\u{3}\u{4}");
    bench.put("home/.lmstudio/models/o/n/broken.gguf", &files::gguf(50)[..80]);
    let expected = [
        ("hub-model", "hub-cache"),
        ("llama3.2-1b", "ollama"),
        ("studio", "lm-studio"),
        ("own", "openai-whisper"),
    ];
    let rows = bench.scan(["scan"]).run().code(0).records();
    for (name, origin) in expected {
        let row = named(&rows, name);
        assert_eq!((&row["origin"], &row["linked"]), (&origin.into(), &Value::Bool(false)));
    }
    assert!(named(&rows, "tiny")["unusable"].as_str().is_some_and(|u| u.contains("PyTorch")));
    assert!(named(&rows, "broken")["unusable"].as_str().is_some_and(|u| u.contains("truncated")));
    assert_eq!(rows.len(), 6);
    assert_eq!(bench.files(), Vec::<String>::new());

    for _ in 0..2 {
        let rows = bench.scan(["scan", "--link"]).run().code(0).records();
        for (name, _) in expected {
            assert_eq!(named(&rows, name)["linked"], true);
            bench.models(["path", name]).run().code(0);
        }
    }
    assert!(fs::read_link(bench.store().join("llama3.2-1b.gguf")).is_ok());
    bench.models(["rm", "llama3.2-1b"]).run().code(0);
    assert_eq!(bench.scan(["scan"]).run().code(0).records().len(), 6, "the blob stays");
}

#[test]
fn a_file_of_the_catalogue_gets_the_catalogue_s_name() {
    let (bench, model) = (Bench::new(), files::gguf(20));
    let catalogue = bench.catalogue(&files::entry("mine", &model, ""));
    bench.hub_cache("home/.cache/huggingface/hub", "other-name.gguf", &model);
    bench.put("home/.lmstudio/models/copy.gguf", &model);
    let scan = |args| bench.scan(args).env("HEADWATER_CATALOGUE", &catalogue);
    let rows = scan(["scan", "--json"]).run().code(0).records();
    assert_eq!(named(&rows, "mine")["known"], "mine");
    assert_eq!(named(&rows, "copy")["likely"], "mine");
    let rows = scan(["scan", "--link"]).run().code(0).records();
    assert!(rows.iter().all(|r| r["name"] == "mine" && r["linked"] == true), "{rows:?}");
}

#[test]
fn named_folders_and_the_programs_own_variables_are_looked_in() {
    let bench = Bench::new();
    let model = files::gguf(20);
    bench.put("any/deep/down/any.gguf", &model);
    bench.hub_cache("disk/hub", "hub-model.gguf", &files::gguf(30));
    let blob = files::gguf(40);
    bench.ollama("disk/ollama", "moved/latest", &files::sum(&blob), &blob);
    let dirs = ["any", "disk/hub", "disk/ollama"].map(|d| bench.path(d));
    let [any, hub, ollama] = dirs.each_ref().map(|d| text(d));
    let rows = bench.scan(["scan", any, hub, ollama]).run().code(0).records();
    let found = |name, origin: &str| assert_eq!(named(&rows, name)["origin"], origin);
    found("any", "folder");
    found("hub-model", "hub-cache");
    found("moved", "ollama");
    let rows = bench
        .scan(["scan"])
        .env("HF_HOME", bench.path("disk"))
        .env("OLLAMA_MODELS", ollama)
        .run()
        .code(0)
        .records();
    assert_eq!(rows.len(), 2, "{rows:?}");
    bench.scan(["scan", "/absent"]).run().code(2).says("/absent");
    let shown = bench.scan(["scan", any]).run_on_terminal();
    assert!(shown.contains("models scan --link"), "{shown}");
}

#[test]
fn two_files_of_one_name_are_told_apart_by_the_user() {
    let bench = Bench::new();
    bench.put("a/same.gguf", files::gguf(20));
    bench.put("b/it's/same.gguf", files::gguf(30));
    let [a, b] = ["a", "b"].map(|d| bench.path(d));
    let outcome = bench.scan(["scan", "--link", text(&a), text(&b)]).run().code(1);
    assert!(outcome.messages().contains("models import --link --name OTHER '"), "{outcome}");
    assert_eq!(fs::read(bench.store().join("same.gguf")).expect("a link"), files::gguf(20));
}

#[test]
fn hostile_layouts_lead_nowhere() {
    let bench = Bench::new();
    let secret = bench.put("secret.gguf", files::gguf(20));
    let cache = "home/.cache/huggingface/hub/models--o--n/snapshots/abc";
    let link = bench.put(&format!("{cache}/x"), "").with_file_name("out.gguf");
    symlink(&secret, link).expect("a link");
    bench.ollama("home/.ollama/models", "evil/latest", "../../../../secret.gguf", b"");
    bench.put("home/.ollama/models/manifests/a/b/c/big", vec![b'['; 1 << 20]);
    let folder = bench.path("home/.lmstudio/models");
    fs::create_dir_all(&folder).expect("a folder");
    symlink(&folder, folder.join("loop")).expect("a link");
    symlink("/dev/zero", folder.join("zero.gguf")).expect("a link");
    assert!(bench.scan(["scan", "--link"]).run().code(0).records().is_empty());
}
