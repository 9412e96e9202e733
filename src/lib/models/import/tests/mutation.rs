//! Random damage to small valid files: an error or a result, never a panic.

use std::io::Cursor;

use proptest::prelude::*;

use super::super::{
    BertFiles, WeightType, convert_bert, convert_silero, convert_whisper,
    convert_whisper_safetensors, format,
};
use super::samples::{WHISPER_TOKENIZER, safetensors, whisper, with_header};
use super::{bert, silero, whisper_safetensors};

/// Bytes to overwrite (at a position given in parts of the file), and where to cut it.
#[derive(Clone, Debug)]
struct Damage {
    bytes: Vec<(prop::sample::Index, u8)>,
    cut: Option<prop::sample::Index>,
}

impl Damage {
    /// Damages the first `limit` bytes: headers are small and weights many.
    fn apply(&self, file: &mut Vec<u8>, limit: usize) {
        for (index, byte) in &self.bytes {
            let at = index.index(file.len().min(limit));
            file[at] = *byte;
        }
        if let Some(cut) = &self.cut {
            file.truncate(cut.index(file.len()));
        }
    }
}

fn damage() -> impl Strategy<Value = Damage> {
    let byte = prop_oneof![Just(0), Just(0xff), Just(0x7f), Just(1), any::<u8>()];
    let bytes = prop::collection::vec((any::<prop::sample::Index>(), byte), 0..8);
    let cut = prop::option::weighted(0.2, any::<prop::sample::Index>());
    (bytes, cut).prop_map(|(bytes, cut)| Damage { bytes, cut })
}

fn weight_type() -> impl Strategy<Value = WeightType> {
    prop::sample::select(WeightType::ALL.to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn ct2(damage in damage(), kind in weight_type(), anywhere: bool) {
        let mut file = whisper().bytes();
        damage.apply(&mut file, if anywhere { usize::MAX } else { 100 });
        let _ = format(&mut Cursor::new(&file));
        let tokenizer = WHISPER_TOKENIZER.as_bytes();
        let _ = convert_whisper(&mut Cursor::new(&file), tokenizer, &mut Vec::new(), kind);
    }

    #[test]
    fn whisper_files(damage in damage(), part in 0..3, kind in weight_type()) {
        let mut weights = safetensors(&whisper_safetensors::tensors());
        let mut texts = [whisper_safetensors::CONFIG, WHISPER_TOKENIZER].map(|t| t.as_bytes().to_vec());
        match texts.get_mut(part as usize) {
            Some(text) => damage.apply(text, usize::MAX),
            None => damage.apply(&mut weights, 6000),
        }
        let [config, tokenizer] = &texts;
        let mut file = Cursor::new(&weights);
        let _ = format(&mut file);
        let _ = convert_whisper_safetensors(&mut file, config, &tokenizer[..], &mut Vec::new(), kind);
    }

    #[test]
    fn bert_files(damage in damage(), part in 0..4, kind in weight_type()) {
        let mut weights = safetensors(&bert::tensors());
        let mut texts = [bert::CONFIG, bert::POOLING, bert::TOKENIZER].map(|t| t.as_bytes().to_vec());
        match texts.get_mut(part as usize) {
            Some(text) => damage.apply(text, usize::MAX),
            None => damage.apply(&mut weights, 3000),
        }
        let [config, pooling, tokenizer] = &texts;
        let files = BertFiles { config, pooling, tokenizer, card: None, name: "n" };
        let _ = format(&mut Cursor::new(&weights));
        let _ = convert_bert(&mut Cursor::new(&weights), &files, &mut Vec::new(), kind);
    }

    #[test]
    fn silero_file(damage in damage()) {
        let mut file = safetensors(&silero::tensors());
        damage.apply(&mut file, 1500);
        let _ = convert_silero(&mut Cursor::new(&file), &mut Vec::new(), [6, 2, 3]);
    }

    #[test]
    fn headers(header in r#"\{("[ab]": ?\{("(dtype|shape|data_offsets)": ?("F32"|\[[0-9,]{0,20}\]),?){0,4}\},?){0,3}\}"#) {
        let _ = format(&mut Cursor::new(with_header(&header, &[0; 16])));
    }

    #[test]
    fn noise(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = format(&mut Cursor::new(&bytes));
        let tokenizer = WHISPER_TOKENIZER.as_bytes();
        let mut out = Vec::new();
        prop_assert!(
            convert_whisper(&mut Cursor::new(&bytes), tokenizer, &mut out, WeightType::F16).is_err()
        );
        prop_assert!(out.is_empty());
        prop_assert!(convert_silero(&mut Cursor::new(&bytes), &mut out, [6, 2, 3]).is_err());
    }
}
