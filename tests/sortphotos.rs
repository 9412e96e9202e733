//! `sortphotos`, as its users run it.

#[path = "sortphotos/acting.rs"]
mod acting;
#[path = "sortphotos/bombs.rs"]
mod bombs;
#[path = "sortphotos/caseless.rs"]
mod caseless;
#[path = "sortphotos/fixture.rs"]
mod fixture;
#[path = "sortphotos/killed.rs"]
mod killed;
#[path = "sortphotos/odd.rs"]
mod odd;
#[path = "sortphotos/places.rs"]
mod places;
#[path = "sortphotos/sidecars.rs"]
mod sidecars;
#[path = "sortphotos/sight.rs"]
mod sight;

use std::fs;

use fixture::{Shot, Tree};
use serde_json::{Value, json};
use testkit::program;

#[test]
fn a_plan_says_where_each_file_goes_and_touches_nothing() {
    let tree = Tree::new(&[
        ("in/a.jpg", Shot::at("2024:03:05 14:07:09").offset("+01:00").camera("Acme", "P1")),
        ("in/sub/b.JPG", Shot::at("2023:12:31 23:59:59").camera("Acme", "P1")),
    ]);
    let before = tree.state();
    let run =
        tree.sort(&["in", "--to", "out/{year}/{month:02}/{taken}_{camera}{ext}"]).run().code(0);
    let records = run.records();
    assert_eq!(records.len(), 2, "{run}");
    let first = &records[0];
    assert_eq!(first["path"], "in/a.jpg");
    assert_eq!(first["photo"]["taken"], "2024-03-05T14:07:09+01:00", "{run}");
    assert_eq!(first["photo"]["taken_from"], "exif:DateTimeOriginal");
    assert!(first["photo"]["confidence"].as_f64().is_some_and(|c| c > 0.5), "{run}");
    assert!(first["photo"]["why"].is_string());
    assert_eq!(first["photo"]["camera"], json!({"make": "Acme", "model": "P1"}));
    assert_eq!(first["plan"]["action"], "move");
    assert_eq!(first["plan"]["to"], "out/2024/03/20240305-140709_Acme P1.jpg");
    assert_eq!(first["plan"]["done"], false);
    assert_eq!(records[1]["plan"]["to"], "out/2023/12/20231231-235959_Acme P1.jpg");
    assert_eq!(tree.state(), before);
}

#[test]
fn records_keep_what_the_user_wrote() {
    let tree = Tree::new(&[("a.jpg", Shot::at("2024:03:05 14:07:09"))]);
    let line =
        "{\"n\":1.50,\"path\":\"a.jpg\",\"odd\" : [ ]}\n{\"n\":2}\n{\"error\":{\"code\":\"x\"}}\n";
    let run = tree.sort(&["--to", "out/{taken}{ext}", "--as", "picture"]).stdin(line).run().code(1);
    let sorted = run.records().into_iter().find(|r| r["picture"].is_object()).expect("a picture");
    assert_eq!(sorted["plan"]["to"], "out/20240305-140709.jpg", "{run}");
    assert!(run.text().contains("{\"n\":1.50,\"path\":\"a.jpg\",\"odd\" : [ ]"), "{run}");
    assert!(run.text().contains("{\"error\":{\"code\":\"x\"}}\n"), "{run}");
    let failed = run.records().into_iter().find(|r| r["n"] == 2).expect("the second one");
    assert_eq!(failed["error"]["code"], "missing-field");
}

#[test]
fn what_is_not_known_is_left_out_of_names() {
    let tree = Tree::new(&[
        ("a.jpg", Shot::at("2024:03:05 14:07:09")),
        ("IMG-20190102-WA0003.jpg", Shot::undated()),
        ("nothing.jpg", Shot::undated().scene(8)),
    ]);
    let to = |template: &str| -> Vec<Value> {
        let run = tree.sort(&[".", "--to", template]).run().code(0);
        run.records().iter().map(|r| r["plan"]["to"].clone()).collect()
    };
    assert_eq!(
        to("{apart}/{year}/{month:02}-{place}/{taken}_{camera}{ext}"),
        [json!("2019/01/20190102.jpg"), json!("2024/03/20240305-140709.jpg"), Value::Null]
    );
    assert_eq!(
        to("{year|undated}/{place|somewhere}/{name}"),
        [
            json!("2019/somewhere/IMG-20190102-WA0003.jpg"),
            json!("2024/somewhere/a.jpg"),
            json!("undated/somewhere/nothing.jpg")
        ]
    );
    let run = tree.sort(&["nothing.jpg"]).run().code(0);
    assert_eq!(run.record()["plan"]["action"], "leave");
    assert!(run.record()["plan"]["why"].as_str().is_some_and(|w| w.contains("no date")), "{run}");
    let run = tree.sort(&["nothing.jpg", "--file-time"]).run().code(0);
    assert_eq!(run.record()["photo"]["taken_from"], "file", "{run}");
    assert_eq!(run.record()["plan"]["action"], "move", "{run}");
}

#[test]
fn a_wrong_setting_is_a_usage_error() {
    let tree = Tree::new(&[]);
    for (args, message) in [
        (["--to", "{yaer}"], "yaer"),
        (["--to", "{year}/../x"], "behind a placeholder"),
        (["--where", ".a |"], "--where"),
        (["--shift", "no shift"], "shift"),
        (["--zone", "Middle/Earth"], "no time zone"),
        (["--apply", "burn"], "burn"),
        (["--resume", "/no/such"], "/no/such"),
    ] {
        tree.sort(&args).run().code(2).says(message);
    }
}

#[test]
fn a_condition_chooses() {
    let tree = Tree::new(&[
        ("a.jpg", Shot::at("2024:03:05 14:07:09")),
        ("b.jpg", Shot::at("2021:03:05 14:07:09")),
    ]);
    let run = tree.sort(&[".", "--where", ".photo.taken >= \"2023\""]).run().code(0);
    let actions: Vec<Value> = run.records().iter().map(|r| r["plan"]["action"].clone()).collect();
    assert_eq!(actions, ["move", "leave"]);
    assert_eq!(run.records()[1]["plan"]["why"], "--where is not true of it");
}

#[test]
fn a_wrong_clock_is_mended() {
    let tree = Tree::new(&[
        ("a.jpg", Shot::at("2024:03:05 23:30:00").camera("Acme", "P1")),
        ("b.jpg", Shot::at("2024:03:05 23:30:00").camera("Other", "Q")),
    ]);
    let run = tree.sort(&[".", "--shift", "Acme P1=+1h", "--to", "{taken}"]).run().code(0);
    let to: Vec<Value> = run.records().iter().map(|r| r["plan"]["to"].clone()).collect();
    assert_eq!(to, ["20240306-003000.jpg", "20240305-233000.jpg"], "{run}");
}

#[test]
fn people_at_a_terminal_get_a_summary() {
    let tree =
        Tree::new(&[("a.jpg", Shot::at("2024:03:05 14:07:09")), ("junk.txt", Shot::text("x"))]);
    let shown = tree.sort(&[".", "--to", "out/{year}/{taken}"]).run_on_terminal();
    assert!(shown.contains("1  out/2024"), "{shown}");
    assert!(shown.contains("1 to be moved into 1 folders"), "{shown}");
    assert!(shown.contains("junk.txt") && shown.contains("nothing was changed"), "{shown}");
    assert!(!shown.contains("{\"path\""), "{shown}");
}

#[test]
fn bursts_stay_in_one_folder_and_have_a_best_shot() {
    let sharp = Shot::at("2024:03:05 23:59:59").camera("Acme", "P1").scene(7);
    let dull = Shot::at("2024:03:06 00:00:00").camera("Acme", "P1").scene(7).blurred();
    let other = Shot::at("2024:03:06 09:00:00").camera("Acme", "P1").scene(90);
    let tree = Tree::new(&[("1.jpg", dull), ("2.jpg", sharp), ("3.jpg", other)]);
    let run = tree.sort(&[".", "--to", "{year}/{month:02}/{day:02}/{name}"]).run().code(0);
    let records = run.records();
    let burst = |n: usize| &records[n]["photo"]["burst"];
    assert_eq!(
        (&burst(0)["is_best"], &burst(1)["is_best"]),
        (&json!(false), &json!(true)),
        "{run}"
    );
    assert_eq!(burst(0)["best"], "./2.jpg");
    assert!(burst(1)["why"].is_string() && burst(2).is_null(), "{run}");
    let to: Vec<Value> = records.iter().map(|r| r["plan"]["to"].clone()).collect();
    assert_eq!(to, ["2024/03/05/1.jpg", "2024/03/05/2.jpg", "2024/03/06/3.jpg"], "{run}");
    let spare = tree.sort(&[".", "--to", "out/{spare}/{name}"]).run().code(0);
    let to: Vec<Value> = spare.records().iter().map(|r| r["plan"]["to"].clone()).collect();
    assert_eq!(to, ["out/spare/1.jpg", "out/2.jpg", "out/3.jpg"], "{spare}");
}

#[test]
fn looks_are_kept_and_only_taken_where_they_are_needed() {
    let tree = Tree::new(&[
        ("camera.jpg", Shot::at("2024:03:05 14:07:09").camera("Acme", "P1")),
        ("drawn.jpg", Shot::at("2024:03:05 15:07:09")),
    ]);
    let looked = |args: &[&str]| -> Vec<bool> {
        let run = tree.sort(&["."]).args(args).run().code(0);
        run.records().iter().map(|r| r["photo"]["sharpness"].is_number()).collect()
    };
    assert_eq!(looked(&[]), [false, true]);
    assert_eq!(looked(&["--look", "always"]), [true, true]);
    assert_eq!(looked(&["--look", "never"]), [false, false]);
    let kept = tempfile::tempdir().expect("a folder");
    let cached = kept.path().join("cache.db");
    let args = ["--look", "always", "--cache", cached.to_str().expect("UTF-8")];
    let first = tree.sort(&["."]).args(args).run().code(0).records();
    // The same content under another name is known.
    fs::copy(tree.file("camera.jpg"), tree.file("copy.jpg")).expect("a copy");
    let again = tree.sort(&["camera.jpg", "copy.jpg"]).args(args).run().code(0).records();
    assert_eq!(again[0]["photo"], first[0]["photo"], "{again:?}");
    assert_eq!(again[1]["photo"]["hash"], first[0]["photo"]["hash"]);
    assert_eq!(again[1]["plan"]["action"], "duplicate");
    assert_eq!(again[1]["plan"]["of"], "camera.jpg");
}

#[test]
fn avif_pictures_are_looked_at() {
    let avif = fs::read(testkit::data("photos/av1/8-bit-420.avif")).expect("the file");
    let tree = Tree::new(&[]);
    tree.write("IMG_20240305_140709.avif", &avif);
    let run = tree.sort(&["."]).run().code(0);
    let photo = &run.record()["photo"];
    assert_eq!(photo["taken"], "2024-03-05T14:07:09", "{run}");
    assert!(photo["sharpness"].as_f64().is_some_and(|sharp| sharp > 0.0), "{run}");
    assert!(photo["kind"].is_string(), "{run}");
}

#[test]
fn a_contact_sheet_is_one_page_that_runs_nothing() {
    let tree = Tree::new(&[
        ("in/a.jpg", Shot::at("2024:03:05 14:07:09").camera("<b>Acme", "P1")),
        ("in/nodate.jpg", Shot::undated()),
        ("in/<script>alert(1)'\".jpg", Shot::undated()),
    ]);
    let page = tree.file("plan.html");
    let run = || tree.sort(&["in", "--contact-sheet"]).arg(&page);
    run().run().code(0);
    let text = fs::read_to_string(&page).expect("a page");
    assert!(text.matches("data:image/jpeg;base64,").count() == 3, "{}", text.len());
    assert!(!text.contains("<script") && !text.contains("<b>Acme"), "{text:.2000}");
    assert!(text.contains("&lt;script") && text.contains("no date is known"));
    for outside in ["http:", "https:", "src=\"/", "url("] {
        assert!(!text.contains(outside), "{outside}");
    }
    // Its own page is written anew, anything else is not.
    run().run().code(0);
    fs::write(&page, "precious").expect("written");
    run().run().code(2).says("is no contact sheet");
    assert_eq!(fs::read_to_string(&page).expect("a file"), "precious");
    assert!(program("sortphotos").arg("--help").run().code(0).text().contains("--contact-sheet"));
}
