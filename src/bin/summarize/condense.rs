//! From a text of any length to one summary: in one pass where it fits the model's context, else
//! part by part, and then the parts' summaries again, until one is left.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::ScopedJoinHandle;

use engine::{Cancel, Complete, CompletionRequest, Error, Prompt, StopReason};

use crate::prompt::{Stage, Wording};

/// How to summarize.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Words of the summary asked for.
    pub(crate) words: usize,
    /// Parts of one text in work at the same time.
    pub(crate) parallel: usize,
    /// What the model is told.
    pub(crate) wording: Wording,
    /// 0 chooses the likeliest word always.
    pub(crate) temperature: f32,
}

/// A summary, and what it took.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Condensed {
    pub(crate) summary: String,
    /// Bytes of the text that a model has read.
    pub(crate) bytes_read: usize,
    /// Parts that the text was split into.
    pub(crate) parts: usize,
    pub(crate) tokens_in: u64,
    pub(crate) tokens_out: u64,
}

/// Tokens allowed for each word asked for: enough for languages that the tokenizer splits finely.
const TOKENS_PER_WORD: usize = 3;

/// Bytes of a token at most, on average over a text: vocabularies hold few longer ones.
const LONGEST_TOKEN: usize = 64;

/// Summarizes `text`.
///
/// # Errors
/// [`Error::TooLong`] when the context has no room for a useful part; those of the model.
pub(crate) fn condense(
    model: &dyn Complete,
    text: &str,
    settings: &Settings,
    cancel: &Cancel,
) -> Result<Condensed, Error> {
    let context = model.model().context;
    let max_tokens = (settings.words * TOKENS_PER_WORD).clamp(16, (context / 4).max(16));
    let mut work = Work { model, settings, cancel, max_tokens, done: Condensed::default() };
    let budget = work.budget(Stage::Text)?;
    // A text so long that it cannot fit is not tokenised as a whole, only part by part.
    let may_fit = text.len() <= budget.saturating_mul(LONGEST_TOKEN);
    if may_fit && model.count_tokens(text)? <= budget {
        let summary = work.one(Stage::Text, text)?;
        return Ok(Condensed { summary, bytes_read: text.len(), parts: 1, ..work.done });
    }
    let parts = chunk::split(model, text, budget, cancel)?;
    let bytes_read = parts.iter().map(|part| part.len()).sum();
    let count = parts.len();
    let mut summaries = work.all(Stage::Text, &parts)?;
    let budget = work.budget(Stage::Parts)?;
    while summaries.len() > 1 {
        let groups = group(model, &summaries, budget)?;
        let texts: Vec<&str> = groups.iter().map(String::as_str).collect();
        summaries = work.all(Stage::Parts, &texts)?;
    }
    let summary = summaries.pop().unwrap_or_default();
    Ok(Condensed { summary, bytes_read, parts: count, ..work.done })
}

/// Neighbours put together as long as they fit; at least two, so that each round has fewer.
fn group(model: &dyn Complete, summaries: &[String], budget: usize) -> Result<Vec<String>, Error> {
    let mut groups: Vec<(String, usize, usize)> = Vec::new();
    for summary in summaries {
        let tokens = model.count_tokens(summary)? + 2;
        match groups.last_mut() {
            Some((text, used, members)) if *members < 2 || *used + tokens <= budget => {
                text.push_str("\n\n");
                text.push_str(summary);
                *used += tokens;
                *members += 1;
            }
            _ => groups.push((summary.clone(), tokens, 1)),
        }
    }
    Ok(groups.into_iter().map(|(text, ..)| text).collect())
}

struct Work<'a> {
    model: &'a dyn Complete,
    settings: &'a Settings,
    cancel: &'a Cancel,
    max_tokens: usize,
    done: Condensed,
}

impl Work<'_> {
    /// Tokens of text that fit beside the instruction and the answer.
    fn budget(&self, stage: Stage) -> Result<usize, Error> {
        let context = self.model.model().context;
        let overhead = self.model.count_prompt_tokens(&self.prompt(stage, ""))?;
        // The text may tokenise into a few more beside the template than alone.
        let needed = overhead + self.max_tokens + 8;
        let budget = context.saturating_sub(needed);
        // Two summaries must fit one request, or the rounds would not end.
        if budget < 2 * self.max_tokens + 8 {
            return Err(Error::TooLong { needed: needed + 2 * self.max_tokens + 8, context });
        }
        Ok(budget)
    }

    fn one(&mut self, stage: Stage, text: &str) -> Result<String, Error> {
        let (summary, tokens_in, tokens_out) = self.ask(stage, text)?;
        self.done.tokens_in += tokens_in;
        self.done.tokens_out += tokens_out;
        Ok(summary)
    }

    fn ask(&self, stage: Stage, text: &str) -> Result<(String, u64, u64), Error> {
        let mut request = CompletionRequest::new(self.prompt(stage, text), self.max_tokens);
        request.sampling.temperature = self.settings.temperature;
        let answer = self.model.complete(&request, self.cancel, &mut |_| {})?;
        let style = self.settings.wording.style;
        let summary = match answer.stop {
            StopReason::Stop => style.tidy(&answer.text),
            StopReason::Length => style.tidy(style.whole(answer.text.trim())),
        };
        Ok((summary, answer.tokens_in as u64, answer.tokens_out as u64))
    }

    fn prompt(&self, stage: Stage, text: &str) -> Prompt {
        self.settings.wording.ask(stage, text, self.settings.words)
    }

    /// The summaries of `texts`, in order, several at a time.
    fn all(&mut self, stage: Stage, texts: &[&str]) -> Result<Vec<String>, Error> {
        let next = AtomicUsize::new(0);
        let this = &*self;
        let work = || {
            let mut mine = Vec::new();
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some(text) = texts.get(at) else { return mine };
                let answer = this.ask(stage, text);
                if answer.is_err() {
                    next.store(texts.len(), Ordering::Relaxed);
                }
                mine.push((at, answer));
            }
        };
        let mut answers = std::thread::scope(|scope| {
            let workers = this.settings.parallel.min(texts.len());
            let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
            let join = |worker: ScopedJoinHandle<'_, _>| match worker.join() {
                Ok(answers) => answers,
                Err(panic) => std::panic::resume_unwind(panic),
            };
            workers.into_iter().flat_map(join).collect::<Vec<_>>()
        });
        answers.sort_by_key(|(at, _)| *at);
        let mut summaries = Vec::with_capacity(texts.len());
        for (_, answer) in answers {
            let (summary, tokens_in, tokens_out) = answer?;
            self.done.tokens_in += tokens_in;
            self.done.tokens_out += tokens_out;
            summaries.push(summary);
        }
        Ok(summaries)
    }
}

#[cfg(test)]
mod tests {
    use engine::scripted::Scripted;
    use engine::{Cancel, Error};

    use super::{Settings, condense};
    use crate::prompt::Wording;
    use crate::style::Style;

    fn settings() -> Settings {
        Settings { words: 5, parallel: 3, wording: Wording::default(), temperature: 0.0 }
    }

    fn scripted(context: usize) -> Scripted {
        let rules = [("combine", "The whole."), ("omega", "Ends with omega."), ("", "A part.")];
        Scripted::new(context, rules.map(|(a, b)| (a.to_owned(), b.to_owned())).to_vec())
    }

    #[test]
    fn a_text_that_fits_is_read_in_one_pass() {
        let done =
            condense(&scripted(400), "alpha beta omega", &settings(), &Cancel::default()).unwrap();
        assert_eq!(done.summary, "Ends with omega.");
        assert_eq!((done.parts, done.bytes_read), (1, 16));
    }

    #[test]
    fn a_longer_text_is_read_whole_and_combined() {
        let text = "alpha beta gamma delta. ".repeat(500) + "omega";
        let done = condense(&scripted(160), &text, &settings(), &Cancel::default()).unwrap();
        assert_eq!(done.summary, "The whole.");
        assert_eq!(done.bytes_read, text.len());
        assert!(done.parts > 20, "{done:?}");
        assert!(done.tokens_in > 2000);
    }

    #[test]
    fn a_context_without_room_is_said() {
        let text = "word ".repeat(500);
        let error = condense(&scripted(70), &text, &settings(), &Cancel::default()).unwrap_err();
        assert!(matches!(error, Error::TooLong { .. }), "{error}");
    }

    #[test]
    fn a_style_is_asked_for_and_tidied() {
        let rules = [("Write a list", "* One.\n* Two.")];
        let model = Scripted::new(400, rules.map(|(a, b)| (a.to_owned(), b.to_owned())).to_vec());
        let wording = Wording { style: Style::Bullets, ..Wording::default() };
        let settings = Settings { wording, ..settings() };
        let done = condense(&model, "alpha", &settings, &Cancel::default()).unwrap();
        assert_eq!(done.summary, "- One.\n- Two.");
    }
}
