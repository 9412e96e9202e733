//! Dates and keywords beside pictures, for other programs.

use std::fs;

use serde_json::Value;

use crate::fixture::{Shot, Tree};

#[test]
fn a_mended_clock_is_written_back_and_believed_from_then_on() {
    let tree = Tree::new(&[("in/a.jpg", Shot::at("2024:03:05 23:30:00").camera("Acme", "P1"))]);
    let before = tree.state();
    let journals = tempfile::tempdir().expect("a folder");
    let journal = journals.path().join("journal");
    let sort =
        ["in", "--shift", "Acme P1=+1h", "--to", "out/{taken}", "--write-back", "--apply", "move"];
    let run = tree.sort(&sort).arg("--journal").arg(&journal).run().code(0);
    assert_eq!(tree.names(), ["out/20240306-003000.jpg", "out/20240306-003000.jpg.xmp"], "{run}");
    assert_eq!(run.record()["plan"]["sidecar"], "out/20240306-003000.jpg.xmp");
    let again = tree.sort(&["out", "--to", "out/{taken}"]).run().code(0);
    let photo = again.records().into_iter().find(|r| r["photo"].is_object()).expect("a picture");
    assert_eq!(photo["photo"]["taken_from"], "sidecar:xmp", "{again}");
    assert!(again.records().iter().all(|r| r["plan"]["action"] == "stay"), "{again}");
    tree.sort(&["--undo"]).arg(&journal).run().code(0);
    assert_eq!(tree.state(), before);
}

#[test]
fn an_old_sidecar_is_kept_and_what_it_says_too() {
    let old = "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\"><rdf:RDF \
        xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\"><rdf:Description rdf:about=\"\" \
        xmlns:xmp=\"http://ns.adobe.com/xap/1.0/\" xmlns:own=\"http://example.org/own/\" \
        xmp:Rating=\"4\" own:thing=\"kept\"/></rdf:RDF></x:xmpmeta>";
    let tree = Tree::new(&[
        ("in/a.jpg", Shot::at("2024:03:05 23:30:00").camera("Acme", "P1")),
        ("in/a.jpg.xmp", Shot::text(old)),
    ]);
    let before = tree.state();
    let journals = tempfile::tempdir().expect("a folder");
    let journal = journals.path().join("journal");
    let sort = ["in", "--to", "out/{taken}", "--write-back", "--apply", "move", "--journal"];
    let run = tree.sort(&sort).arg(&journal).run().code(0);
    let written = fs::read_to_string(tree.file("out/20240305-233000.jpg.xmp")).expect("a sidecar");
    assert!(written.contains("kept") && written.contains("Rating"), "{run}\n{written}");
    let kept =
        fs::read_to_string(tree.file("out/20240305-233000.jpg.xmp.orig")).expect("the old one");
    assert_eq!(kept, old);
    tree.sort(&["--undo"]).arg(&journal).run().code(0);
    assert_eq!(tree.state(), before);
}

#[test]
fn keywords_go_where_the_program_looks_for_them() {
    let shots = [("in/1.jpg", "23:30:00", false), ("in/2.jpg", "23:30:01", true)];
    let shot = |(name, time, blurred): &(&'static str, &str, bool)| {
        let shot = Shot::at(&format!("2024:03:05 {time}")).camera("Acme", "P1").scene(7);
        (*name, if *blurred { shot.blurred() } else { shot })
    };
    let tree = Tree::new(&shots.iter().map(shot).collect::<Vec<_>>());
    for (program, first) in [("digikam", "a/1.jpg.xmp"), ("lightroom", "b/1.xmp")] {
        let to = format!("{}/{{name}}", &first[..1]);
        let run =
            tree.sort(&["in", "--to", &to, "--export", program, "--apply", "copy"]).run().code(0);
        let text = fs::read_to_string(tree.file(first)).unwrap_or_else(|e| panic!("{e}: {run}"));
        assert!(text.contains("best of burst"), "{text}");
        let sidecars: Vec<Value> =
            run.records().iter().map(|r| r["plan"]["sidecar"].clone()).collect();
        assert_eq!(sidecars[0], first, "{run}");
    }
}
