//! Whisper as Hugging Face's transformers save it: the same file comes of it as of CTranslate2's.

use std::io::Cursor;

use super::super::{
    Format, ImportError, WeightType, convert_whisper, convert_whisper_safetensors, format,
};
use super::samples::{WHISPER_TOKENIZER, f16_bytes, safetensors, whisper};

pub(super) type Tensors = Vec<(String, &'static str, Vec<u64>, Vec<u8>)>;

pub(super) const CONFIG: &str = r#"{"model_type": "whisper", "vocab_size": 9, "d_model": 32,
    "num_mel_bins": 80, "max_source_positions": 5, "max_target_positions": 4,
    "encoder_layers": 1, "encoder_attention_heads": 4, "decoder_layers": 1,
    "decoder_attention_heads": 4, "suppress_tokens": [1, 2]}"#;

/// Layers of the sample in CTranslate2, and what their equal parts are called.
const LAYERS: [(&str, &[&str]); 19] = [
    ("encoder/conv1", &["encoder.conv1"]),
    ("encoder/conv2", &["encoder.conv2"]),
    ("encoder/layer_norm", &["encoder.layer_norm"]),
    ("decoder/layer_norm", &["decoder.layer_norm"]),
    ("encoder/layer_0/self_attention/layer_norm", &["encoder.layers.0.self_attn_layer_norm"]),
    (
        "encoder/layer_0/self_attention/linear_0",
        &[
            "encoder.layers.0.self_attn.q_proj",
            "encoder.layers.0.self_attn.k_proj",
            "encoder.layers.0.self_attn.v_proj",
        ],
    ),
    ("encoder/layer_0/self_attention/linear_1", &["encoder.layers.0.self_attn.out_proj"]),
    ("encoder/layer_0/ffn/layer_norm", &["encoder.layers.0.final_layer_norm"]),
    ("encoder/layer_0/ffn/linear_0", &["encoder.layers.0.fc1"]),
    ("encoder/layer_0/ffn/linear_1", &["encoder.layers.0.fc2"]),
    ("decoder/layer_0/self_attention/layer_norm", &["decoder.layers.0.self_attn_layer_norm"]),
    (
        "decoder/layer_0/self_attention/linear_0",
        &[
            "decoder.layers.0.self_attn.q_proj",
            "decoder.layers.0.self_attn.k_proj",
            "decoder.layers.0.self_attn.v_proj",
        ],
    ),
    ("decoder/layer_0/self_attention/linear_1", &["decoder.layers.0.self_attn.out_proj"]),
    ("decoder/layer_0/attention/layer_norm", &["decoder.layers.0.encoder_attn_layer_norm"]),
    ("decoder/layer_0/attention/linear_0", &["decoder.layers.0.encoder_attn.q_proj"]),
    (
        "decoder/layer_0/attention/linear_1",
        &["decoder.layers.0.encoder_attn.k_proj", "decoder.layers.0.encoder_attn.v_proj"],
    ),
    ("decoder/layer_0/attention/linear_2", &["decoder.layers.0.encoder_attn.out_proj"]),
    ("decoder/layer_0/ffn/layer_norm", &["decoder.layers.0.final_layer_norm"]),
    ("decoder/layer_0/ffn/linear_0", &["decoder.layers.0.fc1"]),
];

/// The sample as transformers would save it.
pub(super) fn tensors() -> Tensors {
    let mut model = whisper();
    let mut out: Tensors = Vec::new();
    let mut put = |variable: &str, names: &[String]| {
        let variable = model.variable(variable);
        let mut shape: Vec<u64> = variable.shape.iter().map(|n| u64::from(*n)).collect();
        shape[0] /= names.len() as u64;
        for (name, bytes) in
            names.iter().zip(variable.bytes.chunks(variable.bytes.len() / names.len()))
        {
            out.push((format!("model.{name}"), "F16", shape.clone(), bytes.to_vec()));
        }
    };
    let last = [("decoder/layer_0/ffn/linear_1", &["decoder.layers.0.fc2"][..])];
    for (variable, names) in LAYERS.into_iter().chain(last) {
        let is_norm = variable.ends_with("layer_norm");
        let leaves = if is_norm { ["gamma", "beta"] } else { ["weight", "bias"] };
        for (leaf, ours) in leaves.into_iter().zip(["weight", "bias"]) {
            let names: Vec<_> = names.iter().map(|name| format!("{name}.{ours}")).collect();
            put(&format!("{variable}/{leaf}"), &names);
        }
    }
    put("encoder/position_encodings/encodings", &["encoder.embed_positions.weight".into()]);
    put("decoder/position_encodings/encodings", &["decoder.embed_positions.weight".into()]);
    put("decoder/embeddings/weight", &["decoder.embed_tokens.weight".into()]);
    out.retain(|(name, ..)| !name.ends_with("k_proj.bias"));
    out
}

fn convert(tensors: &Tensors, config: &str, kind: WeightType) -> Result<Vec<u8>, ImportError> {
    let mut out = Vec::new();
    let mut file = Cursor::new(safetensors(tensors));
    let tokenizer = WHISPER_TOKENIZER.as_bytes();
    convert_whisper_safetensors(&mut file, config.as_bytes(), tokenizer, &mut out, kind)?;
    Ok(out)
}

#[test]
fn the_same_file_comes_of_both() {
    for kind in WeightType::ALL {
        let mut expected = Vec::new();
        let mut source = Cursor::new(whisper().bytes());
        convert_whisper(&mut source, WHISPER_TOKENIZER.as_bytes(), &mut expected, kind)
            .expect("converts");
        assert!(convert(&tensors(), CONFIG, kind).expect("converts") == expected, "{kind}");
        // Without the head for transcription, and with an output layer that repeats the embeddings.
        let mut bare = tensors();
        bare.iter_mut().for_each(|t| t.0 = t.0["model.".len()..].to_owned());
        bare.push(("proj_out.weight".into(), "F16", vec![1], vec![0; 2]));
        assert!(convert(&bare, CONFIG, kind).expect("converts") == expected, "{kind}, bare");
        assert_eq!(
            format(&mut Cursor::new(safetensors(&bare))).expect("it"),
            Format::WhisperSafetensors
        );
    }
}

#[test]
fn every_missing_tensor_is_noticed() {
    for at in 0..tensors().len() {
        let mut fewer = tensors();
        let (name, ..) = fewer.remove(at);
        assert!(convert(&fewer, CONFIG, WeightType::F16).is_err(), "without {name}");
    }
}

#[test]
fn a_key_bias_must_be_zero() {
    let mut more = tensors();
    let name = "model.encoder.layers.0.self_attn.k_proj.bias";
    more.push((name.into(), "F16", vec![32], vec![0; 64]));
    assert!(convert(&more, CONFIG, WeightType::F16).is_ok());
    more.last_mut().expect("it").3 = f16_bytes(&[1.0; 32]);
    let error = convert(&more, CONFIG, WeightType::F16).expect_err("a key bias");
    assert!(matches!(error, ImportError::Unsupported(_)), "{error}");
}

#[test]
fn a_configuration_that_does_not_fit_is_refused() {
    for (from, to) in [
        ("\"whisper\"", "\"bert\""),
        ("\"d_model\": 32", "\"d_model\": 64"),
        ("\"d_model\": 32", "\"d_model\": 0"),
        ("\"encoder_layers\": 1", "\"encoder_layers\": 2"),
        ("\"encoder_layers\": 1", "\"encoder_layers\": 18446744073709551615"),
        ("\"vocab_size\": 9", "\"vocab_size\": 2"),
        ("\"num_mel_bins\": 80", "\"num_mel_bins\": 128"),
        ("\"decoder_attention_heads\": 4", "\"decoder_attention_heads\": 5"),
        ("\"decoder_layers\": 1,", ""),
        ("{", "["),
    ] {
        let config = CONFIG.replacen(from, to, 1);
        assert_ne!(config, CONFIG);
        assert!(convert(&tensors(), &config, WeightType::F16).is_err(), "{to}");
    }
}
