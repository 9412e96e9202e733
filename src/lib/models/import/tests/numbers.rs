//! Quantisers and mel filters against values worked out by hand and against error bounds.

use half::f16;
use proptest::prelude::*;

use super::super::WeightType;
use super::super::mel;
use super::super::quantize::{BLOCK, EncodeError, Ties};

fn encode(kind: WeightType, weights: &[f32], ties: Ties) -> Vec<u8> {
    let mut out = Vec::new();
    kind.encode(weights, ties, &mut out).expect("encodes");
    assert_eq!(Some(out.len() as u64), kind.encoded_len(weights.len() as u64));
    out
}

fn half_at(bytes: &[u8], at: usize) -> f32 {
    f16::from_le_bytes([bytes[at], bytes[at + 1]]).to_f32()
}

/// The 32 five-bit steps behind `head` bytes of a block.
fn five_bits(block: &[u8], head: usize) -> Vec<f32> {
    let fifth = u32::from_le_bytes(block[head..head + 4].try_into().expect("4 bytes"));
    let nibbles = &block[head + 4..];
    (0..BLOCK)
        .map(|i| {
            let low = if i < 16 { nibbles[i] & 15 } else { nibbles[i - 16] >> 4 };
            f32::from(low | ((fifth >> i & 1) << 4) as u8)
        })
        .collect()
}

/// Decodes one block as ggml does.
fn decode(kind: WeightType, block: &[u8]) -> Vec<f32> {
    let scale = half_at(block, 0);
    match kind {
        WeightType::Q8_0 => block[2..].iter().map(|b| scale * f32::from(b.cast_signed())).collect(),
        WeightType::Q5_0 => five_bits(block, 2).iter().map(|q| scale * (q - 16.0)).collect(),
        WeightType::Q5_1 => {
            let low = half_at(block, 2);
            five_bits(block, 4).iter().map(|q| scale * q + low).collect()
        }
        WeightType::F32 | WeightType::F16 => panic!("no blocks"),
    }
}

#[test]
fn q8_0_steps_and_ties() {
    let mut weights = [0.0; BLOCK];
    weights[..6].copy_from_slice(&[127.0, -127.0, 0.5, 1.5, -2.5, 3.2]);
    let even = encode(WeightType::Q8_0, &weights, Ties::ToEven);
    let away = encode(WeightType::Q8_0, &weights, Ties::AwayFromZero);
    assert_eq!(even[..2], [0x00, 0x3c], "the scale is 1");
    let signed = |bytes: &[u8]| bytes[2..8].iter().map(|b| b.cast_signed()).collect::<Vec<_>>();
    assert_eq!(signed(&even), [127, -127, 0, 2, -2, 3]);
    assert_eq!(signed(&away), [127, -127, 1, 2, -3, 3]);
}

#[test]
fn q5_0_keeps_the_sign_of_the_largest_weight() {
    let mut weights = [0.0; BLOCK];
    weights[0] = -16.0;
    weights[1] = 15.0;
    weights[16] = 16.0;
    let block = encode(WeightType::Q5_0, &weights, Ties::ToEven);
    assert_eq!(block[..2], [0x00, 0x3c], "the scale is 1");
    // Steps: 0, 31, 16 …, and 32 cut to 31 in the second half.
    assert_eq!(block[2..6], (!1_u32).to_le_bytes());
    assert_eq!(block[6..8], [0xf0, 0x0f]);
    assert!(block[8..].iter().all(|byte| *byte == 0));
}

#[test]
fn q5_1_spans_minimum_to_maximum() {
    let weights: [f32; BLOCK] = std::array::from_fn(|i| i as f32 - 4.0);
    let block = encode(WeightType::Q5_1, &weights, Ties::ToEven);
    assert_eq!((half_at(&block, 0), half_at(&block, 2)), (1.0, -4.0));
    assert_eq!(decode(WeightType::Q5_1, &block), weights);
}

#[test]
fn blocks_of_equal_weights_have_no_step() {
    for kind in [WeightType::Q8_0, WeightType::Q5_0, WeightType::Q5_1] {
        let block = encode(kind, &[0.0; BLOCK], Ties::ToEven);
        assert_eq!(decode(kind, &block), [0.0; BLOCK], "{kind}");
    }
    let block = encode(WeightType::Q5_1, &[0.25; BLOCK], Ties::ToEven);
    assert_eq!(decode(WeightType::Q5_1, &block), [0.25; BLOCK]);
}

#[test]
fn what_cannot_be_stored_is_an_error() {
    for kind in WeightType::ALL {
        let mut out = Vec::new();
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut weights = [0.0; BLOCK];
            weights[7] = bad;
            let error = kind.encode(&weights, Ties::ToEven, &mut out);
            assert_eq!(error, Err(EncodeError::NotFinite), "{kind} of {bad}");
        }
        let mut weights = [0.0; BLOCK];
        weights[7] = 1e30;
        let expected = if kind == WeightType::F32 { Ok(()) } else { Err(EncodeError::OutOfRange) };
        assert_eq!(kind.encode(&weights, Ties::ToEven, &mut out), expected, "{kind}");
    }
}

#[test]
fn lengths_are_whole_blocks_and_do_not_overflow() {
    assert_eq!(WeightType::Q8_0.encoded_len(64), Some(68));
    assert_eq!(WeightType::Q8_0.encoded_len(33), None);
    assert_eq!(WeightType::F32.encoded_len(u64::MAX), None);
}

#[test]
fn names_of_weight_types() {
    for kind in WeightType::ALL {
        assert_eq!(kind.to_string().parse::<WeightType>().expect("its own name"), kind);
        let upper = kind.to_string().to_uppercase();
        assert_eq!(upper.parse::<WeightType>().expect("upper case"), kind);
    }
    assert!("q4_0".parse::<WeightType>().is_err());
}

/// Values of `librosa.filters.mel(sr=16000, n_fft=400, n_mels=…)`.
#[test]
fn mel_filters_of_both_sizes() {
    let (small, large) = (mel::filters(80), mel::filters(128));
    assert_eq!((small.len(), large.len()), (80 * 201, 128 * 201));
    assert_eq!(small[1].to_bits(), 0.024_862_595_f32.to_bits());
    assert_eq!(large[1].to_bits(), 0.012_373_987_f32.to_bits());
    let last = |bank: &[f32]| bank[bank.len() - 7];
    assert_eq!(last(&small).to_bits(), 0.002_692_554_1_f32.to_bits());
    assert_eq!(last(&large).to_bits(), 0.003_900_125_f32.to_bits());
    assert_eq!(small[0].to_bits(), (-0.0_f32).to_bits());
    let peak = |row: usize| {
        let filter = &small[row * 201..(row + 1) * 201];
        (0..201).max_by(|a, b| filter[*a].total_cmp(&filter[*b]))
    };
    assert_eq!(peak(40), Some(43));
}

proptest! {
    #[test]
    fn decoded_blocks_are_near(weights in proptest::collection::vec(-100.0_f32..100.0, BLOCK)) {
        let peak = weights.iter().fold(0.0_f32, |peak, w| peak.max(w.abs()));
        let low = weights.iter().copied().fold(f32::INFINITY, f32::min);
        let range = weights.iter().copied().fold(f32::NEG_INFINITY, f32::max) - low;
        // Half a step (a whole one where q5_0 cuts the far end), and 2^-11 for each f16.
        let rounding = 1.0 / 2048.0;
        let bounds = [
            (WeightType::Q8_0, peak / 254.0 + peak * rounding),
            (WeightType::Q5_0, peak / 16.0 + peak * rounding),
            (WeightType::Q5_1, range / 62.0 + (range + low.abs()) * rounding),
        ];
        for (kind, bound) in bounds {
            let decoded = decode(kind, &encode(kind, &weights, Ties::ToEven));
            for (weight, decoded) in weights.iter().zip(decoded) {
                prop_assert!(
                    (weight - decoded).abs() <= bound * 1.001 + 1e-5,
                    "{kind}: {weight} became {decoded}"
                );
            }
        }
    }
}
