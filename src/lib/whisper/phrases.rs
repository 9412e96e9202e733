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
/// What noises are written in, as "(applause)".
const SIGNS: [&str; 8] = ["(", "[", "{", "*", "<", "♪", "♫", "♩"];
/// The score of a phrase that was given up.
const HOPELESS: f64 = -10.0;

/// Phrases, tokenised in the ways that the model may write them.
#[derive(Clone, Debug)]
pub struct Phrases {
    spellings: Vec<(usize, Vec<WhisperTokenId>)>,
    /// Tokens of the longest.
    longest: usize,
    /// Tokens that stand for no word: brackets, stars, notes.
    signs: Vec<WhisperTokenId>,
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
        Ok(Phrases { spellings, longest, signs: self.signs()?, count: phrases.len() })
    }

    /// Tokens with which a model begins to tell of noises.
    fn signs(&self) -> Result<Vec<WhisperTokenId>, Error> {
        let mut signs = Vec::new();
        for sign in SIGNS {
            for way in [sign.to_owned(), format!(" {sign}")] {
                // Those of several tokens share their beginnings with letters of other scripts.
                if let [token] = self.tokens(&way)?[..] {
                    signs.push(token);
                }
            }
        }
        Ok(signs)
    }

    /// The text of tokens.
    fn text_of(&self, tokens: &[WhisperTokenId]) -> String {
        let bytes = tokens.iter().filter_map(|t| self.context.token_to_bytes(*t).ok()).flatten();
        let bytes: Vec<u8> = bytes.copied().collect();
        String::from_utf8_lossy(&bytes).trim().to_owned()
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
        let language = self.encode(request, cancel)?;
        let start = self.whisper.start_of_text(&language);
        let heard = self.write(&start, phrases.longest + MORE, &phrases.signs, cancel)?;
        let text = self.whisper.text_of(&heard.tokens);
        let free = once(&heard.tokens[..heard.tokens.len().min(LONGEST)]);

        let mut scorer =
            Scorer { past: start.len(), best: f64::NEG_INFINITY, heard: &heard, cancel };
        let mut found = BTreeMap::new();
        let path: f64 = free.iter().enumerate().map(|(at, token)| heard.thought(at, *token)).sum();
        // The likeliest text known so far: it falls to a phrase that beats it.
        let free_logprob = path + heard.thought(free.len(), self.whisper.end_of_text());
        scorer.best = free_logprob;
        let free_mean = free_logprob / (free.len() + 1) as f64;
        let spellings: Vec<(usize, &[WhisperTokenId])> =
            phrases.spellings.iter().enumerate().map(|(n, s)| (n, s.1.as_slice())).collect();
        scorer.walk(self, &Node::start(&heard), &spellings, &mut found)?;

        let mut logprobs = vec![f64::NEG_INFINITY; phrases.count];
        let mut scores = vec![HOPELESS; phrases.count];
        for (n, (phrase, tokens)) in phrases.spellings.iter().enumerate() {
            let Some(&logprob) = found.get(&n) else { continue };
            let mean = logprob / (tokens.len() + 1) as f64;
            scores[*phrase] = scores[*phrase].max(mean - free_mean);
            logprobs[*phrase] = sum_of(logprobs[*phrase], logprob);
        }
        Ok(Spotted { text, scores, logprobs, tokens: heard.tokens.len() })
    }

    /// Writes freely, the likeliest token always, at most `most` of them and none of `signs`.
    fn write(
        &mut self,
        start: &[WhisperTokenId],
        most: usize,
        signs: &[WhisperTokenId],
        cancel: &Cancel,
    ) -> Result<Heard, Error> {
        // Alone, because `WhisperState::get_logits` gives those of the first token of a step.
        let (last, before) = start.split_last().ok_or(Error::Engine("no start of text".into()))?;
        self.step(before, 0)?;
        self.step(&[*last], before.len())?;
        let mut heard = Heard { tokens: Vec::new(), thoughts: vec![self.logprobs()?] };
        let end = self.whisper.end_of_text();
        let none = self.whisper.tokens(" ")?;
        while heard.tokens.len() < most {
            if let Some(reason) = cancel.reason() {
                return Err(Error::Cancelled(reason));
            }
            let depth = heard.tokens.len();
            // As whisper.cpp: a text does not begin with nothing.
            let blank = |token| depth == 0 && (token == end || none.contains(&token));
            let thoughts = (0..=end).zip(&heard.thoughts[depth]);
            let likeliest = thoughts
                .filter(|(token, _)| !blank(*token) && !signs.contains(token))
                .max_by(|a, b| a.1.total_cmp(b.1));
            let Some((token, _)) = likeliest.filter(|(token, _)| *token != end) else { break };
            heard.tokens.push(token);
            self.step(&[token], start.len() + depth)?;
            heard.thoughts.push(self.logprobs()?);
        }
        Ok(heard)
    }

    fn step(&mut self, tokens: &[WhisperTokenId], past: usize) -> Result<(), Error> {
        let threads = usize::from(self.whisper.threads());
        self.state()?.decode(tokens, past, threads).map_err(|e| Error::Engine(e.to_string()))
    }

    /// The natural log-probabilities of the next token.
    fn logprobs(&mut self) -> Result<Vec<f32>, Error> {
        let logits = self.state()?.get_logits().map_err(|e| Error::Engine(e.to_string()))?;
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

/// What was written freely.
struct Heard {
    tokens: Vec<WhisperTokenId>,
    /// The natural log-probabilities of all tokens, before each of `tokens` and after the last.
    thoughts: Vec<Vec<f32>>,
}

impl Heard {
    /// The log-probability of `token` after the first `depth` tokens.
    fn thought(&self, depth: usize, token: WhisperTokenId) -> f64 {
        self.thoughts.get(depth).map_or(f64::MIN, |next| thought(next, token))
    }
}

fn thought(next: &[f32], token: WhisperTokenId) -> f64 {
    let at = usize::try_from(token).ok();
    at.and_then(|at| next.get(at)).map_or(f64::MIN, |p| f64::from(*p))
}

/// A place in the tree of token lists.
struct Node<'n> {
    /// Tokens up to here.
    depth: usize,
    /// Their log-probability.
    so_far: f64,
    /// The log-probabilities of the next token.
    next: &'n [f32],
    /// Whether the tokens are the beginning of what was heard.
    heard: bool,
}

impl<'n> Node<'n> {
    fn start(heard: &'n Heard) -> Self {
        Self { depth: 0, so_far: 0.0, next: &heard.thoughts[0], heard: true }
    }
}

/// Walks over token lists as a tree, so that equal beginnings are decoded once, and those of what
/// was heard not again.
struct Scorer<'c> {
    /// Tokens before the text.
    past: usize,
    /// Log-probability of the likeliest text so far.
    best: f64,
    heard: &'c Heard,
    cancel: &'c Cancel,
}

impl Scorer<'_> {
    /// Follows all `lists` that agree in the tokens up to `node`.
    fn walk(
        &mut self,
        session: &mut Session,
        node: &Node<'_>,
        lists: &[(usize, &[WhisperTokenId])],
        found: &mut BTreeMap<usize, f64>,
    ) -> Result<(), Error> {
        if let Some(reason) = self.cancel.reason() {
            return Err(Error::Cancelled(reason));
        }
        let depth = node.depth;
        let mut branches: BTreeMap<WhisperTokenId, Vec<(usize, &[WhisperTokenId])>> =
            BTreeMap::new();
        for &(n, tokens) in lists {
            match tokens.get(depth) {
                Some(token) => branches.entry(*token).or_default().push((n, tokens)),
                None => {
                    let whole = node.so_far + thought(node.next, session.whisper.end_of_text());
                    found.insert(n, whole);
                    self.best = self.best.max(whole);
                }
            }
        }
        let heard = |token| node.heard && self.heard.tokens.get(depth) == Some(&token);
        let mut branches: Vec<_> = branches
            .into_iter()
            .map(|(token, lists)| (heard(token), thought(node.next, token), token, lists))
            .collect();
        // What was heard first, while the decoder has its tokens; then the likeliest: what it comes
        // to rules others out.
        branches.sort_by(|a, b| b.0.cmp(&a.0).then(b.1.total_cmp(&a.1)));
        for (heard, thought, token, mut lists) in branches {
            let so_far = node.so_far + thought;
            let best = self.best;
            lists.retain(|(_, tokens)| {
                so_far >= best - MARGIN - PER_TOKEN * (tokens.len() + 1) as f64
            });
            if lists.is_empty() {
                continue;
            }
            let known = self.heard.thoughts.get(depth + 1).filter(|_| heard);
            let own;
            let next = match known {
                Some(next) => next,
                None => {
                    session.step(&[token], self.past + depth)?;
                    own = session.logprobs()?;
                    &own
                }
            };
            let node = Node { depth: depth + 1, so_far, next, heard };
            self.walk(session, &node, &lists, found)?;
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
