//! The voice activity detector's converter.

use std::io::Cursor;

use super::super::{Format, ImportError, convert_silero, format};
use super::samples::{Fields, f16_bytes, f32_bytes, ggml_tensors, named, safetensors, weights};

type Tensors = Vec<(String, &'static str, Vec<u64>, Vec<u8>)>;

/// All tensors of the model with made-up weights.
pub(super) fn tensors() -> Tensors {
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
    shapes
        .into_iter()
        .enumerate()
        .map(|(seed, (name, shape))| {
            let values = weights(seed, shape.iter().product::<u64>() as usize);
            (name.to_owned(), "F32", shape.to_vec(), f32_bytes(&values))
        })
        .collect()
}

fn convert(tensors: &Tensors) -> Result<Vec<u8>, ImportError> {
    let mut out = Vec::new();
    convert_silero(&mut Cursor::new(safetensors(tensors)), &mut out, [6, 2, 3])?;
    Ok(out)
}

#[test]
fn header_and_tensors() {
    let file = convert(&tensors()).expect("converts");
    let mut fields = Fields(Cursor::new(file));
    assert_eq!((fields.u32(), fields.u32()), (0x6767_6d6c, 10));
    assert_eq!(fields.text(10), "silero-16k");
    let header: Vec<u32> = (0..22).map(|_| fields.u32()).collect();
    let convolutions = [129, 128, 3, 128, 64, 3, 64, 64, 3, 64, 128, 3];
    assert_eq!(header[..6], [6, 2, 3, 512, 64, 4]);
    assert_eq!(header[6..18], convolutions);
    assert_eq!(header[18..], [128, 128, 128, 1]);

    let written = ggml_tensors(&mut fields);
    assert_eq!(written.len(), 15);
    let stft = named(&written, "_model.stft.forward_basis_buffer");
    assert_eq!((stft.kind, &stft.dims), (1, &vec![256, 1, 258]));
    assert_eq!(stft.data, f16_bytes(&weights(0, 258 * 256)));
    let recurrent = named(&written, "_model.decoder.rnn.weight_hh");
    assert_eq!((recurrent.kind, &recurrent.dims), (0, &vec![128, 512]));
    assert_eq!(recurrent.data, f32_bytes(&weights(10, 512 * 128)));
    let last = named(&written, "_model.decoder.decoder.2.weight");
    assert_eq!((last.kind, &last.dims), (1, &vec![128]));
    let bias = named(&written, "_model.decoder.decoder.2.bias");
    assert_eq!((bias.kind, bias.dims.len()), (0, 0));
}

#[test]
fn both_sides_are_recognised() {
    let source = safetensors(&tensors());
    let found = format(&mut Cursor::new(source)).expect("recognised");
    assert_eq!(found, Format::SileroSafetensors);
    let written = convert(&tensors()).expect("converts");
    assert_eq!(format(&mut Cursor::new(written)).expect("recognised"), Format::GgmlVad);
}

#[test]
fn missing_misshapen_and_mistyped_tensors() {
    for index in 0..15 {
        let mut missing = tensors();
        missing.remove(index);
        let error = convert(&missing).expect_err("a tensor is missing");
        assert!(matches!(error, ImportError::MissingTensor(_)), "{error}");
    }
    let mut flat = tensors();
    flat[0].2 = vec![258, 256];
    let error = convert(&flat).expect_err("another shape");
    assert!(matches!(error, ImportError::Shape { .. }), "{error}");
    let mut integers = tensors();
    integers[0].1 = "I32";
    let error = convert(&integers).expect_err("integers");
    assert!(matches!(error, ImportError::Dtype { .. }), "{error}");
}
