use base64::Engine as _;
use engine::Cancel;
use engine::Embed as _;
use serde_json::json;

use crate::client::{scripted, start};

#[test]
fn one_text_is_a_vector_of_floats() {
    let server = start();
    let reply = server.post("/v1/embeddings", &json!({ "input": "two words" }));
    assert_eq!(reply.status, 200, "{reply:?}");
    let body = reply.json();
    assert_eq!((&body["object"], &body["model"]), (&json!("list"), &json!("vectors")));
    assert_eq!(body["usage"], json!({ "prompt_tokens": 2, "total_tokens": 2 }));
    let expected = scripted().embed(&["two words"], &Cancel::default()).unwrap().remove(0).vector;
    let item = &body["data"][0];
    assert_eq!((&item["object"], &item["index"]), (&json!("embedding"), &json!(0)));
    let numbers = item["embedding"].as_array().unwrap();
    let vector: Vec<f32> = numbers.iter().map(|x| x.to_string().parse().unwrap()).collect();
    assert_eq!(vector, expected, "every bit survives");
    assert_eq!(server.stop().tokens_in, 2);
}

#[test]
fn several_texts_keep_their_order_and_base64_is_little_endian() {
    let server = start();
    let texts = ["aaaa", "b", "a b c"];
    let reply =
        server.post("/v1/embeddings", &json!({ "input": texts, "encoding_format": "base64" }));
    let body = reply.json();
    assert_eq!(body["usage"]["total_tokens"], 5);
    let expected = scripted().embed(&texts, &Cancel::default()).unwrap();
    assert_eq!(body["data"].as_array().unwrap().len(), 3);
    for (index, expected) in expected.iter().enumerate() {
        let item = &body["data"][index];
        assert_eq!(item["index"], index);
        let text = item["embedding"].as_str().unwrap();
        let bytes = base64::engine::general_purpose::STANDARD.decode(text).unwrap();
        let vector: Vec<f32> =
            bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
        assert_eq!(vector, expected.vector);
    }
}

#[test]
fn what_cannot_be_embedded_is_refused() {
    let server = start();
    let many = vec!["x"; 2049];
    for (body, param) in [
        (json!({}), "input"),
        (json!({ "input": [] }), "input"),
        (json!({ "input": "" }), "input"),
        (json!({ "input": ["a", ""] }), "input[1]"),
        (json!({ "input": [1, 2, 3] }), "input[0]"),
        (json!({ "input": [[1, 2], [3]] }), "input[0]"),
        (json!({ "input": many }), "input"),
        (json!({ "input": 3 }), "input"),
        (json!({ "input": "x", "dimensions": 2 }), "dimensions"),
        (json!({ "input": "x", "encoding_format": "int8" }), "encoding_format"),
        (json!({ "input": "x", "model": "tiny" }), "model"),
    ] {
        let reply = server.post("/v1/embeddings", &body);
        assert_eq!(reply.status, 400, "{body} {reply:?}");
        assert_eq!(reply.error()["param"], param);
    }
}
