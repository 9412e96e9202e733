//! Builders of small source files, and readers of what the converters write.

use std::io::{Cursor, Read};

use half::{bf16, f16};

/// Weights that every floating-point type here holds exactly: multiples of 1/64 below 1/2.
pub(super) fn weights(seed: usize, count: usize) -> Vec<f32> {
    (0..count).map(|i| ((i * 7 + seed * 13) % 61) as f32 / 64.0 - 30.0 / 64.0).collect()
}

pub(super) fn f32_bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

pub(super) fn f16_bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| f16::from_f32(*value).to_le_bytes()).collect()
}

pub(super) fn bf16_bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| bf16::from_f32(*value).to_le_bytes()).collect()
}

/// A variable of a CTranslate2 file.
#[derive(Clone)]
pub(super) struct Variable {
    pub(super) name: String,
    pub(super) shape: Vec<u32>,
    pub(super) dtype: u8,
    pub(super) bytes: Vec<u8>,
}

/// A CTranslate2 file in parts, to be changed before it is put together.
#[derive(Clone)]
pub(super) struct Ct2 {
    pub(super) version: u32,
    pub(super) spec: String,
    pub(super) variables: Vec<Variable>,
    pub(super) aliases: Vec<(String, String)>,
}

impl Ct2 {
    pub(super) fn add(&mut self, name: &str, shape: &[u32], dtype: u8, bytes: Vec<u8>) {
        let (name, shape) = (name.to_owned(), shape.to_vec());
        self.variables.push(Variable { name, shape, dtype, bytes });
    }

    pub(super) fn half(&mut self, name: &str, shape: &[u32]) {
        let values = weights(name.len(), shape.iter().product::<u32>() as usize);
        self.add(name, shape, 4, f16_bytes(&values));
    }

    pub(super) fn variable(&mut self, name: &str) -> &mut Variable {
        self.variables.iter_mut().find(|v| v.name == name).expect(name)
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut out = self.version.to_le_bytes().to_vec();
        text(&mut out, &self.spec);
        out.extend(3_u32.to_le_bytes());
        out.extend((self.variables.len() as u32).to_le_bytes());
        for variable in &self.variables {
            text(&mut out, &variable.name);
            out.push(variable.shape.len() as u8);
            out.extend(variable.shape.iter().flat_map(|dim| dim.to_le_bytes()));
            out.push(variable.dtype);
            out.extend((variable.bytes.len() as u32).to_le_bytes());
            out.extend(&variable.bytes);
        }
        out.extend((self.aliases.len() as u32).to_le_bytes());
        for (alias, target) in &self.aliases {
            text(&mut out, alias);
            text(&mut out, target);
        }
        out
    }
}

fn text(out: &mut Vec<u8>, text: &str) {
    out.extend((text.len() as u16 + 1).to_le_bytes());
    out.extend(text.as_bytes());
    out.push(0);
}

/// Width, mel bands, vocabulary and contexts of the sample Whisper model.
pub(super) const STATE: u32 = 32;
pub(super) const MELS: u32 = 80;
pub(super) const VOCAB: u32 = 9;

/// A Whisper model of one encoder and one decoder block, all `f16`.
pub(super) fn whisper() -> Ct2 {
    let n = STATE;
    let mut model = Ct2 {
        version: 6,
        spec: "WhisperSpec".to_owned(),
        variables: Vec::new(),
        aliases: vec![("decoder/projection/weight".into(), "decoder/embeddings/weight".into())],
    };
    model.half("encoder/position_encodings/encodings", &[5, n]);
    model.half("decoder/position_encodings/encodings", &[4, n]);
    model.half("decoder/embeddings/weight", &[VOCAB, n]);
    for (conv, inputs) in [("conv1", MELS), ("conv2", n)] {
        model.half(&format!("encoder/{conv}/weight"), &[n, inputs, 3]);
        model.half(&format!("encoder/{conv}/bias"), &[n]);
    }
    for side in ["encoder", "decoder"] {
        model.add(&format!("{side}/num_heads"), &[], 2, vec![4, 0]);
        let block = format!("{side}/layer_0");
        let mut norms = vec![side.to_owned(), format!("{block}/self_attention")];
        norms.push(format!("{block}/ffn"));
        let mut layers = vec![
            ("self_attention/linear_0", 3 * n, n),
            ("self_attention/linear_1", n, n),
            ("ffn/linear_0", 4 * n, n),
            ("ffn/linear_1", n, 4 * n),
        ];
        if side == "decoder" {
            norms.push(format!("{block}/attention"));
            layers.push(("attention/linear_0", n, n));
            layers.push(("attention/linear_1", 2 * n, n));
            layers.push(("attention/linear_2", n, n));
        }
        for norm in norms {
            model.half(&format!("{norm}/layer_norm/gamma"), &[n]);
            model.half(&format!("{norm}/layer_norm/beta"), &[n]);
        }
        for (layer, rows, columns) in layers {
            model.half(&format!("{block}/{layer}/weight"), &[rows, columns]);
            model.half(&format!("{block}/{layer}/bias"), &[rows]);
        }
        // The key's part of a stacked bias must be zero: two bytes a value.
        let n = n as usize;
        model.variable(&format!("{block}/self_attention/linear_0/bias")).bytes[2 * n..4 * n]
            .fill(0);
    }
    model.variable("decoder/layer_0/attention/linear_1/bias").bytes[..2 * STATE as usize].fill(0);
    model
}

/// Three text tokens, "a", " b" and the byte 0xE9, then the special ones.
pub(super) const WHISPER_TOKENIZER: &str = r#"{"model": {"vocab": {"Ġb": 1, "a": 0, "é": 2}},
    "added_tokens": [{"id": 3, "content": "<|endoftext|>", "special": true}]}"#;

/// A safetensors file of (name, type, shape, bytes).
pub(super) fn safetensors(tensors: &[(String, &str, Vec<u64>, Vec<u8>)]) -> Vec<u8> {
    let mut header = serde_json::Map::new();
    header.insert("__metadata__".into(), serde_json::json!({"format": "pt"}));
    let mut data = Vec::new();
    for (name, dtype, shape, bytes) in tensors {
        let offsets = [data.len(), data.len() + bytes.len()];
        data.extend(bytes);
        header.insert(
            name.clone(),
            serde_json::json!({"dtype": dtype, "shape": shape, "data_offsets": offsets}),
        );
    }
    with_header(&serde_json::Value::Object(header).to_string(), &data)
}

/// A safetensors file with a header as it is given.
pub(super) fn with_header(header: &str, data: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), data].concat()
}

/// Reads the numbers and names of a written file, failing the test if it ends early.
pub(super) struct Fields(pub(super) Cursor<Vec<u8>>);

impl Fields {
    pub(super) fn take(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.0.read_exact(&mut bytes).expect("the file goes on");
        bytes
    }

    pub(super) fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.take(4).try_into().expect("4 bytes"))
    }

    pub(super) fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.take(8).try_into().expect("8 bytes"))
    }

    pub(super) fn text(&mut self, length: usize) -> String {
        String::from_utf8(self.take(length)).expect("UTF-8")
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.0.position() == self.0.get_ref().len() as u64
    }
}

/// A tensor that was written.
#[derive(Debug, PartialEq)]
pub(super) struct Tensor {
    pub(super) name: String,
    /// Innermost first, as in the file.
    pub(super) dims: Vec<u64>,
    pub(super) kind: u32,
    pub(super) data: Vec<u8>,
}

/// Bytes of a tensor of the given ggml type.
pub(super) fn data_len(kind: u32, elements: u64) -> usize {
    let (block, bytes) = match kind {
        0 => (1, 4),
        1 => (1, 2),
        6 => (32, 22),
        7 => (32, 24),
        8 => (32, 34),
        other => panic!("type {other}"),
    };
    assert_eq!(elements % block, 0);
    (elements / block * bytes) as usize
}

/// The tensors at the end of a ggml file.
pub(super) fn ggml_tensors(fields: &mut Fields) -> Vec<Tensor> {
    let mut tensors = Vec::new();
    while !fields.is_at_end() {
        let (rank, length, kind) = (fields.u32(), fields.u32() as usize, fields.u32());
        let dims: Vec<u64> = (0..rank).map(|_| u64::from(fields.u32())).collect();
        let name = fields.text(length);
        let data = fields.take(data_len(kind, dims.iter().product()));
        tensors.push(Tensor { name, dims, kind, data });
    }
    tensors
}

/// The tensor of that name.
pub(super) fn named<'a>(tensors: &'a [Tensor], name: &str) -> &'a Tensor {
    tensors.iter().find(|tensor| tensor.name == name).expect(name)
}
