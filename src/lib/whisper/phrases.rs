//! Which of a list of phrases was said: each is scored by what the decoder thinks of its tokens,
//! given the sound, and compared with what it would have written freely.

use std::collections::BTreeMap;

use engine::{Cancel, Error, TranscribeRequest};
use whisper_rs::WhisperTokenId;

use crate::session::{Session, Whisper};

/// Longest phrase, in tokens.
const LONGEST: usize = 48;
/// A phrase whose start is already so much less likely (natural logarithm) than the likeliest
/// text known is not followed to its end: this much, and [`PER_TOKEN`] for each of its tokens.
const MARGIN: f64 = 6.0;
const PER_TOKEN: f64 = 1.5;
/// Tokens written freely beyond those of the longest phrase: enough to see that it was none.
const MORE: usize = 8;
/// The score of a phrase that was given up.
const HOPELESS: f64 = -10.0;

/// Phrases, tokenised in the ways that the model may write them.
#[derive(Clone, Debug)]
pub struct Phrases {
    spellings: Vec<(usize, Vec<WhisperTokenId>)>,
    /// Tokens of the longest.
    longest: usize,
    count: usize,
}

/// What was heard, against a list of phrases.
#[derive(Clone, Debug)]
pub struct Spotted {
    /// What the model writes when it may write anything.
    pub text: String,
    /// Of each phrase: its log-probability less that of the free text, per token. 0 is as likely
    /// as what the model would have written; −1 is e times less likely for every token; −10 is
    /// said of all that are out of the question.
    pub scores: Vec<f64>,
    /// Of each phrase: the natural log-probability that the model writes it, and nothing else.
    pub logprobs: Vec<f64>,
    /// Tokens that were written freely.
    pub tokens: usize,
}

impl Whisper {
    /// Makes phrases ready to be spotted. Letters' case and a full stop at the end do not matter.
    ///
    /// # Errors
    /// [`Error::Engine`] for a phrase that is empty or too long.
    pub fn phrases(&self, phrases: &[String]) -> Result<Phrases, Error> {
        let mut spellings = Vec::new();
        for (at, phrase) in phrases.iter().enumerate() {
            let phrase = phrase.trim();
            let mut start = phrase.chars();
            let first = start.next().into_iter().flat_map(char::to_uppercase);
            let capital: String = first.chain(start).collect();
            let mut ways = vec![
                format!(" {phrase}"),
                format!(" {phrase}."),
                format!(" {capital}"),
                format!(" {capital}."),
            ];
            ways.sort();
            ways.dedup();
            for way in ways {
                let tokens = self.tokens(&way)?;
                if phrase.is_empty() || tokens.len() > LONGEST {
                    let what = if phrase.is_empty() { "is empty" } else { "is too long" };
                    return Err(Error::Engine(format!("phrase {} {what}", at + 1)));
                }
                spellings.push((at, tokens));
            }
        }
        let longest = spellings.iter().map(|(_, tokens)| tokens.len()).max().unwrap_or(0);
        Ok(Phrases { spellings, longest, count: phrases.len() })
    }
}

impl Session {
    /// Scores `phrases` against one window of sound.
    ///
    /// # Errors
    /// As [`engine::Transcribe::transcribe`].
    pub fn spot(
        &mut self,
        request: &TranscribeRequest<'_>,
        phrases: &Phrases,
        cancel: &Cancel,
    ) -> Result<Spotted, Error> {
        self.computing(cancel, |session| session.score(request, phrases, cancel))
    }

    fn score(
        &mut self,
        request: &TranscribeRequest<'_>,
        phrases: &Phrases,
        cancel: &Cancel,
    ) -> Result<Spotted, Error> {
        // This encodes the sound, too; what follows decodes against it.
        let most = i32::try_from(phrases.longest + MORE).unwrap_or(i32::MAX);
        let written = self.write_freely(request, most, cancel)?;
        let texts: Vec<&str> = written.segments.iter().map(|s| s.text.as_str()).collect();
        let text = texts.join(" ");
        let free = self.whisper.tokens(&format!(" {text}"))?;
        let free = once(&free[..free.len().min(LONGEST)]);

        let start = self.whisper.start_of_text(&written.language);
        for (at, token) in start.iter().enumerate() {
            self.step(*token, at)?;
        }
        let first = self.logprobs()?;
        let mut scorer = Scorer { past: start.len(), best: f64::NEG_INFINITY, cancel };
        let mut found = BTreeMap::new();
        scorer.walk(self, &first, &[(0, free)], (0, 0.0), &mut found)?;
        // The likeliest text known so far: it falls to a phrase that beats it.
        let free_logprob = found.remove(&0).unwrap_or(0.0);
        let free_mean = free_logprob / (free.len() + 1) as f64;
        let spellings: Vec<(usize, &[WhisperTokenId])> =
            phrases.spellings.iter().enumerate().map(|(n, s)| (n, s.1.as_slice())).collect();
        scorer.walk(self, &first, &spellings, (0, 0.0), &mut found)?;

        let mut logprobs = vec![f64::NEG_INFINITY; phrases.count];
        let mut scores = vec![HOPELESS; phrases.count];
        for (n, (phrase, tokens)) in phrases.spellings.iter().enumerate() {
            let Some(&logprob) = found.get(&n) else { continue };
            let mean = logprob / (tokens.len() + 1) as f64;
            scores[*phrase] = scores[*phrase].max(mean - free_mean);
            logprobs[*phrase] = sum_of(logprobs[*phrase], logprob);
        }
        Ok(Spotted { text, scores, logprobs, tokens: written.tokens })
    }

    fn step(&mut self, token: WhisperTokenId, past: usize) -> Result<(), Error> {
        let threads = usize::from(self.whisper.threads());
        self.state.decode(&[token], past, threads).map_err(|e| Error::Engine(e.to_string()))
    }

    /// The natural log-probabilities of the next token.
    fn logprobs(&self) -> Result<Vec<f32>, Error> {
        let logits = self.state.get_logits().map_err(|e| Error::Engine(e.to_string()))?;
        let top = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let sum: f32 = logits.iter().map(|x| (x - top).exp()).sum();
        let all = top + sum.ln();
        Ok(logits.iter().map(|x| x - all).collect())
    }
}

/// A token list without its repetitions: a model that loops writes the same over and over.
fn once(tokens: &[WhisperTokenId]) -> &[WhisperTokenId] {
    let repeats = |period: &usize| (0..tokens.len()).all(|i| tokens[i] == tokens[i % period]);
    let period = (1..=tokens.len() / 3).find(repeats);
    &tokens[..period.unwrap_or(tokens.len())]
}

/// Walks over token lists as a tree, so that equal beginnings are decoded once.
struct Scorer<'c> {
    /// Tokens before the text.
    past: usize,
    /// Log-probability of the likeliest text so far.
    best: f64,
    cancel: &'c Cancel,
}

impl Scorer<'_> {
    /// Follows all `lists` that agree in their first `depth` tokens; `next` is what the decoder
    /// thinks of the token after these, and `so_far` what it thought of them.
    fn walk(
        &mut self,
        session: &mut Session,
        next: &[f32],
        lists: &[(usize, &[WhisperTokenId])],
        (depth, so_far): (usize, f64),
        found: &mut BTreeMap<usize, f64>,
    ) -> Result<(), Error> {
        if let Some(reason) = self.cancel.reason() {
            return Err(Error::Cancelled(reason));
        }
        let think = |token: WhisperTokenId| {
            let at = usize::try_from(token).ok();
            at.and_then(|at| next.get(at)).map_or(f64::MIN, |p| f64::from(*p))
        };
        let mut branches: BTreeMap<WhisperTokenId, Vec<(usize, &[WhisperTokenId])>> =
            BTreeMap::new();
        for &(n, tokens) in lists {
            match tokens.get(depth) {
                Some(token) => branches.entry(*token).or_default().push((n, tokens)),
                None => {
                    let whole = so_far + think(session.whisper.end_of_text());
                    found.insert(n, whole);
                    self.best = self.best.max(whole);
                }
            }
        }
        // The likeliest first: what it comes to rules others out.
        let mut branches: Vec<_> = branches.into_iter().map(|(t, l)| (think(t), t, l)).collect();
        branches.sort_by(|a, b| b.0.total_cmp(&a.0));
        for (thought, token, mut lists) in branches {
            let so_far = so_far + thought;
            let best = self.best;
            lists.retain(|(_, tokens)| {
                so_far >= best - MARGIN - PER_TOKEN * (tokens.len() + 1) as f64
            });
            if lists.is_empty() {
                continue;
            }
            session.step(token, self.past + depth)?;
            let next = session.logprobs()?;
            self.walk(session, &next, &lists, (depth + 1, so_far), found)?;
        }
        Ok(())
    }
}

/// The logarithm of the sum of two numbers given by their logarithms.
fn sum_of(a: f64, b: f64) -> f64 {
    let (low, high) = if a < b { (a, b) } else { (b, a) };
    if low == f64::NEG_INFINITY { high } else { high + (low - high).exp().ln_1p() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_add_up_and_loops_are_cut() {
        assert_eq!(sum_of(f64::NEG_INFINITY, -3.0), -3.0);
        assert_eq!(sum_of(f64::NEG_INFINITY, f64::NEG_INFINITY), f64::NEG_INFINITY);
        assert_eq!(once(&[1, 2, 1, 2, 1, 2, 1]), [1, 2]);
        assert_eq!(once(&[1, 2, 1, 2]), [1, 2, 1, 2], "said twice is said");
        assert!(once(&[]).is_empty());
        assert!((sum_of(0.25_f64.ln(), 0.5_f64.ln()) - 0.75_f64.ln()).abs() < 1e-12);
    }
}
