//! `transcribe` with a model of many languages.
//!
//! The default model knows English alone, so these tests make a model of their own: whisper's
//! shape and vocabulary, one layer of 64 values, and weights with which each token of [`NEXT`] is
//! followed by one other token, whatever was said. So what comes out shows what whisper.cpp was
//! asked for.

use std::sync::LazyLock;

use half::f16;
use serde_json::Value;
use testkit::{Program, data, program};

/// The shape that whisper.cpp reads: vocabulary, encoder, decoder, mel bands, weights of 16 bits.
const HEADER: [i32; 11] =
    [VOCABULARY as i32, 1500, STATE as i32, 1, 1, 448, STATE as i32, 1, 1, MELS as i32, 1];
const VOCABULARY: usize = 51_865;
const STATE: usize = 64;
const HIDDEN: usize = 4 * STATE;
const MELS: usize = 80;
const MAGIC: i32 = 0x6767_6d6c;
/// Tokens with texts; the others are whisper's signs.
const TEXTS: usize = 50_257;

/// Signs of the vocabularies of many languages.
const END: usize = 50_257;
const START: usize = 50_258;
const GERMAN: usize = START + 1 + 2;
const TRANSLATE: usize = 50_358;
const TRANSCRIBE: usize = 50_359;
/// "At 0.00 s"; the next is "at 0.02 s", the last of 1501 "at 30.00 s".
const BEGIN: usize = 50_364;
/// Two texts.
const TAG: usize = 1000;
const DAY: usize = 1001;

/// What follows what: German is heard, and the one text or the other is written.
const NEXT: [(usize, usize); 8] = [
    (START, GERMAN),
    (TRANSCRIBE, BEGIN),
    (TRANSLATE, BEGIN + 1),
    (BEGIN, TAG),
    (BEGIN + 1, DAY),
    (TAG, BEGIN + 1500),
    (DAY, BEGIN + 1500),
    (BEGIN + 1500, END),
];

/// A file in whisper.cpp's format.
#[derive(Default)]
struct Model(Vec<u8>);

impl Model {
    fn ints(&mut self, ints: &[i32]) {
        self.0.extend(ints.iter().flat_map(|n| n.to_le_bytes()));
    }

    /// A tensor; `dims` begins with the one whose values lie side by side. Weights have 16 bits,
    /// everything else 32.
    fn tensor(&mut self, name: &str, dims: &[usize], values: &[f32]) {
        assert_eq!(dims.iter().product::<usize>(), values.len(), "{name}");
        let is_short = dims.len() > 1 && name.ends_with("weight");
        self.ints(&[dims.len() as i32, name.len() as i32, is_short.into()]);
        self.ints(&dims.iter().map(|n| *n as i32).collect::<Vec<_>>());
        self.0.extend(name.as_bytes());
        if is_short {
            self.0.extend(values.iter().flat_map(|x| f16::from_f32(*x).to_le_bytes()));
        } else {
            self.0.extend(values.iter().flat_map(|x| x.to_le_bytes()));
        }
    }

    fn zeros(&mut self, name: &str, dims: &[usize]) {
        self.tensor(name, dims, &vec![0.0; dims.iter().product()]);
    }

    /// A norm that gives nothing.
    fn no_norm(&mut self, name: &str) {
        self.zeros(&format!("{name}.weight"), &[STATE]);
        self.zeros(&format!("{name}.bias"), &[STATE]);
    }

    /// An attention that adds nothing.
    fn no_attention(&mut self, name: &str) {
        self.no_norm(&format!("{name}_ln"));
        for part in ["query", "key", "value", "out"] {
            self.zeros(&format!("{name}.{part}.weight"), &[STATE, STATE]);
            if part != "key" {
                self.zeros(&format!("{name}.{part}.bias"), &[STATE]);
            }
        }
    }

    /// The front of the file, and an encoder that hears nothing.
    fn begin() -> Self {
        let mut model = Self::default();
        model.ints(&[MAGIC]);
        model.ints(&HEADER);
        model.ints(&[MELS as i32, 201]);
        model.0.extend(vec![0; MELS * 201 * 4]);
        model.ints(&[TEXTS as i32]);
        for token in 0..TEXTS {
            let text = match token {
                TAG => " Guten Tag".to_owned(),
                DAY => " Good day".to_owned(),
                // whisper.cpp looks for it.
                0 => " ".to_owned(),
                other => format!(" w{other}"),
            };
            model.ints(&[text.len() as i32]);
            model.0.extend(text.into_bytes());
        }
        model.zeros("encoder.positional_embedding", &[STATE, 1500]);
        model.zeros("encoder.conv1.weight", &[3, MELS, STATE]);
        model.zeros("encoder.conv1.bias", &[1, STATE]);
        model.zeros("encoder.conv2.weight", &[3, STATE, STATE]);
        model.zeros("encoder.conv2.bias", &[1, STATE]);
        model.no_norm("encoder.ln_post");
        model.no_norm("encoder.blocks.0.mlp_ln");
        model.zeros("encoder.blocks.0.mlp.0.weight", &[STATE, HIDDEN]);
        model.zeros("encoder.blocks.0.mlp.0.bias", &[HIDDEN]);
        model.zeros("encoder.blocks.0.mlp.2.weight", &[HIDDEN, STATE]);
        model.zeros("encoder.blocks.0.mlp.2.bias", &[STATE]);
        model.no_attention("encoder.blocks.0.attn");
        model
    }

    /// A decoder in which each token of [`NEXT`] has a place in the first half of the state, and
    /// what follows it one in the second half, which is what the next token is chosen by.
    fn decoder(&mut self) {
        const HALF: usize = STATE / 2;
        let mut followers: Vec<usize> = NEXT.iter().map(|(_, next)| *next).collect();
        followers.sort_unstable();
        followers.dedup();
        let place = |next: usize| HALF + followers.binary_search(&next).expect("a follower");
        let mut tokens = vec![0.0; VOCABULARY * STATE];
        let mut notice = vec![0.0; HIDDEN * STATE];
        let mut answer = vec![0.0; STATE * HIDDEN];
        for (at, (token, next)) in NEXT.into_iter().enumerate() {
            tokens[token * STATE + at] = 1.0;
            notice[at * STATE + at] = 1.0;
            answer[place(next) * HIDDEN + at] = 10.0;
        }
        for next in followers.iter().copied() {
            tokens[next * STATE + place(next)] = 1.0;
        }
        let chosen: Vec<f32> = (0..STATE).map(|i| if i < HALF { 0.0 } else { 5.0 }).collect();
        self.zeros("decoder.positional_embedding", &[STATE, 448]);
        self.tensor("decoder.token_embedding.weight", &[STATE, VOCABULARY], &tokens);
        self.tensor("decoder.ln.weight", &[STATE], &chosen);
        self.zeros("decoder.ln.bias", &[STATE]);
        self.tensor("decoder.blocks.0.mlp_ln.weight", &[STATE], &[1.0; STATE]);
        self.zeros("decoder.blocks.0.mlp_ln.bias", &[STATE]);
        self.tensor("decoder.blocks.0.mlp.0.weight", &[STATE, HIDDEN], &notice);
        self.tensor("decoder.blocks.0.mlp.0.bias", &[HIDDEN], &[-3.0; HIDDEN]);
        self.tensor("decoder.blocks.0.mlp.2.weight", &[HIDDEN, STATE], &answer);
        self.zeros("decoder.blocks.0.mlp.2.bias", &[STATE]);
        self.no_attention("decoder.blocks.0.attn");
        self.no_attention("decoder.blocks.0.cross_attn");
    }
}

static MODEL: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut model = Model::begin();
    model.decoder();
    model.0
});

fn transcribe() -> Program {
    let program = program("transcribe").file("many.bin", MODEL.as_slice());
    program.args(["--model", "./many.bin", "--no-via"]).arg(data("speech/short.flac"))
}

fn heard(record: &Value) -> (&str, &str) {
    let (language, text) = (&record["transcript"]["language"], &record["text"]);
    language.as_str().zip(text.as_str()).unwrap_or_else(|| panic!("{record}"))
}

#[test]
fn model_language_is_found_out_or_taken_as_given_and_translation_is_asked_for() {
    let run = |arguments: &[&str]| {
        let records = transcribe().args(arguments).run().code(0).records();
        assert_eq!(records.len(), 1);
        let (language, text) = heard(&records[0]);
        (language.to_owned(), text.to_owned())
    };
    let pair = |language: &str, text: &str| (language.to_owned(), text.to_owned());
    assert_eq!(run(&[]), pair("de", "Guten Tag"));
    assert_eq!(run(&["--language", "auto"]), pair("de", "Guten Tag"));
    assert_eq!(run(&["--language", "es"]), pair("es", "Guten Tag"));
    assert_eq!(run(&["--translate"]), pair("de", "Good day"));
    assert_eq!(run(&["--language", "nl", "--translate"]), pair("nl", "Good day"));
    transcribe().args(["--language", "xx"]).run().code(2).says("ISO 639-1");
}

#[test]
fn model_language_of_the_first_utterance_is_kept_in_a_stream() {
    let records = transcribe().arg("--stream").run().code(0).records();
    assert!(!records.is_empty());
    for record in &records {
        assert_eq!(heard(record), ("de", "Guten Tag"), "{record}");
    }
}
