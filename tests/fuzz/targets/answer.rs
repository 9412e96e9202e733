//! What a provider sends becomes an answer with a text, or one short line without the key.
#![no_main]

use std::sync::LazyLock;

use escalate_cli::provider::{Address, Endpoint, Secret};
use libfuzzer_sys::fuzz_target;

const KEY: &str = "sk-key";

static ENDPOINT: LazyLock<Endpoint> = LazyLock::new(|| {
    let address = Address::Url("https://example.org/v1".into());
    Endpoint { key: Secret::new(KEY.into()).ok(), ..Endpoint::new("provider", address, "asked") }
});

fn presentable(line: &str) {
    assert!(!line.contains(KEY) && !line.contains(char::is_control), "{line:?}");
    // 300 characters of the message, with what the program puts around it.
    assert!(line.chars().count() <= 400, "{line:?}");
}

fuzz_target!(|body: &[u8]| {
    match ENDPOINT.answer(body) {
        Ok(answer) => {
            assert!(!answer.text.trim().is_empty() && !answer.model.is_empty());
            presentable(&answer.finish_reason);
        }
        Err(error) => {
            presentable(&error.to_string());
            // The status was success: the provider may charge for what it sent.
            assert!(error.may_have_cost());
        }
    }
    presentable(&ENDPOINT.failure(body));
});
