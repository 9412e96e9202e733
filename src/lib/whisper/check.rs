//! Model files looked over before C++ reads them: whisper.cpp believes every count in the file,
//! and an exception of C++ would end the program. Layout: whisper.cpp's `whisper_model_load`.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

const MAGIC: i32 = 0x6767_6d6c;
const HEADER: &str = "the header is not that of a whisper model";
/// Longest token and tensor name that is believed, in bytes.
const LONGEST_NAME: i32 = 512;
/// Bits of a value, by ggml's tensor type, in blocks of 32 or 256 where quantised:
/// (type, values in a block, bytes in a block).
const TYPES: [(i32, u64, u64); 12] = [
    (0, 1, 4),
    (1, 1, 2),
    (2, 32, 18),
    (3, 32, 20),
    (6, 32, 22),
    (7, 32, 24),
    (8, 32, 34),
    (10, 256, 84),
    (11, 256, 110),
    (12, 256, 144),
    (13, 256, 176),
    (14, 256, 210),
];

/// The token that whisper.cpp looks up without asking whether it is there.
const NEEDED: &[u8] = b" ";

type Check<T> = Result<T, String>;

/// What a complete Whisper model has of that which [`crate::load`] changes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    /// Tokens that it knows.
    pub(crate) vocabulary: usize,
    pub(crate) encoder: Positions,
    pub(crate) decoder: Positions,
}

/// The positions of one half of a model.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Positions {
    pub(crate) count: usize,
    /// Where the header tells how many there are.
    pub(crate) count_at: u64,
    /// Their embeddings, a row each.
    pub(crate) table: Place,
}

/// Where a tensor is in its file, in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// Its dimensions, of 4 bytes each.
    pub(crate) dimensions_at: u64,
    pub(crate) data_at: u64,
    pub(crate) bytes: u64,
}

/// The tensors of the positions' embeddings, and where the header tells their lengths: it begins
/// with the magic number and the vocabulary.
const TABLES: [(&[u8], u64); 2] =
    [(b"encoder.positional_embedding", 8), (b"decoder.positional_embedding", 24)];

struct Bytes {
    file: BufReader<File>,
    len: u64,
    left: u64,
}

impl Bytes {
    fn open(path: &Path) -> Check<Self> {
        let file = File::open(path).map_err(|e| e.to_string())?;
        let metadata = file.metadata().map_err(|e| e.to_string())?;
        if !metadata.is_file() {
            return Err("not a regular file".into());
        }
        let len = metadata.len();
        Ok(Self { file: BufReader::new(file), len, left: len })
    }

    /// The place of the next byte.
    fn at(&self) -> u64 {
        self.len - self.left
    }

    fn int(&mut self) -> Check<i32> {
        let mut bytes = [0; 4];
        self.take(4)?;
        self.file.read_exact(&mut bytes).map_err(|e| e.to_string())?;
        Ok(i32::from_le_bytes(bytes))
    }

    fn ints<const N: usize>(&mut self) -> Check<[i32; N]> {
        let mut out = [0; N];
        for x in &mut out {
            *x = self.int()?;
        }
        Ok(out)
    }

    fn name(&mut self, len: i32) -> Check<Vec<u8>> {
        if !(0..=LONGEST_NAME).contains(&len) {
            return Err(format!("a name of {len} bytes"));
        }
        self.take(len as u64)?;
        let mut out = vec![0; len as usize];
        self.file.read_exact(&mut out).map_err(|e| e.to_string())?;
        Ok(out)
    }

    fn skip(&mut self, n: u64) -> Check<()> {
        self.take(n)?;
        let n = i64::try_from(n).map_err(|e| e.to_string())?;
        self.file.seek_relative(n).map_err(|e| e.to_string())
    }

    fn take(&mut self, n: u64) -> Check<()> {
        self.left = self.left.checked_sub(n).ok_or("the file is cut short")?;
        Ok(())
    }
}

/// Whether a file is a complete Whisper model in ggml format.
pub(crate) fn whisper_model(path: &Path) -> Check<Layout> {
    let mut file = Bytes::open(path)?;
    magic(&mut file, "a whisper")?;
    let [vocab, audio_ctx, audio_state, audio_head, audio_layer] = file.ints()?;
    let [text_ctx, text_state, text_head, text_layer, mels, ftype] = file.ints()?;
    if ftype == 0 {
        // whisper.cpp's convolutions end the program on them.
        return Err("weights of 32 bits; whisper.cpp runs those of 16 and fewer".into());
    }
    let plausible = (51_864..=51_900).contains(&vocab)
        && (1..=1500).contains(&audio_ctx)
        && (1..=448).contains(&text_ctx)
        && (64..=4096).contains(&audio_state)
        && audio_state == text_state
        && [audio_head, text_head].iter().all(|h| (1..=64).contains(h) && audio_state % h == 0)
        && [audio_layer, text_layer].iter().all(|l| (1..=64).contains(l))
        && [80, 128].contains(&mels)
        && [1, 2, 3, 7, 8, 9, 10, 11, 12, 13, 14].contains(&(ftype % 1000))
        && (0..=3).contains(&(ftype / 1000));
    if !plausible {
        return Err(HEADER.into());
    }
    if file.ints()? != [mels, 201] {
        return Err("the mel filters have the wrong shape".into());
    }
    file.skip(mels as u64 * 201 * 4)?;
    let tokens = file.int()?;
    if !(50_000..=vocab).contains(&tokens) {
        return Err(format!("a vocabulary of {tokens} tokens"));
    }
    let mut complete = false;
    for _ in 0..tokens {
        let len = file.int()?;
        complete |= file.name(len)? == NEEDED;
    }
    if !complete {
        return Err("a vocabulary without a space".into());
    }
    // As many as whisper.cpp creates; it does not notice a duplicate in place of a missing one.
    let due = 11 + 15 * audio_layer + 24 * text_layer;
    let tables = tensors(&mut file, due as usize)?;
    let positions = |half: usize, count: i32| {
        let table = tables[half].ok_or("no table of positions")?;
        if table.bytes != count as u64 * audio_state as u64 * 4 {
            return Err("the table of positions has the wrong shape");
        }
        Ok(Positions { count: count as usize, count_at: TABLES[half].1, table })
    };
    let (encoder, decoder) = (positions(0, audio_ctx)?, positions(1, text_ctx)?);
    Ok(Layout { vocabulary: vocab as usize, encoder, decoder })
}

/// Whether a file is a complete Silero model in whisper.cpp's ggml format.
pub(crate) fn vad_model(path: &Path) -> Check<()> {
    let mut file = Bytes::open(path)?;
    magic(&mut file, "a Silero")?;
    let len = file.int()?;
    if len != 10 || file.name(len)? != b"silero-16k" {
        return Err("not a Silero model for 16 kHz".into());
    }
    let _version: [i32; 3] = file.ints()?;
    if file.ints()? != [512, 64, 4] {
        return Err("not a Silero model of a known shape".into());
    }
    let _layers: [i32; 12] = file.ints()?;
    if file.ints()? != [128, 128, 128, 1] {
        return Err("not a Silero model of a known shape".into());
    }
    tensors(&mut file, 15).map(|_| ())
}

fn magic(file: &mut Bytes, what: &str) -> Check<()> {
    match file.int() {
        Ok(MAGIC) => Ok(()),
        _ => Err(format!("not {what} model in ggml format")),
    }
}

/// Walks over all tensors; there must be `due`, each once. Gives the places of [`TABLES`].
fn tensors(file: &mut Bytes, due: usize) -> Check<[Option<Place>; 2]> {
    let mut names = HashSet::new();
    let mut tables = [None; 2];
    while file.left > 0 {
        let [dims, name_len, kind] = file.ints()?;
        if !(0..=4).contains(&dims) {
            return Err(format!("a tensor of {dims} dimensions"));
        }
        let dimensions_at = file.at();
        let mut values = 1u64;
        for _ in 0..dims {
            let n = u64::try_from(file.int()?).map_err(|_| "a tensor of negative size")?;
            values = values.checked_mul(n).ok_or("a tensor of absurd size")?;
        }
        let name = file.name(name_len)?;
        let (_, block, bytes) = TYPES
            .into_iter()
            .find(|t| t.0 == kind)
            .ok_or_else(|| format!("tensor type {kind} is unknown"))?;
        if !values.is_multiple_of(block) || i32::try_from(values).is_err() {
            return Err("a tensor of absurd size".into());
        }
        let place = Place { dimensions_at, data_at: file.at(), bytes: values / block * bytes };
        let table = TABLES.iter().position(|(table, _)| *table == name);
        if let Some(half) = table.filter(|_| dims == 2) {
            tables[half] = Some(place);
        }
        file.skip(place.bytes)?;
        if !names.insert(name) {
            return Err("a tensor occurs twice".into());
        }
    }
    if names.len() == due { Ok(tables) } else { Err(format!("{} of {due} tensors", names.len())) }
}
