use std::collections::HashSet;

use aho_corasick::AhoCorasick;
use regex::Regex;

use crate::kind::Kind;
use crate::scan::Finding;
use crate::settings::{Settings, SettingsError};

/// A kind of the user's: a pattern, words, or both.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OwnKind {
    /// Small letters, digits and underscores; placeholders have it in capitals.
    pub name: String,
    /// A regular expression; a group called `value` limits what is private.
    pub regex: Option<String>,
    /// Words or phrases, found whole and in any case.
    pub words: Vec<String>,
    /// Words of which one has to stand within 60 characters before or after, in any case; none:
    /// nothing has to.
    pub context: Vec<String>,
    /// How sure it is, 0 to 1.
    pub score: f32,
}

/// Characters on either side where context is looked for.
const AROUND: usize = 60;

struct Rule {
    kind: Kind,
    regex: Option<Regex>,
    words: Option<AhoCorasick>,
    context: Option<AhoCorasick>,
    score: f32,
}

/// The user's kinds, words and exceptions, made ready.
pub(crate) struct Own {
    rules: Vec<Rule>,
    deny: Option<AhoCorasick>,
    allow: HashSet<String>,
}

fn automaton(words: &[String]) -> Result<Option<AhoCorasick>, SettingsError> {
    let words: Vec<&str> = words.iter().map(|w| w.trim()).filter(|w| !w.is_empty()).collect();
    if words.is_empty() {
        return Ok(None);
    }
    let built = AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .match_kind(aho_corasick::MatchKind::LeftmostLongest)
        .build(words);
    built.map(Some).map_err(|e| SettingsError::Words(e.to_string()))
}

impl Own {
    pub(crate) fn new(settings: &Settings) -> Result<Self, SettingsError> {
        let mut rules = Vec::new();
        for (number, own) in settings.own.iter().enumerate() {
            rules.push(rule(number, own)?);
        }
        let allow = settings.allow.iter().map(|text| text.trim().to_lowercase());
        Ok(Self { rules, deny: automaton(&settings.deny)?, allow: allow.collect() })
    }

    /// Adds what the user's kinds and words find.
    pub(crate) fn find(&self, text: &str, least: impl Fn(Kind) -> f32, found: &mut Vec<Finding>) {
        for rule in &self.rules {
            if rule.score < least(rule.kind) {
                continue;
            }
            let (kind, score) = (rule.kind, rule.score);
            if let Some(words) = &rule.words {
                let hits = words.find_iter(text).map(|hit| (hit.start(), hit.end()));
                for (start, end) in hits.filter(|range| is_whole(text, *range)) {
                    if rule.has_context(text, (start, end)) {
                        found.push(Finding { start, end, kind, rule: "own words", score });
                    }
                }
            }
            let Some(regex) = &rule.regex else { continue };
            for hit in regex.captures_iter(text) {
                let Some(value) = hit.name("value").or_else(|| hit.get(0)) else { continue };
                let (start, end) = (value.start(), value.end());
                if start < end && rule.has_context(text, (start, end)) {
                    found.push(Finding { start, end, kind, rule: "own pattern", score });
                }
            }
        }
    }

    /// Adds the texts that are always private: of the kind that was found there, else of none.
    pub(crate) fn deny(&self, text: &str, found: &mut Vec<Finding>) {
        let Some(deny) = &self.deny else { return };
        let hits = deny.find_iter(text).map(|hit| (hit.start(), hit.end()));
        for (start, end) in hits.filter(|range| is_whole(text, *range)) {
            found.push(Finding {
                start,
                end,
                kind: Kind::Own(DENIED),
                rule: "deny list",
                score: 1.0,
            });
        }
    }

    /// Whether a text is never private.
    pub(crate) fn allows(&self, text: &str) -> bool {
        !self.allow.is_empty() && self.allow.contains(&text.trim().to_lowercase())
    }
}

/// The kind of what stands in the deny list.
pub(crate) const DENIED: u16 = u16::MAX;

fn rule(number: usize, own: &OwnKind) -> Result<Rule, SettingsError> {
    let bad = |reason: String| SettingsError::Pattern { kind: own.name.clone(), reason };
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    if !own.name.bytes().all(plain) || !own.name.starts_with(|c: char| c.is_ascii_lowercase()) {
        return Err(bad("a name is small letters, digits and underscores".into()));
    }
    if own.regex.is_none() && own.words.is_empty() {
        return Err(bad("neither a regex nor words".into()));
    }
    let number = u16::try_from(number).ok().filter(|n| *n < DENIED);
    let regex = own.regex.as_deref().map(Regex::new).transpose();
    Ok(Rule {
        kind: Kind::Own(number.ok_or_else(|| bad("too many kinds".into()))?),
        regex: regex.map_err(|e| bad(e.to_string()))?,
        words: automaton(&own.words)?,
        context: automaton(&own.context)?,
        score: own.score,
    })
}

impl Rule {
    fn has_context(&self, text: &str, (start, end): (usize, usize)) -> bool {
        let Some(context) = &self.context else { return true };
        let before = back(text, start);
        let after = text[end..].char_indices().nth(AROUND).map_or(text.len(), |(at, _)| end + at);
        context.is_match(&text[before..start]) || context.is_match(&text[end..after])
    }
}

fn back(text: &str, from: usize) -> usize {
    let at = text[..from].char_indices().rev().nth(AROUND - 1);
    at.map_or(0, |(at, _)| at)
}

/// Whether letters and digits go on neither before nor after.
fn is_whole(text: &str, (start, end): (usize, usize)) -> bool {
    let inside = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let first = text[start..].chars().next().is_some_and(char::is_alphanumeric);
    let last = text[..end].chars().next_back().is_some_and(char::is_alphanumeric);
    !(first && inside(text[..start].chars().next_back())
        || last && inside(text[end..].chars().next()))
}
