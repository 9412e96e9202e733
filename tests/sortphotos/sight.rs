//! Faces and labels, by models of the store.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use testkit::{data, program};

use crate::fixture::{Shot, Tree};

fn face(name: &str) -> Vec<u8> {
    fs::read(data(&format!("photos/{name}"))).expect("a picture")
}

/// Two shots of a face: with closed eyes, and, a little less sharp, with open ones.
fn portraits() -> Tree {
    let shot = |time: &str| Shot::at(&format!("2024:03:05 14:07:{time}")).camera("Acme", "P1");
    Tree::new(&[
        ("in/closed.jpg", shot("09").pixels(face("face-closed.jpg"))),
        ("in/open.jpg", shot("10").pixels(face("face-open.jpg"))),
        ("in/other.jpg", shot("59").scene(9)),
    ])
}

#[test]
fn of_a_burst_open_eyes_are_better_than_a_little_more_sharpness() {
    testkit::model("mtcnn", "mtcnn.faces");
    let tree = portraits();
    let best = |args: &[&str]| -> (String, Vec<Value>) {
        let run = tree.sort(&["in"]).args(args).env("HEADWATER_MODELS", testkit::models_folder());
        let records = run.run().code(0).records();
        (records[0]["photo"]["burst"]["best"].as_str().expect("a burst").to_owned(), records)
    };
    assert_eq!(best(&["--faces=never"]).0, "in/closed.jpg");
    let (path, records) = best(&[]);
    assert_eq!(path, "in/open.jpg", "{records:?}");
    let why = |n: usize| records[n]["photo"]["burst"]["why"].as_str().expect("a reason");
    assert!(why(0).contains("eyes") && why(0).contains("% as clear"), "{}", why(0));
    assert!(why(1).contains("clearest eyes"), "{}", why(1));
    // Shots that are in no burst are not asked about, unless they all are.
    assert!(records[2]["photo"]["faces"].is_null(), "{records:?}");
    let (_, all) = best(&["--faces"]);
    assert_eq!(all[2]["photo"]["faces"], json!([]));
    let faces = all[1]["photo"]["faces"].as_array().expect("faces");
    let part = |key: &str| faces[0][key].as_f64().expect("a number");
    assert_eq!(faces.len(), 1, "{faces:?}");
    // The face is where it is in the picture.
    assert!((0.2..0.36).contains(&part("x")) && (0.15..0.35).contains(&part("y")), "{faces:?}");
    assert!((0.3..0.5).contains(&part("width")) && part("confidence") > 0.95, "{faces:?}");
    assert!(part("eyes") > 0.0);
}

#[test]
fn what_was_seen_is_kept_and_jobs_change_nothing() {
    testkit::model("mtcnn", "mtcnn.faces");
    let tree = portraits();
    let run = |args: &[&str]| {
        let sort = tree.sort(&["in", "--no-via"]).args(args);
        sort.env("HEADWATER_MODELS", testkit::models_folder()).run().code(0).records()
    };
    let first = run(&["--faces", "--jobs", "1", "--cache", "c.db"]);
    assert!(first[0]["photo"]["faces"].is_array(), "{first:?}");
    assert_eq!(run(&["--faces", "--jobs", "4", "--no-cache"]), first);
    assert_eq!(run(&["--faces", "--jobs", "4", "--cache", "c.db"]), first);
    // What was kept with a model is not taken for what is seen without.
    let without = run(&["--look", "always", "--faces=never", "--cache", "c.db"]);
    assert!(without[0]["photo"]["faces"].is_null(), "{without:?}");
}

#[test]
fn without_a_model_faces_are_missed_only_where_they_are_demanded() {
    let tree = portraits();
    let run = tree.sort(&["in"]).run().code(0);
    assert!(run.records().iter().all(|r| r["photo"]["faces"].is_null()), "{run}");
    tree.sort(&["in", "--faces"]).run().code(2).says("models pull mtcnn");
    tree.sort(&["in", "--label-model", "x"]).run().code(2).says("models import");
    tree.sort(&["in", "--faces", "--look", "never"]).run().code(2).says("--look never");
    // Something else under the name of a model is no reason to go on without.
    tree.write(".models/bad.faces", b"HWBUNDL1\xff\xff\xff\xff");
    tree.sort(&["in"]).run().code(2).says("bad.faces");
    tree.sort(&["in", "--faces=never"]).run().code(0);
}

/// A field of a protobuf message with a length.
fn field(number: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2];
    let mut length = body.len();
    while length > 127 {
        out.push(length as u8 | 128);
        length >>= 7;
    }
    out.push(length as u8);
    out.extend_from_slice(body);
    out
}

/// A value of floats (onnx.proto: ValueInfoProto).
fn value(name: &str, shape: &[u8]) -> Vec<u8> {
    let shape: Vec<u8> = shape.iter().flat_map(|n| field(1, &[1 << 3, *n])).collect();
    let tensor = [vec![1 << 3, 1], field(2, &shape)].concat();
    [field(1, name.as_bytes()), field(2, &field(1, &tensor))].concat()
}

/// An ONNX classifier whose outputs are how red, green and blue a picture is.
fn colours() -> Vec<u8> {
    let node = |from: &str, to: &str, operator: &str| {
        let body =
            [field(1, from.as_bytes()), field(2, to.as_bytes()), field(4, operator.as_bytes())];
        field(1, &body.concat())
    };
    let graph = [
        node("pixels", "means", "GlobalAveragePool"),
        node("means", "scores", "Flatten"),
        field(2, b"colours"),
        field(11, &value("pixels", &[1, 3, 8, 8])),
        field(12, &value("scores", &[1, 3])),
    ];
    [vec![1 << 3, 8], field(7, &graph.concat()), field(8, &[2 << 3, 13])].concat()
}

fn imported(tree: &Tree) {
    tree.write("colours.onnx", &colours());
    tree.write("words.txt", b"red\ngreen\nblue\n");
    let models = |args: &[&str]| {
        let models = program("models").env("HEADWATER_MODELS", tree.file(".models"));
        models.working_in(tree.path()).args(args).run()
    };
    models(&["import", "colours.onnx"]).code(2).says("--labels");
    models(&["import", "words.txt", "--labels", "words.txt"]).code(2).says("no ONNX file");
    models(&["import", "colours.onnx", "--labels", "words.txt", "--scale", "byte"]).code(0);
    assert!(models(&["list", "--here"]).code(0).text().contains("colours"));
    models(&["verify", "colours"]).code(0);
}

#[test]
fn labels_come_from_an_imported_classifier_and_go_into_sidecars() {
    let tree = Tree::new(&[
        ("in/1.jpg", Shot::at("2024:03:05 14:07:09").camera("A", "B").colour([220, 30, 30])),
        ("in/2.jpg", Shot::at("2024:03:06 14:07:09").camera("A", "B").colour([20, 20, 200])),
    ]);
    imported(&tree);
    let sort = ["in", "--to", "out/{name}", "--look", "always", "--export", "digikam"];
    let run = tree.sort(&sort).args(["--apply", "copy"]).run().code(0);
    let records = run.records();
    for (n, name) in ["red", "blue"].iter().enumerate() {
        let labels = records[n]["photo"]["labels"].as_array().expect("labels");
        assert_eq!(labels[0]["name"], *name, "{run}");
        assert!(labels[0]["score"].as_f64().is_some_and(|score| score > 0.9), "{run}");
        let sidecar = tree.file(&format!("out/{}.jpg.xmp", n + 1));
        let text = fs::read_to_string(sidecar).expect("a sidecar");
        assert!(text.contains(&format!(">{name}<")), "{text}");
    }
    // Named, it labels every picture; without, those that are looked at for some other reason.
    let labelled = |args: &[&str]| {
        let run = tree.sort(&["in"]).args(args).run().code(0);
        run.records().iter().filter(|r| r["photo"]["labels"].is_array()).count()
    };
    assert_eq!(labelled(&["--label-model", "colours"]), 2);
    assert_eq!(labelled(&[]), 0);
    assert_eq!(labelled(&["--label-model", "never", "--look", "always"]), 0);
    let condition = r#"any(.photo.labels[]?; .name == "blue")"#;
    let run = tree.sort(&["in", "--label-model", "colours", "--where", condition]).run().code(0);
    let actions: Vec<Value> = run.records().iter().map(|r| r["plan"]["action"].clone()).collect();
    assert_eq!(actions, ["leave", "move"], "{run}");
}

#[test]
fn a_classifier_that_is_none_is_a_set_up_error_or_a_warning() {
    let tree = Tree::new(&[("a.jpg", Shot::at("2024:03:05 14:07:09").colour([220, 30, 30]))]);
    imported(&tree);
    let kept = tree.file(".models/colours.labels");
    let whole = fs::read(&kept).expect("the model");
    let run = |path: &Path| tree.sort(&["a.jpg", "--no-cache", "--label-model"]).arg(path).run();
    for at in (0..whole.len()).step_by(7) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x55;
        let path = tree.file("damaged.labels");
        fs::write(&path, damaged).expect("written");
        let outcome = run(&path);
        assert!([0, 2].contains(&outcome.status), "byte {at}: {outcome}");
    }
    assert_eq!(run(&kept).code(0).record()["photo"]["labels"][0]["name"], "red");
}
