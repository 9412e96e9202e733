//! A JSON Schema is refused, or becomes a grammar that passes the check of grammars; so no grammar
//! of a user's own breaks that check either.
#![no_main]

#[path = "../../../src/lib/llama/grammar.rs"]
mod grammar;
#[path = "../../../src/lib/llama/keywords.rs"]
mod keywords;
#[path = "../../../src/lib/llama/schema.rs"]
mod schema;

use engine::Constraint;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(made) = grammar::compile(&Constraint::Grammar(text.to_owned())) {
        assert_eq!(made, text);
    }
    let Ok(value) = serde_json::from_str(text) else { return };
    if let Ok(made) = schema::to_gbnf(&value) {
        assert!(made.len() <= grammar::MAX_GRAMMAR);
        let passed = grammar::compile(&Constraint::JsonSchema(value));
        assert!(passed.as_ref().is_ok_and(|passed| *passed == made), "{passed:?}: {made}");
    }
});
