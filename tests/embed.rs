//! `embed` as its users run it, with the default model.

use std::time::Duration;

use base64::Engine as _;
use half::f16;
use serde_json::{Value, json};
use testkit::{model, program};

const TEXTS: [&str; 3] =
    ["A cat sleeps on the sofa.", "A kitten naps on the couch.", "Stocks fell on Monday."];

fn lines() -> String {
    TEXTS.iter().map(|text| format!("{}\n", json!({ "text": text }))).collect()
}

fn vector(value: &Value) -> Vec<f32> {
    let numbers = value.as_array().expect("an array");
    numbers.iter().map(|x| x.as_f64().expect("a number") as f32).collect()
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[test]
fn model_vectors_have_unit_length_and_a_meaning() {
    let records = program("embed").stdin(lines()).run().code(0).records();
    let vectors: Vec<Vec<f32>> = records.iter().map(|r| vector(&r["embedding"])).collect();
    for one in &vectors {
        assert_eq!(one.len(), 384);
        assert!((cosine(one, one) - 1.0).abs() < 1e-5);
    }
    let (near, far) = (cosine(&vectors[0], &vectors[1]), cosine(&vectors[0], &vectors[2]));
    assert!(near > 0.5 && far < 0.2, "{near} {far}");
    let step = &records[0]["via"][0];
    assert_eq!(step["model"], "all-minilm-l6-v2");
    assert!(step["model_sha"].as_str().is_some_and(|sha| sha.len() == 64));
    assert!(step["tokens_in"].as_u64() > Some(5));
    assert_eq!(records[0]["embedding_chunks"], Value::Null);
    // The shortest digits that give the same f32 again.
    let longest = records[0]["embedding"].to_string().split(',').map(str::len).max();
    assert!(longest <= Some(16), "{longest:?}");
}

#[test]
fn model_binary_is_the_same_in_less_space() {
    let plain = program("embed").stdin(lines()).run().code(0).records();
    let packed = program("embed").args(["--binary"]).stdin(lines()).run().code(0).records();
    for (plain, packed) in plain.iter().zip(&packed) {
        let text = packed["embedding"].as_str().expect("a string");
        assert_eq!(text.len(), 1024);
        let bytes = base64::engine::general_purpose::STANDARD.decode(text).expect("base64");
        let halves = bytes.chunks_exact(2).map(|b| f16::from_le_bytes([b[0], b[1]]).to_f32());
        let halves: Vec<f32> = halves.collect();
        let whole = vector(&plain["embedding"]);
        assert!(whole.iter().zip(&halves).all(|(a, b)| (a - b).abs() < 1e-3));
    }
}

#[test]
fn model_a_long_text_is_read_whole_and_says_so() {
    let (cats, stocks) = (TEXTS[0].repeat(60), TEXTS[2].repeat(240));
    let input = [&cats, &stocks, &format!("{cats} {stocks}"), &stocks];
    let input: String = input.iter().map(|t| format!("{}\n", json!({ "text": t }))).collect();
    let records = program("embed").stdin(input).run().code(0).records();
    assert!(
        records
            .iter()
            .all(|r| r["embedding_chunks"].as_u64() >= Some(1) || r["embedding_chunks"].is_null())
    );
    assert!(records[2]["embedding_chunks"].as_u64() >= Some(4), "{}", records[2]["via"]);
    assert!(records[2]["via"][0]["tokens_in"].as_u64() > Some(1500));
    let found: Vec<Vec<f32>> = records.iter().map(|r| vector(&r["embedding"])).collect();
    assert!((cosine(&found[2], &found[2]) - 1.0).abs() < 1e-5);
    // Both subjects are in it, the longer one more.
    let (cat, stock) = (cosine(&found[2], &found[0]), cosine(&found[2], &found[1]));
    assert!(stock > cat && cat > cosine(&found[0], &found[1]), "{stock} {cat}");
    // A shorter context means more parts, not another text.
    let short = program("embed").args(["--context", "64"]);
    let short = short.stdin(format!("{}\n", json!({ "text": cats }))).run().code(0).record();
    assert!(short["embedding_chunks"].as_u64() > Some(5));
    let near = cosine(&vector(&short["embedding"]), &found[0]);
    assert!(near > 0.7, "{near}");
}

#[test]
fn model_what_cannot_be_embedded_fails_by_itself() {
    let input = "{\"text\":\"\"}\n{\"text\":\" \\n \"}\n{\"n\":1}\n{\"text\":{\"bytes\":\"//8=\"}}\n\
                 {\"text\":\"fine\",\"embedding_chunks\":9}\n";
    let records = program("embed").stdin(input).run().code(1).records();
    let codes: Vec<&str> =
        records.iter().map(|r| r["error"]["code"].as_str().unwrap_or("none")).collect();
    assert_eq!(codes, ["unsupported", "unsupported", "missing-field", "unsupported", "none"]);
    assert!(records[4]["embedding"].is_array());
    assert_eq!(records[4]["embedding_chunks"], Value::Null);
}

#[test]
fn model_hostile_texts_are_texts() {
    let texts = [
        "a".repeat(20 << 10),
        "\u{0}[CLS] [SEP] [MASK] <|im_end|>".to_owned(),
        "水泵坏了。".repeat(400),
        "👩🏽‍🚒".repeat(300),
        "\u{301}\u{300}".to_owned(),
        " . ".repeat(2000),
    ];
    let input: String = texts.iter().map(|t| format!("{}\n", json!({ "text": t }))).collect();
    let run = program("embed").args(["--timeout", "100"]).stdin(input);
    let records = run.within(Duration::from_secs(110)).run().records();
    assert_eq!(records.len(), texts.len());
    for record in &records {
        assert!(record["embedding"].is_array(), "{}", record["error"]);
    }
    // Control tokens in a text are ordinary characters: more than one token each.
    assert!(records[1]["via"][0]["tokens_in"].as_u64() > Some(15));
    assert!(records[2]["embedding_chunks"].as_u64() > Some(2));
}

#[test]
fn model_workers_change_neither_order_nor_vectors() {
    let texts: Vec<String> =
        (0..150).map(|n| format!("{} number {n}", "word ".repeat(n * 7 % 90))).collect();
    let input: String = texts.iter().map(|t| format!("{}\n", json!({ "text": t }))).collect();
    let run =
        |args: &[&str]| program("embed").args(args).stdin(input.clone()).run().code(0).records();
    let alone = run(&["--jobs", "1", "--threads", "1"]);
    for other in [run(&["--threads", "3"]), run(&["--jobs", "200", "--no-jobserver"])] {
        for ((one, other), text) in alone.iter().zip(&other).zip(&texts) {
            assert_eq!(other["text"].as_str(), Some(text.as_str()));
            let same = cosine(&vector(&one["embedding"]), &vector(&other["embedding"]));
            assert!(same > 0.999, "{same}: {text}");
        }
    }
}

#[test]
fn model_output_is_as_asked() {
    let named = program("embed").args(["--as", "v", "--field", "mail.body", "--no-via"]);
    let line = "{\"mail\":{\"body\":\"The pump broke.\"},\"n\":12345678901234567890}\n";
    let named = named.stdin(line).run().code(0);
    assert!(named.text().starts_with(line.trim_end_matches("}\n")), "{named}");
    assert!(named.record()["v"].is_array() && named.record()["via"].is_null());
    let plain = program("embed").args(["-Rr"]).stdin("The pump broke.\n").run().code(0);
    let numbers: Vec<f32> = serde_json::from_str(plain.text().trim()).expect("an array");
    assert_eq!(numbers.len(), 384);
}

#[test]
fn model_what_was_embedded_before_is_not_computed_again() {
    let place = tempfile::tempdir().expect("a folder");
    let run = |args: &[&str], text: &str| {
        let embed = program("embed").args(["--cache"]).arg(place.path().join("results.db"));
        embed.args(args).stdin(format!("{}\n", json!({ "text": text }))).run().code(0).record()
    };
    let first = run(&[], "The pump broke.");
    assert!(first["via"][0]["cached"].is_null());
    let again = run(&[], "The pump broke.");
    assert_eq!(again["via"][0]["cached"], true);
    assert_eq!(again["embedding"], first["embedding"]);
    let packed = run(&["--binary"], "The pump broke.");
    assert!(packed["embedding"].is_string() && packed["via"][0]["cached"].is_null());
    assert!(run(&[], "The pump works.")["via"][0]["cached"].is_null());
}

#[test]
fn model_a_wrong_model_is_a_setup_error() {
    let with = |name: &str| program("embed").args(["--model", name]).run().code(2);
    with("no-such-model").says("no-such-model");
    with("smollm2-135m").says("smollm2-135m");
    let good = model("all-minilm-l6-v2", "all-MiniLM-L6-v2-f16.gguf");
    let good = std::fs::read(good).expect("the model");
    let cut = program("embed").file("cut.gguf", &good[..good.len() / 2]);
    cut.args(["--model", "./cut.gguf"]).run().code(2).says("cut.gguf");
    program("embed").env("HEADWATER_MODELS", "/nonexistent").run().code(2).says("models pull");
    program("embed").args(["--context", "4096"]).run().code(2).says("512");
}
