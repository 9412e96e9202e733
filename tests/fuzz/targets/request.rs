//! The body of a request is refused with what is wrong, or asks for what the engine may be asked.
#![no_main]

#[path = "../../../src/bin/serve/chat.rs"]
mod chat;
#[path = "../../../src/bin/serve/completions.rs"]
mod completions;
#[path = "../../../src/bin/serve/embeddings.rs"]
#[allow(dead_code)]
mod embeddings;
#[path = "../../../src/bin/serve/fields.rs"]
mod fields;
#[path = "../../../src/bin/serve/options.rs"]
#[allow(dead_code)]
mod options;
#[path = "../../../src/bin/serve/refusal.rs"]
#[allow(dead_code)]
mod refusal;

use axum::response::IntoResponse as _;
use engine::{Constraint, Prompt};
use fields::Fields;
use libfuzzer_sys::fuzz_target;
use options::Ask;
use refusal::Refusal;
use serde_json::Value;

fn check(ask: Result<Ask, Refusal>) {
    let ask = match ask {
        Ok(ask) => ask,
        Err(refusal) => return explained(refusal),
    };
    if let Prompt::Chat(turns) = &ask.prompt {
        assert!(!turns.is_empty());
    }
    assert!(ask.max_tokens != Some(0) && ask.model.as_deref() != Some(""));
    assert!(ask.stop.len() <= 16 && ask.stop.iter().all(|stop| !stop.is_empty()));
    assert!((0.0..=2.0).contains(&ask.sampling.temperature));
    assert!((0.0..=1.0).contains(&ask.sampling.top_p));
    assert!((0.1..=10.0).contains(&ask.sampling.repeat_penalty));
    match &ask.constraint {
        Some(Constraint::JsonSchema(schema)) => assert!(schema.is_object()),
        Some(Constraint::Grammar(grammar)) => assert!(!grammar.is_empty()),
        None => {}
    }
}

fn explained(refusal: Refusal) {
    let body = refusal.body();
    assert!(body["error"]["message"].as_str().is_some_and(|message| !message.is_empty()));
    assert!(refusal.into_response().status().is_client_error());
}

fuzz_target!(|body: &[u8]| {
    let Ok(Value::Object(map)) = serde_json::from_slice(body) else { return };
    check(chat::read(Fields::new(map.clone()), || 1));
    check(completions::read(Fields::new(map.clone()), || 1));
    match embeddings::read(Fields::new(map)) {
        Ok(ask) => {
            assert!((1..=2048).contains(&ask.texts.len()));
            assert!(ask.texts.iter().all(|text| !text.is_empty()));
        }
        Err(refusal) => explained(refusal),
    }
});
