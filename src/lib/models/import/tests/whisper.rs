//! The Whisper converter: header, names, splitting of stacked layers, scales.

use std::io::Cursor;

use super::super::{ImportError, WeightType, convert_whisper};
use super::samples::{
    Ct2, Fields, MELS, STATE, Tensor, VOCAB, WHISPER_TOKENIZER, f16_bytes, f32_bytes, ggml_tensors,
    named, weights, whisper,
};

fn convert(model: &Ct2, kind: WeightType) -> Result<Vec<u8>, ImportError> {
    let mut out = Vec::new();
    let mut source = Cursor::new(model.bytes());
    convert_whisper(&mut source, WHISPER_TOKENIZER.as_bytes(), &mut out, kind)?;
    Ok(out)
}

/// Header numbers, tokens and tensors of a written file.
fn parse(file: Vec<u8>) -> (Vec<u32>, Vec<Vec<u8>>, Vec<Tensor>) {
    let mut fields = Fields(Cursor::new(file));
    let header = (0..12).map(|_| fields.u32()).collect();
    let filters = fields.u32() * fields.u32();
    fields.take(filters as usize * 4);
    let tokens = (0..fields.u32())
        .map(|_| {
            let length = fields.u32();
            fields.take(length as usize)
        })
        .collect();
    (header, tokens, ggml_tensors(&mut fields))
}

#[test]
fn header_and_tokens() {
    let (header, tokens, tensors) = parse(convert(&whisper(), WeightType::Q5_1).expect("converts"));
    let n = STATE;
    assert_eq!(header, [0x6767_6d6c, VOCAB, 5, n, 4, 1, 4, n, 4, 1, MELS, 2009]);
    assert_eq!(tokens, [b"a".to_vec(), b" b".to_vec(), vec![0xe9]]);
    // 4 of the convolutions, 3 embeddings, 4 of the final norms, 15 and 24 in the blocks.
    assert_eq!(tensors.len(), 50);
}

#[test]
fn stacked_layers_are_split_in_order() {
    let mut model = whisper();
    let (n, name) = (STATE as usize, "decoder/layer_0/attention/linear_1/weight");
    let values = weights(3, 2 * n * n);
    model.variable(name).bytes = f16_bytes(&values);
    let (_, _, tensors) = parse(convert(&model, WeightType::F16).expect("converts"));
    let block = "decoder.blocks.0.cross_attn";
    for (part, expected) in [("key", &values[..n * n]), ("value", &values[n * n..])] {
        let tensor = named(&tensors, &format!("{block}.{part}.weight"));
        assert_eq!((tensor.kind, &tensor.dims), (1, &vec![32, 32]));
        assert_eq!(tensor.data, f16_bytes(expected));
    }
    assert!(!tensors.iter().any(|tensor| tensor.name.ends_with("key.bias")));
}

#[test]
fn vectors_and_positions_stay_f32_and_convolutions_f16() {
    let (_, _, tensors) = parse(convert(&whisper(), WeightType::Q8_0).expect("converts"));
    let kind_and_dims = |name| {
        let tensor = named(&tensors, name);
        (tensor.kind, tensor.dims.clone())
    };
    assert_eq!(kind_and_dims("encoder.conv1.bias"), (0, vec![1, 32]));
    assert_eq!(kind_and_dims("encoder.conv1.weight"), (1, vec![3, 80, 32]));
    assert_eq!(kind_and_dims("encoder.positional_embedding"), (0, vec![32, 5]));
    assert_eq!(kind_and_dims("decoder.ln.weight"), (0, vec![32]));
    assert_eq!(kind_and_dims("decoder.token_embedding.weight"), (8, vec![32, 9]));
    assert_eq!(kind_and_dims("encoder.blocks.0.mlp.0.weight"), (8, vec![32, 128]));
    assert_eq!(kind_and_dims("encoder.blocks.0.mlp.2.weight"), (8, vec![128, 32]));
}

/// Makes a matrix int8 with one scale a row: row `r` is divided by `r + 1`.
fn make_int8(model: &mut Ct2, name: &str) -> Vec<f32> {
    let variable = model.variable(name);
    let (rows, columns) = (variable.shape[0] as usize, variable.shape[1] as usize);
    let integers: Vec<i8> = (0..rows * columns).map(|i| (i % 255) as i8).collect();
    variable.dtype = 1;
    variable.bytes = integers.iter().map(|i| i.to_le_bytes()[0]).collect();
    let scales: Vec<f32> = (1..=rows).map(|row| row as f32).collect();
    model.add(&format!("{name}_scale"), &[rows as u32], 0, f32_bytes(&scales));
    integers.iter().enumerate().map(|(i, v)| f32::from(*v) / (i / columns + 1) as f32).collect()
}

#[test]
fn integer_rows_are_divided_by_their_scales_also_in_stacks() {
    let mut model = whisper();
    let expected = make_int8(&mut model, "encoder/layer_0/self_attention/linear_0/weight");
    let (_, _, tensors) = parse(convert(&model, WeightType::F32).expect("converts"));
    let n = (STATE * STATE) as usize;
    for (i, part) in ["query", "key", "value"].into_iter().enumerate() {
        let tensor = named(&tensors, &format!("encoder.blocks.0.attn.{part}.weight"));
        assert_eq!(tensor.data, f32_bytes(&expected[i * n..(i + 1) * n]), "{part}");
    }
}

#[test]
fn int16_has_one_scale_for_all() {
    let mut model = whisper();
    let name = "decoder/embeddings/weight";
    let integers: Vec<i16> = (0..(VOCAB * STATE) as i16).map(|i| i * 100).collect();
    let variable = model.variable(name);
    variable.dtype = 2;
    variable.bytes = integers.iter().flat_map(|i| i.to_le_bytes()).collect();
    model.add(&format!("{name}_scale"), &[], 0, f32_bytes(&[1024.0]));
    let (_, _, tensors) = parse(convert(&model, WeightType::F32).expect("converts"));
    let expected: Vec<f32> = integers.iter().map(|i| f32::from(*i) / 1024.0).collect();
    assert_eq!(named(&tensors, "decoder.token_embedding.weight").data, f32_bytes(&expected));
}

#[test]
fn bad_scales_are_refused() {
    let name = "decoder/embeddings/weight";
    for bad in [f32::NAN, f32::INFINITY, 0.0] {
        let mut model = whisper();
        make_int8(&mut model, name);
        model.variable(&format!("{name}_scale")).bytes[8..12].copy_from_slice(&bad.to_le_bytes());
        let error = convert(&model, WeightType::F16).expect_err("a bad scale");
        assert!(matches!(error, ImportError::NotFinite(_)), "{bad}: {error}");
    }
    let mut model = whisper();
    make_int8(&mut model, name);
    model.variables.retain(|v| !v.name.ends_with("_scale"));
    let error = convert(&model, WeightType::F16).expect_err("no scale");
    assert!(matches!(error, ImportError::MissingTensor(_)), "{error}");
}

#[test]
fn a_key_bias_that_is_not_zero_is_refused() {
    let mut model = whisper();
    let bias = "encoder/layer_0/self_attention/linear_0/bias";
    let n = STATE as usize;
    model.variable(bias).bytes[2 * n..2 * n + 2].copy_from_slice(&f16_bytes(&[1.0]));
    let error = convert(&model, WeightType::F16).expect_err("a key bias");
    assert!(matches!(error, ImportError::Unsupported(_)), "{error}");
}

#[test]
fn weights_that_are_not_finite_or_too_large_are_refused() {
    let name = "decoder/embeddings/weight";
    for (value, kind) in [(f32::NAN, WeightType::F32), (1e6, WeightType::F16)] {
        let mut model = whisper();
        let variable = model.variable(name);
        variable.dtype = 0;
        variable.bytes = f32_bytes(&vec![value; (VOCAB * STATE) as usize]);
        let error = convert(&model, kind).expect_err("a bad weight");
        let expected = match error {
            ImportError::NotFinite(_) => value.is_nan(),
            ImportError::OutOfRange { .. } => !value.is_nan(),
            _ => false,
        };
        assert!(expected, "{value}: {error}");
    }
}

#[test]
fn every_missing_variable_is_noticed() {
    let model = whisper();
    for index in 0..model.variables.len() {
        let mut model = model.clone();
        let removed = model.variables.remove(index).name;
        model.aliases.clear();
        assert!(convert(&model, WeightType::F16).is_err(), "without {removed}");
    }
}

#[test]
fn an_alias_stands_for_its_variable() {
    let mut model = whisper();
    model.variable("decoder/embeddings/weight").name = "decoder/projection/weight".to_owned();
    for (alias, target) in &mut model.aliases {
        std::mem::swap(alias, target);
    }
    let renamed = convert(&model, WeightType::F16).expect("converts");
    assert_eq!(renamed, convert(&whisper(), WeightType::F16).expect("converts"));
}
