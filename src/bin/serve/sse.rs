use axum::body::Bytes;
use serde_json::Value;

use crate::answer::Answer;
use crate::generation::Event;
use crate::options::StreamOptions;
use crate::refusal::Refusal;

/// Writes one answer as server-sent events (<https://html.spec.whatwg.org/#server-sent-events>).
#[derive(Debug)]
pub(crate) struct Frames {
    answer: Answer,
    options: StreamOptions,
    opened: bool,
}

impl Frames {
    pub(crate) fn new(answer: Answer, options: StreamOptions) -> Self {
        Self { answer, options, opened: false }
    }

    /// The frames that tell `event`, and whether they are the last. After an error no `[DONE]`
    /// follows: a client must not take what it has for the whole answer.
    pub(crate) fn encode(&mut self, event: Event) -> (Bytes, bool) {
        let mut out = String::new();
        let done = match event {
            Event::Text(text) => {
                self.open(&mut out);
                self.chunk(&mut out, self.answer.piece(&text));
                false
            }
            Event::Done(Ok(completion)) => {
                self.open(&mut out);
                self.chunk(&mut out, self.answer.ending(completion.stop));
                if self.options.include_usage {
                    frame(&mut out, &self.answer.counts(&completion).to_string());
                }
                frame(&mut out, "[DONE]");
                true
            }
            Event::Done(Err(error)) => {
                frame(&mut out, &Refusal::from(error).body().to_string());
                true
            }
        };
        (Bytes::from(out), done)
    }

    fn open(&mut self, out: &mut String) {
        if !std::mem::replace(&mut self.opened, true)
            && let Some(opening) = self.answer.opening()
        {
            self.chunk(out, opening);
        }
    }

    /// A chunk that is not the one with the counts says so when those were asked for.
    fn chunk(&self, out: &mut String, mut chunk: Value) {
        if self.options.include_usage {
            chunk["usage"] = Value::Null;
        }
        frame(out, &chunk.to_string());
    }
}

/// JSON has no raw line break, so one `data` line carries it whole.
fn frame(out: &mut String, data: &str) {
    out.push_str("data: ");
    out.push_str(data);
    out.push_str("\n\n");
}
