//! Small valid model files for the tests.

/// Builds a GGUF file.
pub(crate) struct Gguf {
    pub(crate) pairs: Vec<Vec<u8>>,
    pub(crate) tensors: Vec<(String, Vec<u64>, u32, u64)>,
    pub(crate) data: usize,
}

fn text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend((text.len() as u64).to_le_bytes());
    bytes.extend(text.as_bytes());
}

impl Gguf {
    /// A llama model of two tensors with `rows` rows of 32 numbers each.
    pub(crate) fn llama(rows: u64) -> Self {
        let mut gguf = Self { pairs: vec![], tensors: vec![], data: 0 };
        gguf.text("general.architecture", "llama");
        gguf.text("general.name", "tiny");
        gguf.number("llama.context_length", 2048);
        gguf.number("llama.embedding_length", 32);
        gguf.number("general.file_type", 1);
        let bytes = rows * 32 * 2;
        gguf.tensors.push(("token_embd.weight".into(), vec![32, rows], 1, 0));
        gguf.tensors.push(("output.weight".into(), vec![32, rows], 1, bytes));
        gguf.data = usize::try_from(bytes * 2).unwrap();
        gguf
    }

    pub(crate) fn text(&mut self, key: &str, value: &str) {
        let mut pair = vec![];
        text(&mut pair, key);
        pair.extend(8u32.to_le_bytes());
        text(&mut pair, value);
        self.pairs.push(pair);
    }

    pub(crate) fn number(&mut self, key: &str, value: u32) {
        let mut pair = vec![];
        text(&mut pair, key);
        pair.extend(4u32.to_le_bytes());
        pair.extend(value.to_le_bytes());
        self.pairs.push(pair);
    }

    /// An array header that announces `count` values of type `kind`, then `body`.
    pub(crate) fn array(&mut self, key: &str, kind: u32, count: u64, body: &[u8]) {
        let mut pair = vec![];
        text(&mut pair, key);
        pair.extend(9u32.to_le_bytes());
        pair.extend(kind.to_le_bytes());
        pair.extend(count.to_le_bytes());
        pair.extend(body);
        self.pairs.push(pair);
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut out = b"GGUF".to_vec();
        out.extend(3u32.to_le_bytes());
        out.extend((self.tensors.len() as u64).to_le_bytes());
        out.extend((self.pairs.len() as u64).to_le_bytes());
        self.pairs.iter().for_each(|p| out.extend(p));
        for (name, dims, kind, offset) in &self.tensors {
            text(&mut out, name);
            out.extend((dims.len() as u32).to_le_bytes());
            dims.iter().for_each(|d| out.extend(d.to_le_bytes()));
            out.extend(kind.to_le_bytes());
            out.extend(offset.to_le_bytes());
        }
        out.resize(out.len().next_multiple_of(32), 0);
        let noise = (0..self.data).map(|i| (i as u32).wrapping_mul(2_654_435_761).to_le_bytes()[3]);
        out.extend(noise);
        out
    }
}

fn words(out: &mut Vec<u8>, words: &[i32]) {
    words.iter().for_each(|w| out.extend(w.to_le_bytes()));
}

fn tensor(out: &mut Vec<u8>, name: &str, dims: &[i32]) {
    words(out, &[dims.len() as i32, name.len() as i32, 1]);
    words(out, dims);
    out.extend(name.as_bytes());
    let elements: i32 = dims.iter().product();
    out.resize(out.len() + 2 * elements as usize, 0);
}

/// A whisper model with one layer on each side, 2 numbers wide.
pub(crate) fn whisper(vocabulary: i32) -> Vec<u8> {
    let mut out = b"lmgg".to_vec();
    words(&mut out, &[vocabulary, 6, 2, 1, 1, 4, 2, 1, 1, 80, 1]);
    words(&mut out, &[80, 3]);
    out.resize(out.len() + 80 * 3 * 4, 0);
    words(&mut out, &[2, 1]);
    out.extend(b"a");
    words(&mut out, &[2]);
    out.extend(b"bc");
    tensor(&mut out, "encoder.positional_embedding", &[2, 6]);
    tensor(&mut out, "decoder.positional_embedding", &[2, 4]);
    tensor(&mut out, "decoder.token_embedding.weight", &[2, vocabulary]);
    for i in 0..47 {
        tensor(&mut out, &format!("t{i}"), &[2]);
    }
    out
}

/// A voice activity model with tiny layers.
pub(crate) fn vad() -> Vec<u8> {
    let mut out = b"lmgg".to_vec();
    words(&mut out, &[10]);
    out.extend(b"silero-16k");
    words(&mut out, &[6, 2, 3, 512, 64, 4]);
    for _ in 0..4 {
        words(&mut out, &[2, 3, 3]);
    }
    words(&mut out, &[4, 4, 4, 1]);
    for i in 0..4 {
        tensor(&mut out, &format!("_model.encoder.{i}.reparam_conv.weight"), &[3, 2, 3]);
        tensor(&mut out, &format!("_model.encoder.{i}.reparam_conv.bias"), &[3]);
    }
    tensor(&mut out, "_model.decoder.rnn.weight_ih", &[4, 16]);
    tensor(&mut out, "_model.decoder.rnn.weight_hh", &[4, 16]);
    tensor(&mut out, "_model.decoder.rnn.bias_ih", &[16]);
    tensor(&mut out, "_model.decoder.rnn.bias_hh", &[16]);
    tensor(&mut out, "_model.decoder.decoder.2.weight", &[4]);
    tensor(&mut out, "_model.decoder.decoder.2.bias", &[1]);
    tensor(&mut out, "_model.stft.forward_basis_buffer", &[8]);
    out
}
