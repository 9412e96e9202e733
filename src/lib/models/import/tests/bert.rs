//! The BERT converter and the GGUF writer.

use std::io::Cursor;

use super::super::{BertFiles, ImportError, WeightType, convert_bert};
use super::samples::{
    Fields, Tensor, bf16_bytes, data_len, f16_bytes, f32_bytes, named, safetensors, weights,
};

pub(super) const CONFIG: &str = r#"{"model_type": "bert", "hidden_act": "gelu",
    "vocab_size": 7, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1,
    "num_attention_heads": 2, "max_position_embeddings": 4, "type_vocab_size": 2,
    "layer_norm_eps": 1e-12}"#;
pub(super) const POOLING: &str = r#"{"pooling_mode_mean_tokens": true}"#;
pub(super) const TOKENIZER: &str = r###"{"model": {"type": "WordPiece", "vocab":
    {"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "[MASK]": 4, "sea": 5, "##side": 6}},
    "added_tokens": [{"id": 2, "content": "[CLS]", "special": true}]}"###;
const CARD: &str = "---\nlanguage: en\nlicense: mit\n---\n\n# sea-1\n## Use\n";

pub(super) type Tensors = Vec<(String, &'static str, Vec<u64>, Vec<u8>)>;

/// A model of one block; the tensors' types go round `F32`, `F16`, `BF16`.
pub(super) fn tensors() -> Tensors {
    let mut shapes: Vec<(String, Vec<u64>)> = vec![
        ("embeddings.word_embeddings.weight".into(), vec![7, 32]),
        ("embeddings.position_embeddings.weight".into(), vec![4, 32]),
        ("embeddings.token_type_embeddings.weight".into(), vec![2, 32]),
        ("embeddings.LayerNorm.weight".into(), vec![32]),
        ("embeddings.LayerNorm.bias".into(), vec![32]),
        ("pooler.dense.bias".into(), vec![32]),
    ];
    for (layer, rows, columns) in [
        ("attention.self.query", 32, Some(32)),
        ("attention.self.key", 32, Some(32)),
        ("attention.self.value", 32, Some(32)),
        ("attention.output.dense", 32, Some(32)),
        ("attention.output.LayerNorm", 32, None),
        ("intermediate.dense", 64, Some(32)),
        ("output.dense", 32, Some(64)),
        ("output.LayerNorm", 32, None),
    ] {
        let name = format!("encoder.layer.0.{layer}");
        let matrix = [rows].into_iter().chain(columns).collect();
        shapes.push((format!("{name}.weight"), matrix));
        shapes.push((format!("{name}.bias"), vec![rows]));
    }
    let stored = |seed: usize, (name, shape): (String, Vec<u64>)| {
        let values = weights(seed, shape.iter().product::<u64>() as usize);
        match seed % 3 {
            0 => (name, "F32", shape, f32_bytes(&values)),
            1 => (name, "F16", shape, f16_bytes(&values)),
            _ => (name, "BF16", shape, bf16_bytes(&values)),
        }
    };
    shapes.into_iter().enumerate().map(|(seed, tensor)| stored(seed, tensor)).collect()
}

fn convert_with(
    tensors: &Tensors,
    (config, pooling, tokenizer): (&str, &str, &str),
    kind: WeightType,
) -> Result<Vec<u8>, ImportError> {
    let files = BertFiles {
        config: config.as_bytes(),
        pooling: pooling.as_bytes(),
        tokenizer: tokenizer.as_bytes(),
        card: Some(CARD),
        name: "folder",
    };
    let mut out = Vec::new();
    convert_bert(&mut Cursor::new(safetensors(tensors)), &files, &mut out, kind)?;
    Ok(out)
}

fn convert(tensors: &Tensors, kind: WeightType) -> Result<Vec<u8>, ImportError> {
    convert_with(tensors, (CONFIG, POOLING, TOKENIZER), kind)
}

fn string(fields: &mut Fields) -> String {
    let length = fields.u64() as usize;
    fields.text(length)
}

/// A value as text, which is enough to compare it.
fn value(fields: &mut Fields, kind: u32) -> String {
    match kind {
        4 => fields.u32().to_string(),
        5 => fields.u32().cast_signed().to_string(),
        6 => f32::from_bits(fields.u32()).to_string(),
        7 => (fields.take(1) == [1]).to_string(),
        8 => string(fields),
        9 => {
            let (kind, count) = (fields.u32(), fields.u64());
            (0..count).map(|_| value(fields, kind)).collect::<Vec<_>>().join(" ")
        }
        other => panic!("type {other}"),
    }
}

/// Keys and tensors of a GGUF file, which must end with its last tensor's padding.
fn parse(file: Vec<u8>) -> (Vec<(String, String)>, Vec<Tensor>) {
    let length = file.len();
    let mut fields = Fields(Cursor::new(file));
    assert_eq!((fields.text(4).as_str(), fields.u32()), ("GGUF", 3));
    let (tensor_count, key_count) = (fields.u64(), fields.u64());
    let keys = (0..key_count)
        .map(|_| {
            let name = string(&mut fields);
            let kind = fields.u32();
            (name, value(&mut fields, kind))
        })
        .collect();
    let mut tensors: Vec<(Tensor, u64)> = (0..tensor_count)
        .map(|_| {
            let name = string(&mut fields);
            let dims = (0..fields.u32()).map(|_| fields.u64()).collect();
            let (kind, offset) = (fields.u32(), fields.u64());
            (Tensor { name, dims, kind, data: Vec::new() }, offset)
        })
        .collect();
    let data = fields.0.position().next_multiple_of(32);
    let mut end = data;
    for (tensor, offset) in &mut tensors {
        assert_eq!((data + *offset) % 32, 0, "{} is aligned", tensor.name);
        assert_eq!(data + *offset, end, "{} follows its neighbour", tensor.name);
        fields.0.set_position(end);
        tensor.data = fields.take(data_len(tensor.kind, tensor.dims.iter().product()));
        end = fields.0.position().next_multiple_of(32);
    }
    assert_eq!(end, length as u64);
    (keys, tensors.into_iter().map(|(tensor, _)| tensor).collect())
}

#[test]
fn keys() {
    let (keys, _) = parse(convert(&tensors(), WeightType::F16).expect("converts"));
    let value = |name: &str| {
        let key = keys.iter().find(|(key, _)| key == name);
        key.map(|(_, value)| value.as_str()).expect(name)
    };
    assert_eq!(keys[0].0, "general.architecture");
    assert_eq!(value("general.name"), "sea-1");
    assert_eq!(value("general.license"), "mit");
    assert_eq!(value("bert.context_length"), "4");
    assert_eq!(value("bert.feed_forward_length"), "64");
    assert_eq!(value("bert.attention.layer_norm_epsilon"), 1e-12_f32.to_string());
    assert_eq!(value("bert.attention.causal"), "false");
    assert_eq!(value("bert.pooling_type"), "1");
    assert_eq!(value("general.file_type"), "1");
    let tokens = "▁[PAD] ▁[UNK] [CLS] ▁[SEP] ▁[MASK] ▁sea side";
    assert_eq!(value("tokenizer.ggml.tokens"), tokens);
    assert_eq!(value("tokenizer.ggml.token_type"), "1 1 3 1 1 1 1");
    assert_eq!(value("tokenizer.ggml.mask_token_id"), "4");
}

#[test]
fn tensors_of_all_source_types_keep_their_values() {
    let (_, written) = parse(convert(&tensors(), WeightType::F32).expect("converts"));
    assert_eq!(written.len(), tensors().len() - 1, "all but the pooler");
    let expected = [
        ("token_embd.weight", 0, vec![32, 7]),
        ("position_embd.weight", 1, vec![32, 4]),
        ("token_types.weight", 2, vec![32, 2]),
        ("blk.0.attn_q.weight", 6, vec![32, 32]),
        ("blk.0.ffn_up.weight", 16, vec![32, 64]),
        ("blk.0.ffn_down.weight", 18, vec![64, 32]),
        ("blk.0.ffn_down.bias", 19, vec![32]),
        ("blk.0.layer_output_norm.bias", 21, vec![32]),
    ];
    for (name, seed, dims) in expected {
        let tensor = named(&written, name);
        assert_eq!(tensor.dims, dims, "{name}");
        let count = dims.iter().product::<u64>() as usize;
        assert_eq!(tensor.data, f32_bytes(&weights(seed, count)), "{name}");
    }
}

#[test]
fn only_matrices_of_products_are_quantized() {
    let (_, written) = parse(convert(&tensors(), WeightType::Q8_0).expect("converts"));
    let kind = |name| named(&written, name).kind;
    assert_eq!((kind("token_embd.weight"), kind("blk.0.attn_v.weight")), (8, 8));
    assert_eq!((kind("position_embd.weight"), kind("token_types.weight")), (0, 0));
    assert_eq!(kind("blk.0.attn_v.bias"), 0);
}

#[test]
fn unfit_models_are_refused() {
    for (from, to) in [
        (r#""bert""#, r#""roberta""#),
        (r#""gelu""#, r#""relu""#),
        (r#""num_attention_heads": 2"#, r#""num_attention_heads": 0"#),
        (r#""num_attention_heads": 2"#, r#""num_attention_heads": 5"#),
        (r#""hidden_size": 32"#, r#""hidden_size": 64"#),
        (r#""vocab_size": 7"#, r#""vocab_size": 4294967295"#),
        (r#""num_hidden_layers": 1"#, r#""num_hidden_layers": 4294967295"#),
        (r#""num_hidden_layers": 1"#, r#""num_hidden_layers": 0"#),
        ("1e-12", "0"),
    ] {
        let config = CONFIG.replace(from, to);
        assert_ne!(config, CONFIG);
        let result = convert_with(&tensors(), (&config, POOLING, TOKENIZER), WeightType::F16);
        assert!(result.is_err(), "{to}");
    }
    for pooling in ["{}", r#"{"pooling_mode_mean_tokens": true, "pooling_mode_cls_token": true}"#] {
        let result = convert_with(&tensors(), (CONFIG, pooling, TOKENIZER), WeightType::F16);
        assert!(matches!(result, Err(ImportError::Unsupported(_))), "{pooling}");
    }
}

#[test]
fn missing_unknown_and_doubled_tensors() {
    let model = tensors();
    for index in (0..model.len()).filter(|index| *index != 5) {
        let mut missing = model.clone();
        missing.remove(index);
        let error = convert(&missing, WeightType::F16).expect_err("a tensor is missing");
        assert!(matches!(error, ImportError::MissingTensor(_)), "{error}");
    }
    for name in ["classifier.weight", "bert.embeddings.LayerNorm.bias"] {
        let mut more = model.clone();
        more.push((name.to_owned(), "F32", vec![32], vec![0; 128]));
        assert!(convert(&more, WeightType::F16).is_err(), "{name}");
    }
}
