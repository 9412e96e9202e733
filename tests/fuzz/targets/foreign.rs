//! Sound files of other programs, as small as their formats allow.

use crate::samples::{f16_bytes, f32_bytes, safetensors, weights};

pub const CONFIG: &str = r#"{"model_type": "bert", "hidden_act": "gelu",
    "vocab_size": 7, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1,
    "num_attention_heads": 2, "max_position_embeddings": 4, "type_vocab_size": 2,
    "layer_norm_eps": 1e-12}"#;
pub const POOLING: &str = r#"{"pooling_mode_mean_tokens": true}"#;
pub const TOKENIZER: &str = r###"{"model": {"type": "WordPiece", "vocab":
    {"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "[MASK]": 4, "sea": 5, "##side": 6}},
    "added_tokens": [{"id": 2, "content": "[CLS]", "special": true}]}"###;

/// Weights of a sentence encoder of one block, in two types by turns.
pub fn bert() -> Vec<u8> {
    let mut shapes: Vec<(String, Vec<u64>)> = vec![
        ("embeddings.word_embeddings.weight".into(), vec![7, 32]),
        ("embeddings.position_embeddings.weight".into(), vec![4, 32]),
        ("embeddings.token_type_embeddings.weight".into(), vec![2, 32]),
        ("embeddings.LayerNorm.weight".into(), vec![32]),
        ("embeddings.LayerNorm.bias".into(), vec![32]),
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
        shapes.push((format!("{name}.weight"), [rows].into_iter().chain(columns).collect()));
        shapes.push((format!("{name}.bias"), vec![rows]));
    }
    stored(shapes)
}

/// Weights of the 16 kHz voice activity detector; the format fixes their shapes.
pub fn silero() -> Vec<u8> {
    let shapes: [(&str, &[u64]); 15] = [
        ("stft_conv.weight", &[258, 1, 256]),
        ("conv1.weight", &[128, 129, 3]),
        ("conv1.bias", &[128]),
        ("conv2.weight", &[64, 128, 3]),
        ("conv2.bias", &[64]),
        ("conv3.weight", &[64, 64, 3]),
        ("conv3.bias", &[64]),
        ("conv4.weight", &[128, 64, 3]),
        ("conv4.bias", &[128]),
        ("lstm_cell.weight_ih", &[512, 128]),
        ("lstm_cell.weight_hh", &[512, 128]),
        ("lstm_cell.bias_ih", &[512]),
        ("lstm_cell.bias_hh", &[512]),
        ("final_conv.weight", &[1, 128, 1]),
        ("final_conv.bias", &[1]),
    ];
    stored(shapes.into_iter().map(|(name, shape)| (name.to_owned(), shape.to_vec())).collect())
}

fn stored(shapes: Vec<(String, Vec<u64>)>) -> Vec<u8> {
    let tensor = |(seed, (name, shape)): (usize, (String, Vec<u64>))| {
        let values = weights(seed, shape.iter().product::<u64>() as usize);
        match seed % 2 {
            0 => (name, "F32", shape, f32_bytes(&values)),
            _ => (name, "F16", shape, f16_bytes(&values)),
        }
    };
    safetensors(&shapes.into_iter().enumerate().map(tensor).collect::<Vec<_>>())
}
