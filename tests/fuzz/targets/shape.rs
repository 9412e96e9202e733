//! A schema for `extract`, in the short form or as JSON Schema, is refused, or becomes what the
//! engine can make a grammar of: no keyword but those that it knows, whatever a user's schema has.
#![no_main]

#[path = "../../../src/bin/extract/schema"]
mod extract {
    #![allow(dead_code, reason = "what is done with an answer is no part of this")]

    mod finite;
    mod keywords;
    mod merge;
    pub mod reading;
    pub mod render;
    pub mod shape;
    pub mod short_form;
}
#[path = "../../../src/lib/llama/grammar.rs"]
mod grammar;
#[path = "../../../src/lib/llama/keywords.rs"]
mod keywords;
#[path = "../../../src/lib/llama/schema.rs"]
mod schema;

use engine::Constraint;
use libfuzzer_sys::fuzz_target;

use self::extract::{reading, render, short_form};

fuzz_target!(|text: &str| {
    let short = short_form::parse(text);
    if let Ok(schema) = &short {
        assert!(reading::read(schema).is_ok_and(|(shapes, root)| shapes.leaves(&root) > 0));
    }
    let Some(source) = short.ok().or_else(|| serde_json::from_str(text).ok()) else { return };
    let Ok((shapes, root)) = reading::read(&source) else { return };
    let _ = render::outline(&shapes, &root);
    let asked = render::schema(&shapes, &root);
    match grammar::compile(&Constraint::JsonSchema(asked.clone())) {
        Ok(grammar) => assert!(grammar.len() <= grammar::MAX_GRAMMAR),
        Err(error) => assert!(error.to_string().contains("too large"), "{error}: {asked}"),
    }
});
