//! `--commands`: the phrases, and whether one of them was said.

use std::collections::HashSet;
use std::path::Path;

use cli::Error;
use records::Record;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use whisper::Spotted;

use crate::listen::round;

/// The most phrases: each costs time.
const MAX_PHRASES: usize = 2000;
/// The other phrases that are named beside the best.
const RUNNERS_UP: usize = 3;

/// A phrase, and its line where that is JSON: an intent, slots, whatever its owner needs.
pub(crate) struct Command {
    pub(crate) phrase: String,
    entry: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
struct Entry {
    phrase: String,
}

/// Reads a file of phrases.
///
/// # Errors
/// A file that cannot be read, a line that is no phrase, a phrase that occurs twice.
pub(crate) fn read(path: &Path) -> Result<Vec<Command>, Error> {
    let name = path.display();
    let text = std::fs::read_to_string(path).map_err(|e| Error::setup(format!("{name}: {e}")))?;
    let mut commands = Vec::new();
    let mut seen = HashSet::new();
    for (n, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        let fail = |why: &str| Error::setup(format!("{name}: line {}: {why}", n + 1));
        let command = if line.starts_with('{') {
            let no_phrase = |e: serde_json::Error| fail(&format!("no object with \"phrase\": {e}"));
            let entry: Entry = serde_json::from_str(line).map_err(no_phrase)?;
            let raw = RawValue::from_string(line.to_owned()).map_err(|e| fail(&e.to_string()))?;
            Command { phrase: entry.phrase.trim().to_owned(), entry: Some(raw) }
        } else {
            Command { phrase: line.to_owned(), entry: None }
        };
        if !seen.insert(command.phrase.to_lowercase()) {
            return Err(fail("this phrase is there already"));
        }
        commands.push(command);
    }
    match commands.len() {
        0 => Err(Error::setup(format!("{name}: no phrases"))),
        n if n > MAX_PHRASES => Err(Error::setup(format!("{name}: over {MAX_PHRASES} phrases"))),
        _ => Ok(commands),
    }
}

/// When a phrase is taken for said.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Judge {
    /// The score at which it is as likely as not.
    pub(crate) threshold: f64,
    /// How sharp the border is: the change of score that makes it e times as likely.
    pub(crate) spread: f64,
}

/// Fitted with whisper-tiny.en to 88 recordings of one word to ten, most of one voice, and a list
/// of 44 phrases that held half of what they say: 95 % of the right were accepted, 87 % of the
/// others rejected. Of other voices, microphones and lists it knows nothing.
pub(crate) const DEFAULT_JUDGE: Judge = Judge { threshold: -1.475, spread: 0.511 };

impl Judge {
    /// The probability that the best phrase was said.
    pub(crate) fn probability(&self, score: f64) -> f64 {
        1.0 / (1.0 + ((self.threshold - score) / self.spread).exp())
    }
}

/// What was decided about a recording.
pub(crate) struct Verdict {
    /// The best phrase's place in the list.
    pub(crate) best: usize,
    pub(crate) score: f64,
    /// That this phrase was said, 0 to 1.
    probability: f64,
    others: Vec<(usize, f64)>,
    accepted: bool,
    text: String,
}

impl Verdict {
    /// The likelier of two, about the parts of a recording that follow each other: with the text
    /// of both.
    pub(crate) fn or(self, next: Self) -> Self {
        let text = [self.text.as_str(), &next.text].join(" ").trim().to_owned();
        let likelier = if next.probability > self.probability { next } else { self };
        Self { text, ..likelier }
    }
}

/// Decides.
pub(crate) fn decide(spotted: &Spotted, judge: &Judge) -> Option<Verdict> {
    let mut order: Vec<usize> = (0..spotted.scores.len()).collect();
    // The likeliest first; scores say whether it is likely enough.
    order.sort_by(|a, b| {
        spotted.logprobs[*b]
            .total_cmp(&spotted.logprobs[*a])
            .then(spotted.scores[*b].total_cmp(&spotted.scores[*a]))
    });
    let &best = order.first()?;
    let score = spotted.scores[best];
    let top = spotted.logprobs[best];
    let all: f64 = spotted.logprobs.iter().map(|l| (l - top).exp()).sum();
    // Where no phrase is thinkable at all, none has a share.
    let share = if top.is_finite() { 1.0 / all } else { 0.0 };
    let probability = share * judge.probability(score);
    let others = order.iter().skip(1).take(RUNNERS_UP).map(|n| (*n, spotted.scores[*n])).collect();
    let accepted = probability >= 0.5;
    Some(Verdict { best, score, probability, others, accepted, text: spotted.text.clone() })
}

/// The `spotted` key.
#[derive(Serialize)]
struct SpottedKey<'c> {
    phrase: &'c str,
    probability: f64,
    score: f64,
    others: Vec<Other<'c>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    entry: Option<&'c RawValue>,
}

#[derive(Serialize)]
struct Other<'c> {
    phrase: &'c str,
    score: f64,
}

/// Adds what was decided, or that nothing was said: the phrase, or null, under `result`.
pub(crate) fn write(
    record: &mut Record,
    verdict: Option<&Verdict>,
    commands: &[Command],
    result: &str,
) {
    let phrase = |n: usize| commands[n].phrase.as_str();
    let Some(verdict) = verdict else {
        record.set(result, &None::<&str>);
        record.set("text", "");
        record.remove("spotted");
        record.remove("confidence");
        return;
    };
    let said = verdict.accepted.then(|| phrase(verdict.best));
    record.set(result, &said);
    record.set("text", &verdict.text);
    let probability = round(verdict.probability, 1000.0);
    let other =
        |&(n, score): &(usize, f64)| Other { phrase: phrase(n), score: round(score, 100.0) };
    let key = SpottedKey {
        phrase: phrase(verdict.best),
        probability,
        score: round(verdict.score, 100.0),
        others: verdict.others.iter().map(other).collect(),
        entry: commands[verdict.best].entry.as_deref(),
    };
    record.set("spotted", &key);
    // Of the decision, whichever it is.
    let confidence = if said.is_some() { probability } else { 1.0 - probability };
    record.set("confidence", &round(confidence, 1000.0));
}
