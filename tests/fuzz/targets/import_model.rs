//! A foreign model is an error or becomes a file that its own check accepts, not much larger.
#![no_main]

mod damage;
mod foreign;
#[path = "../../../src/lib/models/import/tests/samples.rs"]
#[allow(dead_code)]
mod samples;

use std::io::Cursor;
use std::sync::LazyLock;

use damage::damaged;
use libfuzzer_sys::fuzz_target;
use modelstore::import::{
    BertFiles, ImportError, SILERO_RELEASE, WeightType, convert_bert, convert_silero,
    convert_whisper, format,
};
use modelstore::inspect::inspect_reader;

static WHISPER: LazyLock<Vec<u8>> = LazyLock::new(|| samples::whisper().bytes());
static BERT: LazyLock<Vec<u8>> = LazyLock::new(foreign::bert);
static SILERO: LazyLock<Vec<u8>> = LazyLock::new(foreign::silero);
const TOKENIZER: &[u8] = samples::WHISPER_TOKENIZER.as_bytes();

/// Converts, and holds the size against the source: one-byte weights may become four, and mel
/// filters and names come in addition.
fn convert(
    source: &[u8],
    by: impl FnOnce(&mut Cursor<&[u8]>, &mut Vec<u8>) -> Result<usize, ImportError>,
) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let done = by(&mut Cursor::new(source), &mut out);
    assert!(out.len() <= 8 * source.len() + (1 << 20));
    done.ok().map(|tensors| {
        assert!(tensors > 0);
        out
    })
}

fn whisper(source: &[u8], tokenizer: &[u8], kind: WeightType) {
    // A vocabulary of few words is converted, though no engine's: only the size is checked.
    convert(source, |source, out| convert_whisper(source, tokenizer, out, kind));
}

fn bert(source: &[u8], config: &[u8], tokenizer: &[u8], card: &[u8], kind: WeightType) {
    let card = String::from_utf8_lossy(card);
    let pooling = foreign::POOLING.as_bytes();
    let files = BertFiles { config, pooling, tokenizer, card: Some(&card), name: "n" };
    if let Some(out) = convert(source, |source, out| convert_bert(source, &files, out, kind)) {
        inspect_reader(Cursor::new(out)).expect("a converted model is sound");
    }
}

fn silero(source: &[u8]) {
    let by =
        |source: &mut Cursor<&[u8]>, out: &mut Vec<u8>| convert_silero(source, out, SILERO_RELEASE);
    if let Some(out) = convert(source, by) {
        inspect_reader(Cursor::new(out)).expect("a converted model is sound");
    }
}

// What is damaged, the weights' type, and the damage or the file itself.
fuzz_target!(|data: &[u8]| {
    let [which, kind, rest @ ..] = data else { return };
    let kind = WeightType::ALL[usize::from(*kind) % WeightType::ALL.len()];
    let (config, tokens) = (foreign::CONFIG.as_bytes(), foreign::TOKENIZER.as_bytes());
    match which % 8 {
        0 => whisper(&damaged(&WHISPER, rest, usize::MAX), TOKENIZER, kind),
        1 => whisper(&WHISPER, &damaged(TOKENIZER, rest, usize::MAX), kind),
        2 => bert(&damaged(&BERT, rest, 4096), config, tokens, b"", kind),
        3 => bert(&BERT, &damaged(config, rest, usize::MAX), tokens, b"", kind),
        4 => bert(&BERT, config, &damaged(tokens, rest, usize::MAX), b"", kind),
        5 => bert(&BERT, config, tokens, rest, kind),
        6 => silero(&damaged(&SILERO, rest, 2048)),
        _ => {
            let _ = format(&mut Cursor::new(rest));
            whisper(rest, TOKENIZER, kind);
            bert(rest, config, tokens, b"", kind);
            silero(rest);
        }
    }
});
