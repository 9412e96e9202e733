//! Vocabularies from a Hugging Face `tokenizer.json`.

use std::collections::{HashMap, HashSet};
use std::io::Read;

use serde::Deserialize;

use super::error::ImportError;

/// Largest `tokenizer.json` that is read: ten times Whisper's.
const MAX_BYTES: u64 = 32 << 20;

/// The parts of a `tokenizer.json` that a vocabulary is made of.
#[derive(Debug, Deserialize)]
struct TokenizerFile {
    model: Model,
    #[serde(default)]
    added_tokens: Vec<AddedToken>,
}

#[derive(Debug, Deserialize)]
struct Model {
    #[serde(default, rename = "type")]
    kind: Option<String>,
    vocab: HashMap<String, u32>,
}

#[derive(Debug, Deserialize)]
struct AddedToken {
    id: u32,
    content: String,
    #[serde(default)]
    special: bool,
}

impl TokenizerFile {
    fn read<R: Read>(source: R) -> Result<Self, ImportError> {
        let bytes = read_bounded(source, MAX_BYTES, "tokenizer.json")?;
        serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))
    }
}

/// Reads all of `source` if that is at most `limit` bytes.
///
/// # Errors
/// [`ImportError::Unsupported`] if there is more; reading.
pub(super) fn read_bounded<R: Read>(
    source: R,
    limit: u64,
    what: &str,
) -> Result<Vec<u8>, ImportError> {
    let mut bytes = Vec::new();
    source.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(ImportError::Unsupported(format!("{what} of more than {limit} bytes")));
    }
    Ok(bytes)
}

/// The byte strings of Whisper's text tokens in the order of their ids.
///
/// Special tokens, which begin at `<|endoftext|>`, are left out: whisper.cpp names them itself.
///
/// # Errors
/// [`ImportError::Malformed`] if the file is no tokenizer, an id below `<|endoftext|>` is
/// missing or taken twice, or a token is not written in GPT-2's byte alphabet.
pub(super) fn whisper_tokens<R: Read>(source: R) -> Result<Vec<Vec<u8>>, ImportError> {
    let file = TokenizerFile::read(source)?;
    let mut vocab = file.model.vocab;
    for token in file.added_tokens {
        vocab.entry(token.content).or_insert(token.id);
    }
    let end = *vocab
        .get("<|endoftext|>")
        .ok_or_else(|| damaged("there is no <|endoftext|> token".to_owned()))?;
    let alphabet = byte_alphabet();
    let text = vocab.into_iter().filter(|(_, id)| *id < end);
    in_order(text, end)?
        .into_iter()
        .map(|token| {
            token
                .chars()
                .map(|c| alphabet.get(&c).copied())
                .collect::<Option<Vec<u8>>>()
                .ok_or_else(|| damaged(format!("{token:?} is not a byte-level token")))
        })
        .collect()
}

/// GPT-2's printable stand-ins for bytes: printable Latin-1 stands for itself, the other bytes
/// in ascending order for the characters from U+0100 on.
fn byte_alphabet() -> HashMap<char, u8> {
    let mut next = 0x100_u32;
    let mut alphabet = HashMap::new();
    for byte in 0..=u8::MAX {
        let printable = matches!(byte, 33..=126 | 161..=172 | 174..=255);
        let character = if printable {
            Some(char::from(byte))
        } else {
            next += 1;
            char::from_u32(next - 1)
        };
        alphabet.extend(character.map(|character| (character, byte)));
    }
    alphabet
}

/// Tokens sorted by id, which must be exactly `0..count`.
fn in_order(
    tokens: impl Iterator<Item = (String, u32)>,
    count: u32,
) -> Result<Vec<String>, ImportError> {
    let mut tokens: Vec<_> = tokens.map(|(token, id)| (id, token)).collect();
    tokens.sort_unstable();
    let contiguous = tokens.len() as u64 == u64::from(count)
        && tokens.iter().zip(0..count).all(|((id, _), expected)| *id == expected);
    if !contiguous {
        return Err(damaged(format!("token ids are not exactly those from 0 to {count}")));
    }
    Ok(tokens.into_iter().map(|(_, token)| token).collect())
}

/// What a token of a [`WordPiece`] vocabulary is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// A piece of text.
    Normal,
    /// A control token such as `[CLS]`.
    Control,
}

/// A BERT vocabulary in the form that llama.cpp reads.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct WordPiece {
    /// The tokens in the order of their ids. Starts of words are marked with U+2581, where
    /// BERT marks continuations with `##`.
    pub(super) tokens: Vec<(String, TokenKind)>,
    /// Id of `[CLS]`.
    pub(super) cls: u32,
    /// Id of `[SEP]`.
    pub(super) sep: u32,
    /// Id of `[UNK]`.
    pub(super) unk: u32,
    /// Id of `[PAD]`.
    pub(super) pad: u32,
    /// Id of `[MASK]`.
    pub(super) mask: u32,
}

impl WordPiece {
    /// Reads a WordPiece vocabulary of exactly `size` tokens.
    ///
    /// # Errors
    /// [`ImportError::Malformed`] if the file is no tokenizer, its ids are not `0..size` or a
    /// special token is missing; [`ImportError::Unsupported`] for other tokenizers.
    pub(super) fn read<R: Read>(source: R, size: u32) -> Result<Self, ImportError> {
        let file = TokenizerFile::read(source)?;
        match file.model.kind.as_deref() {
            None | Some("WordPiece") => {}
            Some(other) => {
                return Err(ImportError::Unsupported(format!("a BERT model with {other} tokens")));
            }
        }
        let vocab = file.model.vocab;
        let id = |name: &str| {
            vocab.get(name).copied().ok_or_else(|| damaged(format!("there is no {name} token")))
        };
        let (cls, sep, unk) = (id("[CLS]")?, id("[SEP]")?, id("[UNK]")?);
        let (pad, mask) = (id("[PAD]")?, id("[MASK]")?);
        let special: HashSet<_> =
            file.added_tokens.into_iter().filter(|t| t.special).map(|t| t.content).collect();
        let tokens = in_order(vocab.into_iter(), size)?
            .into_iter()
            .map(|token| {
                if special.contains(&token) {
                    (token, TokenKind::Control)
                } else if let Some(rest) = token.strip_prefix("##") {
                    (rest.to_owned(), TokenKind::Normal)
                } else {
                    (format!("\u{2581}{token}"), TokenKind::Normal)
                }
            })
            .collect();
        Ok(Self { tokens, cls, sep, unk, pad, mask })
    }
}

fn damaged(reason: String) -> ImportError {
    ImportError::Malformed { format: "tokenizer.json", reason }
}
