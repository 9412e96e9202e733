//! A loaded model: weights, vocabulary and chat template.

use std::num::NonZeroU32;
use std::sync::{Arc, OnceLock};

use engine::{Error, Prompt};
use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::context::params::LlamaContextParams;
use llama_cpp_2::model::params::LlamaModelParams;
use llama_cpp_2::model::{LlamaChatMessage, LlamaChatTemplate, LlamaModel};
use llama_cpp_2::token::LlamaToken;

use crate::facts::Facts;
use crate::prompt::{self, Piece};
use crate::windows::windows;
use crate::{Options, backend};

/// Longest text given to the tokenizer, in bytes: its lengths are 32-bit.
const MAX_TEXT: usize = 1 << 30;

/// Weights and vocabulary, shared by the threads that use them.
#[derive(Debug)]
pub(crate) struct Model {
    inner: LlamaModel,
    template: LlamaChatTemplate,
    /// A SentencePiece vocabulary that puts a space before every text.
    adds_space: bool,
    /// Tokens that end an answer, once they are asked for: a vocabulary has up to 10⁵ to look at.
    ends: OnceLock<Vec<LlamaToken>>,
}

impl Model {
    /// Loads the weights; they are memory-mapped.
    pub(crate) fn load(options: &Options, facts: &Facts) -> Result<Arc<Self>, Error> {
        let backend = backend::backend().map_err(|reason| options.refuse(reason))?;
        if options.path.to_str().is_none_or(|path| path.contains('\0')) {
            return Err(options.refuse("llama.cpp opens only files whose path is UTF-8"));
        }
        let params =
            LlamaModelParams::default().with_use_mmap(true).with_n_gpu_layers(options.gpu_layers);
        let (loaded, errors) =
            backend::capture(|| LlamaModel::load_from_file(backend, &options.path, &params));
        let inner = loaded.map_err(|error| {
            let said = errors.iter().find_map(|line| line.rsplit_once("error loading model: "));
            let reason = said.map_or_else(|| error.to_string(), |(_, reason)| reason.to_owned());
            options.refuse(format!("{reason} (architecture `{}`)", facts.architecture))
        })?;
        let template = chat_template(&inner, options, facts)?;
        let is = |key: &str, value: &str| inner.meta_val_str(key).is_ok_and(|it| it == value);
        let adds_space =
            is("tokenizer.ggml.model", "llama") && !is("tokenizer.ggml.add_space_prefix", "false");
        Ok(Arc::new(Self { inner, template, adds_space, ends: OnceLock::new() }))
    }

    /// A context of this model.
    pub(crate) fn context(
        &self,
        options: &Options,
        params: LlamaContextParams,
    ) -> Result<LlamaContext<'_>, Error> {
        let backend = backend::backend().map_err(|reason| options.refuse(reason))?;
        let threads = options.thread_count();
        let params = params
            .with_n_threads(threads)
            .with_n_threads_batch(threads)
            .with_kv_unified(true)
            .with_no_perf(true);
        let (context, errors) = backend::capture(|| self.inner.new_context(backend, params));
        context.map_err(|error| {
            let reason = errors.first().cloned().unwrap_or_else(|| error.to_string());
            options.refuse(format!("no context could be made: {reason}"))
        })
    }

    /// The weights, for llama.cpp's samplers.
    pub(crate) fn inner(&self) -> &LlamaModel {
        &self.inner
    }

    /// Whether `token` ends an answer.
    pub(crate) fn ends(&self, token: LlamaToken) -> bool {
        self.inner.vocab().is_eog(token)
    }

    /// All tokens that end an answer.
    pub(crate) fn ends_all(&self) -> &[LlamaToken] {
        self.ends.get_or_init(|| {
            let vocabulary = self.inner.n_vocab();
            (0..vocabulary).map(LlamaToken).filter(|&token| self.ends(token)).collect()
        })
    }

    /// Tokens of plain text that goes on where a prompt ends.
    pub(crate) fn continuation(&self, text: &str) -> Result<Vec<LlamaToken>, Error> {
        if self.adds_space { self.continued(text, false) } else { self.tokenize(text, false) }
    }

    /// The bytes that `token` stands for; none for control tokens.
    pub(crate) fn bytes(&self, token: LlamaToken) -> Vec<u8> {
        self.inner.vocab().token_to_piece(token, false, None)
    }

    /// Tokens of plain text: control tokens in it are ordinary characters.
    pub(crate) fn plain(&self, text: &str) -> Result<Vec<LlamaToken>, Error> {
        self.tokenize(text, false)
    }

    fn tokenize(&self, text: &str, special: bool) -> Result<Vec<LlamaToken>, Error> {
        if text.len() > MAX_TEXT {
            return Err(Error::Engine(format!("a text of {} bytes is too long", text.len())));
        }
        let raw = |text: &str| self.inner.vocab().tokenize(text.as_bytes(), false, special);
        // A template is short, and a control token in it must not be cut.
        if special {
            return Ok(raw(text));
        }
        let mut tokens = Vec::new();
        for (n, window) in windows(text).enumerate() {
            let own = if n > 0 && self.adds_space {
                let (lead, both) = (raw("\n"), raw(&format!("\n{window}")));
                both.strip_prefix(lead.as_slice()).map_or_else(|| raw(window), <[_]>::to_vec)
            } else {
                raw(window)
            };
            tokens.extend(own);
        }
        Ok(tokens)
    }

    /// Tokens of text with the model's own first and last tokens, as an encoder expects.
    pub(crate) fn framed(&self, text: &str) -> Result<Vec<LlamaToken>, Error> {
        if text.len() > MAX_TEXT {
            return Err(Error::Engine(format!("a text of {} bytes is too long", text.len())));
        }
        Ok(self.inner.vocab().tokenize(text.as_bytes(), true, false))
    }

    /// Tokens of a whole prompt. Only the template's own text can become control tokens.
    pub(crate) fn prompt(&self, prompt: &Prompt) -> Result<Vec<LlamaToken>, Error> {
        let pieces = match prompt {
            Prompt::Raw(text) => vec![Piece::Content(text)],
            Prompt::Chat(turns) => prompt::lay_out(turns, |turns| self.render(turns))?,
        };
        let vocab = self.inner.vocab();
        let mut tokens = Vec::new();
        for (n, piece) in pieces.iter().enumerate() {
            let (text, special) = match piece {
                Piece::Template(text) => (text.as_str(), true),
                Piece::Content(text) => (*text, false),
            };
            tokens.extend(if n > 0 && self.adds_space {
                self.continued(text, special)?
            } else {
                self.tokenize(text, special)?
            });
        }
        // The template may begin with the token itself; it must not be there twice.
        if vocab.should_add_bos() && tokens.first() != Some(&vocab.bos()) {
            tokens.insert(0, vocab.bos());
        }
        Ok(tokens)
    }

    /// Tokens of text in the middle of a prompt, without the space that the vocabulary would put
    /// before it: a line feed is tokenized in front of it and taken away again.
    fn continued(&self, text: &str, special: bool) -> Result<Vec<LlamaToken>, Error> {
        let lead = self.tokenize("\n", special)?;
        let both = self.tokenize(&format!("\n{text}"), special)?;
        match both.strip_prefix(lead.as_slice()) {
            Some(rest) => Ok(rest.to_vec()),
            None => self.tokenize(text, special),
        }
    }

    /// The chat template's text for turns of (role, content), ready for the answer.
    fn render(&self, turns: &[(&str, &str)]) -> Result<String, Error> {
        let failed = |reason: String| Error::Engine(format!("chat template: {reason}"));
        let turns: Result<Vec<_>, _> = turns
            .iter()
            .map(|&(role, text)| LlamaChatMessage::new(role.to_owned(), text.to_owned()))
            .collect();
        let turns = turns.map_err(|error| failed(error.to_string()))?;
        self.inner
            .apply_chat_template(&self.template, &turns, true)
            .map_err(|error| failed(error.to_string()))
    }
}

/// The template in the file; `ChatML` where there is none, or none that llama.cpp knows.
fn chat_template(
    model: &LlamaModel,
    options: &Options,
    facts: &Facts,
) -> Result<LlamaChatTemplate, Error> {
    let probe = |template: &LlamaChatTemplate| {
        let turn = LlamaChatMessage::new("user".to_owned(), "x".to_owned());
        turn.is_ok_and(|turn| model.apply_chat_template(template, &[turn], true).is_ok())
    };
    match model.chat_template(None) {
        Ok(template) if probe(&template) => return Ok(template),
        // Nobody talks to it.
        _ if facts.embeds => {}
        Ok(_) => log::warn!(
            "{}: its chat template is not known to llama.cpp, ChatML is used",
            options.path.display()
        ),
        Err(_) => {
            log::warn!("{}: has no chat template, ChatML is used", options.path.display());
        }
    }
    LlamaChatTemplate::new("chatml").map_err(|error| options.refuse(error.to_string()))
}

/// Sizes as llama.cpp wants them.
pub(crate) fn size(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// The same for the length of a context.
pub(crate) fn nonzero(n: usize) -> Option<NonZeroU32> {
    NonZeroU32::new(size(n))
}
