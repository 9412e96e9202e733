//! A real small embedder.
#![allow(missing_docs)]

mod store;

use engine::{Cancel, Embed, Embedding, Error};
use headwater_llama::{LlamaEmbedder, Options};

fn load() -> LlamaEmbedder {
    let path = store::model("all-MiniLM-L6-v2-f16.gguf", "minilm");
    LlamaEmbedder::load(Options { threads: 2, ..Options::new(path) }).unwrap()
}

fn dot(a: &Embedding, b: &Embedding) -> f32 {
    a.vector.iter().zip(&b.vector).map(|(a, b)| a * b).sum()
}

#[test]
fn model_vectors_have_length_one_and_a_meaning() {
    let embedder = load();
    assert_eq!(embedder.dimensions(), 384);
    let texts =
        ["A cat sleeps on the sofa.", "A kitten naps on the couch.", "Stocks fell on Monday."];
    let found = embedder.embed(&texts, &Cancel::default()).unwrap();
    for one in &found {
        assert_eq!(one.vector.len(), 384);
        assert!((dot(one, one) - 1.0).abs() < 1e-5);
    }
    let (near, far) = (dot(&found[0], &found[1]), dot(&found[0], &found[2]));
    assert!(near > 0.5 && far < 0.2, "{near} {far}");
}

#[test]
fn model_a_batch_gives_what_each_gives_alone() {
    let embedder = load();
    let texts: Vec<String> =
        (0..70).map(|n| format!("{} number {n}", "word ".repeat(n % 40))).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let together = embedder.embed(&texts, &Cancel::default()).unwrap();
    for at in [0, 1, 33, 69] {
        let alone = embedder.embed(&texts[at..=at], &Cancel::default()).unwrap();
        assert_eq!(alone[0].tokens, together[at].tokens);
        assert!(dot(&alone[0], &together[at]) > 0.999);
    }
}

#[test]
fn model_too_long_empty_and_cancelled() {
    let embedder = load();
    assert_eq!(embedder.model().context, 512);
    let long = "word ".repeat(600);
    let error = embedder.embed(&["fine", &long], &Cancel::default());
    assert!(matches!(error, Err(Error::TooLong { needed: 602, context: 512 })), "{error:?}");
    assert!(embedder.embed(&[], &Cancel::default()).unwrap().is_empty());
    assert_eq!(embedder.embed(&[""], &Cancel::default()).unwrap()[0].tokens, 2);
    let cancel = Cancel::default();
    cancel.set();
    assert!(matches!(embedder.embed(&["a"], &cancel), Err(Error::Cancelled(_))));
}
