//! One field of one key: the value that was reported last, the one that waits for its time, and
//! the decision what is news.

use std::borrow::Cow;

use minhash::Shingles;

use crate::anomaly::Memory;
use crate::rule::{First, Rule};
use crate::time::Nanos;
use crate::value::{is_nothing, number, same, text};
use crate::view;

/// What a report is made for. The order is that of the numbers in state files: only add.
pub(crate) const WHY: [&str; 14] = [
    "first",
    "value",
    "band",
    "level",
    "similar",
    "stays",
    "missing",
    "heartbeat",
    "zscore",
    "mad",
    "cusum",
    "ewma",
    "picture",
    "meaning",
];

/// Stands for a time that never was.
pub(crate) const NEVER: Nanos = Nanos::MIN;

/// How alike two texts are is measured in their words.
const SHINGLES: Shingles = Shingles { unit: minhash::Unit::Word, length: 2 };

/// What is known of one field.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FieldState<'a> {
    /// Hash of the field's name.
    pub(crate) name: u64,
    /// The value reported last, as JSON.
    pub(crate) reference: Option<Cow<'a, str>>,
    /// When that was.
    pub(crate) since: Nanos,
    /// A value that differs, and does not count yet.
    pub(crate) held: Option<Held<'a>>,
    /// Whether the last change went up or down.
    pub(crate) direction: i8,
    /// How many of the rule's levels the reference has reached.
    pub(crate) zone: u8,
    /// Reports that the rate still allows, and when that was counted.
    pub(crate) tokens: f64,
    pub(crate) counted: Nanos,
    pub(crate) memory: Option<Box<Memory>>,
}

/// A value that differs, and does not count yet.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Held<'a> {
    pub(crate) value: Cow<'a, str>,
    /// Since when it stands.
    pub(crate) since: Nanos,
    /// When it is to be looked at again.
    pub(crate) due: Nanos,
    /// It counts, and waits only for its turn (`every`, `rate`).
    pub(crate) ripe: bool,
    pub(crate) why: Why,
}

/// The rule that made a report, and how far beyond ordinary the value is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Why {
    pub(crate) rule: &'static str,
    pub(crate) score: Option<f64>,
}

/// A report.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fired<'a> {
    pub(crate) prev: Option<Cow<'a, str>>,
    pub(crate) delta: Option<f64>,
    pub(crate) why: Why,
}

fn why(rule: &'static str) -> Why {
    Why { rule, score: None }
}

impl<'a> FieldState<'a> {
    pub(crate) fn new(name: u64) -> Self {
        Self {
            name,
            reference: None,
            since: NEVER,
            held: None,
            direction: 0,
            zone: 0,
            tokens: 0.0,
            counted: NEVER,
            memory: None,
        }
    }

    /// Takes note of a value (JSON) at a time.
    pub(crate) fn observe(
        &mut self,
        rule: &Rule,
        value: Cow<'a, str>,
        time: Nanos,
    ) -> Option<Fired<'a>> {
        let mut anomaly = None;
        if rule.has_anomalies()
            && let Some(number) = number(&value)
        {
            let memory = self.memory.get_or_insert_default();
            anomaly = memory.see(rule, number);
        }
        let found = match anomaly {
            Some(found) if self.reference.is_some() => {
                Some(Why { rule: found.rule, score: Some(found.score) })
            }
            _ => self.difference(rule, &value),
        };
        let Some(found) = found else {
            return self.undisturbed(rule, value, time);
        };
        let since = match &self.held {
            Some(held) if stands(rule, &held.value, &value) => held.since,
            _ => time,
        };
        let dwell = if anomaly.is_some() { 0 } else { rule.dwell(&text(&value)) };
        let due = since.saturating_add(dwell);
        if time < due {
            self.held = Some(Held { value, since, due, ripe: false, why: found });
            return None;
        }
        self.accept(rule, value, found, since, time)
    }

    /// The value is no news.
    fn undisturbed(&mut self, rule: &Rule, value: Cow<'a, str>, time: Nanos) -> Option<Fired<'a>> {
        // What was out of the ordinary was so, whatever came after it.
        if self.held.as_ref().is_some_and(|held| held.why.score.is_none()) {
            self.held = None;
        }
        let heartbeat = rule.heartbeat?;
        if self.held.is_some() || self.reference.is_none() {
            return None;
        }
        let due = self.since.saturating_add(heartbeat);
        (self.since == NEVER || time >= due).then(|| self.fire(rule, value, why("heartbeat"), time))
    }

    /// Looks at the value that was held, when its time has come.
    pub(crate) fn ripen(&mut self, rule: &Rule, time: Nanos) -> Option<Fired<'a>> {
        let held = self.held.take_if(|held| held.due <= time)?;
        self.accept(rule, held.value, held.why, held.since, held.due)
    }

    /// Gives out a value that waits only for its turn.
    pub(crate) fn release(&mut self, rule: &Rule) -> Option<Fired<'a>> {
        let held = self.held.take_if(|held| held.ripe)?;
        Some(self.fire(rule, held.value, held.why, held.due))
    }

    fn accept(
        &mut self,
        rule: &Rule,
        value: Cow<'a, str>,
        why: Why,
        since: Nanos,
        time: Nanos,
    ) -> Option<Fired<'a>> {
        let from = self.reference.as_deref().map(text);
        let is_told = rule.tells(from.as_deref(), &text(&value));
        let is_first = self.reference.is_none();
        if !is_told || (is_first && rule.first == First::Keep) {
            self.since = time;
            self.take(rule, value);
            return None;
        }
        let due = self.next_turn(rule, time);
        if due > time {
            self.held = Some(Held { value, since, due, ripe: true, why });
            return None;
        }
        Some(self.fire(rule, value, why, time))
    }

    /// When the next report may be made: now, or when `every` and `rate` allow it.
    fn next_turn(&mut self, rule: &Rule, time: Nanos) -> Nanos {
        let mut due = time;
        if rule.every > 0 && self.since != NEVER {
            due = due.max(self.since.saturating_add(rule.every));
        }
        if let Some((count, period)) = rule.rate {
            #[expect(clippy::cast_precision_loss, reason = "good to some 200 ns in a month")]
            let period = period as f64;
            #[expect(clippy::cast_precision_loss, reason = "as above")]
            let passed = time.saturating_sub(self.counted).max(0) as f64;
            self.tokens = if self.counted == NEVER {
                count
            } else {
                (self.tokens + passed * count / period).min(count)
            };
            self.counted = time;
            if self.tokens < 1.0 {
                #[expect(clippy::cast_possible_truncation, reason = "at most a period")]
                let wait = ((1.0 - self.tokens) * period / count).ceil() as Nanos;
                due = due.max(time.saturating_add(wait.max(1)));
            }
        }
        due
    }

    fn fire(&mut self, rule: &Rule, value: Cow<'a, str>, why: Why, time: Nanos) -> Fired<'a> {
        let numbers = self.reference.as_deref().and_then(number).zip(number(&value));
        let delta = numbers.map(|(a, b)| tidy(b - a));
        self.direction = delta.map_or(0, |delta| i8::from(delta > 0.0) - i8::from(delta < 0.0));
        if rule.rate.is_some() {
            self.tokens -= 1.0;
        }
        self.since = time;
        let prev = self.take(rule, value).and_then(|prev| view::shown(rule, prev));
        Fired { prev, delta, why }
    }

    fn take(&mut self, rule: &Rule, value: Cow<'a, str>) -> Option<Cow<'a, str>> {
        if let Some(number) = number(&value).filter(|_| !rule.levels.is_empty()) {
            self.zone = zone(rule, number, self.reference.is_some().then_some(self.zone));
        }
        self.held = None;
        self.reference.replace(value)
    }

    /// Why a value is another one than the reference, if it is.
    fn difference(&self, rule: &Rule, value: &str) -> Option<Why> {
        let Some(reference) = &self.reference else { return Some(why("first")) };
        if let Some(least) = rule.picture.or(rule.meaning)
            && let Some(share) = view::likeness(rule, reference, value)
        {
            let rule = if rule.picture.is_some() { "picture" } else { "meaning" };
            return (share < least).then_some(Why { rule, score: Some(share) });
        }
        let numbers = number(reference).zip(number(value));
        match numbers {
            Some((a, b)) if rule.is_numeric() => return self.distance(rule, a, b),
            Some(_) if rule.has_anomalies() => return None,
            _ => {}
        }
        if let (Some(least), b'"', b'"') = (rule.similar, first(reference), first(value)) {
            let share = likeness(&text(reference), &text(value));
            return (share < least).then_some(Why { rule: "similar", score: Some(share) });
        }
        let name = match value {
            "null" => "missing",
            _ if rule.stays.iter().any(|stay| stay.label == text(value)) => "stays",
            _ => "value",
        };
        (!same(reference, value)).then(|| why(name))
    }

    fn distance(&self, rule: &Rule, from: f64, to: f64) -> Option<Why> {
        if !rule.levels.is_empty() {
            return (zone(rule, to, Some(self.zone)) != self.zone).then(|| why("level"));
        }
        let delta = to - from;
        let turns = (delta > 0.0 && self.direction < 0) || (delta < 0.0 && self.direction > 0);
        let hysteresis = if turns { rule.hysteresis } else { 0.0 };
        // 20.6 - 20.1 is a little more than a half.
        let fuzz = 4.0 * f64::EPSILON * from.abs().max(to.abs());
        (delta.abs() > width(rule, from) + hysteresis + fuzz).then(|| why("band"))
    }
}

/// The dead band around a value: the wider of the two that a rule may have.
fn width(rule: &Rule, around: f64) -> f64 {
    let relative = rule.percent.unwrap_or(0.0) / 100.0 * around.abs();
    rule.band.unwrap_or(0.0).max(relative)
}

/// How many levels a number has reached. One that it came from is left only with the hysteresis.
fn zone(rule: &Rule, number: f64, from: Option<u8>) -> u8 {
    let count = |slack: f64| {
        let reached = rule.levels.iter().filter(|level| number >= **level - slack).count();
        u8::try_from(reached).unwrap_or(u8::MAX)
    };
    let (up, down) = (count(0.0), count(rule.hysteresis));
    match from {
        Some(from) if up <= from && down >= from => from,
        Some(from) if down < from => down,
        _ => up,
    }
}

/// Whether a value that is held goes on with this one.
fn stands(rule: &Rule, held: &str, value: &str) -> bool {
    if let Some(least) = rule.picture.or(rule.meaning)
        && let Some(share) = view::likeness(rule, held, value)
    {
        return share >= least;
    }
    match number(held).zip(number(value)) {
        Some((a, b)) if rule.levels.is_empty() && rule.is_numeric() => {
            (b - a).abs() <= width(rule, a)
        }
        Some((a, b)) if rule.is_numeric() => zone(rule, a, None) == zone(rule, b, None),
        _ => match (rule.similar, first(held), first(value)) {
            (Some(least), b'"', b'"') => likeness(&text(held), &text(value)) >= least,
            _ => same(held, value),
        },
    }
}

fn first(raw: &str) -> u8 {
    raw.bytes().next().unwrap_or(0)
}

/// The Jaccard similarity of the pairs of words of two texts.
fn likeness(a: &str, b: &str) -> f64 {
    let (a, b) = (SHINGLES.of(a), SHINGLES.of(b));
    let both = a.iter().filter(|x| b.binary_search(x).is_ok()).count();
    #[expect(clippy::cast_precision_loss, reason = "numbers of words")]
    let share = both as f64 / (a.len() + b.len() - both) as f64;
    (share * 1e4).round() / 1e4
}

/// A difference without the noise of binary fractions: 0.1, not 0.10000000000000142.
fn tidy(delta: f64) -> f64 {
    format!("{delta:.12e}").parse().unwrap_or(delta)
}

/// Whether there is no value for this rule to look at.
pub(crate) fn is_missing(rule: &Rule, raw: Option<&str>) -> bool {
    match raw {
        None | Some("null") => true,
        Some(raw) => (rule.is_numeric() || rule.has_anomalies()) && is_nothing(raw),
    }
}
