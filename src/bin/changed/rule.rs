//! What counts as a change of a field, as the user wrote it.

use std::str::FromStr;

use crate::time::{Nanos, span};
use records::Field;

/// What becomes of the first value of a field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum First {
    /// It is a change.
    #[default]
    Report,
    /// Later ones are compared with it.
    Keep,
}

/// What a value that is not there means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Missing {
    /// Nothing is known: the last value stands.
    #[default]
    Ignore,
    /// It counts as a value of its own.
    Report,
    /// The record fails.
    Fail,
}

/// The last so many values, and how far off is too far.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Window {
    pub(crate) limit: f64,
    pub(crate) length: usize,
}

/// A control chart that first learns what is normal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Chart {
    /// CUSUM: slack in standard deviations. EWMA: weight of a new value.
    pub(crate) factor: f64,
    /// In standard deviations.
    pub(crate) limit: f64,
    /// Values to learn from.
    pub(crate) learn: u32,
}

/// How long a field must have a value until that counts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Stay {
    pub(crate) label: String,
    pub(crate) time: Nanos,
}

/// A change of label that is told; from any other one where none is named.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Turn {
    pub(crate) from: Option<String>,
    pub(crate) to: String,
}

/// What counts as a change of one field. Times in nanoseconds; 0 where nothing was said.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Rule {
    pub(crate) band: Option<f64>,
    /// Of the value that was reported last.
    pub(crate) percent: Option<f64>,
    pub(crate) levels: Vec<f64>,
    pub(crate) hysteresis: f64,
    pub(crate) every: Nanos,
    pub(crate) heartbeat: Option<Nanos>,
    pub(crate) rate: Option<(f64, Nanos)>,
    pub(crate) debounce: Nanos,
    pub(crate) first: First,
    pub(crate) missing: Missing,
    pub(crate) zscore: Option<Window>,
    pub(crate) mad: Option<Window>,
    pub(crate) cusum: Option<Chart>,
    pub(crate) ewma: Option<Chart>,
    pub(crate) similar: Option<f64>,
    /// How alike pictures must be, to be no news.
    pub(crate) picture: Option<f64>,
    /// The same of embeddings.
    pub(crate) meaning: Option<f64>,
    pub(crate) stays: Vec<Stay>,
    pub(crate) only: Vec<Turn>,
}

/// A rule, and the field it is for; none for all that have no rule of their own.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FieldRule {
    pub(crate) field: Option<Field>,
    pub(crate) rule: Rule,
}

/// Longest window: it is sorted for each value.
const MAX_WINDOW: usize = 10_000;

impl Rule {
    /// Whether it looks for what is out of the ordinary; then a plain difference is no change.
    pub(crate) fn has_anomalies(&self) -> bool {
        self.zscore.is_some() || self.mad.is_some() || self.cusum.is_some() || self.ewma.is_some()
    }

    /// Whether it compares numbers.
    pub(crate) fn is_numeric(&self) -> bool {
        self.band.is_some() || self.percent.is_some() || !self.levels.is_empty()
    }

    /// How long this value must stand before it counts.
    pub(crate) fn dwell(&self, label: &str) -> Nanos {
        let stay = self.stays.iter().find(|stay| stay.label == label);
        stay.map_or(self.debounce, |stay| stay.time)
    }

    /// Whether this change of label is told.
    pub(crate) fn tells(&self, from: Option<&str>, to: &str) -> bool {
        let fits = |turn: &Turn| {
            turn.to == to && turn.from.as_deref().is_none_or(|wanted| Some(wanted) == from)
        };
        self.only.is_empty() || self.only.iter().any(fits)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        match name {
            "band" => match value.strip_suffix('%') {
                Some(percent) => self.percent = Some(positive(percent)?),
                None => self.band = Some(positive(value)?),
            },
            "level" | "levels" => {
                self.levels = value.split(['|', ',']).map(finite).collect::<Result<_, _>>()?;
                self.levels.sort_unstable_by(f64::total_cmp);
            }
            "hysteresis" => self.hysteresis = positive(value)?,
            "every" => self.every = span(value)?,
            "heartbeat" => self.heartbeat = Some(span(value)?),
            "rate" => self.rate = Some(rate(value)?),
            "debounce" => self.debounce = span(value)?,
            "first" => {
                self.first = choice(value, &[("report", First::Report), ("keep", First::Keep)])?
            }
            "missing" => {
                let choices = [
                    ("ignore", Missing::Ignore),
                    ("report", Missing::Report),
                    ("fail", Missing::Fail),
                ];
                self.missing = choice(value, &choices)?;
            }
            "zscore" => self.zscore = Some(window(value)?),
            "mad" => self.mad = Some(window(value)?),
            "cusum" => self.cusum = Some(chart(value, f64::MAX)?),
            "ewma" => self.ewma = Some(chart(value, 1.0)?),
            "similar" => self.similar = Some(share(name, value)?),
            "picture" => self.picture = Some(share(name, value)?),
            "meaning" => self.meaning = Some(share(name, value)?),
            "stays" => self.stays = value.split('|').map(stay).collect::<Result<_, _>>()?,
            "only" => self.only = value.split('|').map(turn).collect::<Result<_, _>>()?,
            _ => return Err(format!("there is no rule '{name}'")),
        }
        Ok(())
    }

    fn check(&self) -> Result<(), String> {
        if self.hysteresis > 0.0 && !self.is_numeric() {
            return Err("hysteresis needs band or level".into());
        }
        if !self.levels.is_empty() && (self.band.is_some() || self.percent.is_some()) {
            return Err("level and band exclude each other".into());
        }
        let kinds = [
            self.is_numeric(),
            self.has_anomalies(),
            self.similar.is_some(),
            self.picture.is_some(),
            self.meaning.is_some(),
            !(self.stays.is_empty() && self.only.is_empty()),
        ];
        if kinds.into_iter().filter(|kind| *kind).count() > 1 {
            return Err("numbers (band, level), anomalies (zscore, mad, cusum, ewma), texts \
                        (similar), pictures (picture), embeddings (meaning) and labels (stays, \
                        only) need rules of their own"
                .into());
        }
        Ok(())
    }
}

impl FromStr for FieldRule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut words = words(text)?.into_iter();
        let name = words.next().ok_or("a rule begins with its field, or *")?;
        let field = if name == "*" {
            None
        } else {
            Some(name.parse().map_err(|e: records::FieldError| e.to_string())?)
        };
        let mut rule = Rule::default();
        let mut count = 0;
        for word in words {
            let (name, value) =
                word.split_once('=').ok_or_else(|| format!("'{word}' is not NAME=VALUE"))?;
            rule.set(name, value)?;
            count += 1;
        }
        if count == 0 {
            return Err(format!("the rule of '{name}' is empty; such as: '{name} band=0.5'"));
        }
        rule.check()?;
        if field.is_none() && (rule.picture.is_some() || rule.meaning.is_some()) {
            return Err("picture and meaning need the name of their field".into());
        }
        Ok(Self { field, rule })
    }
}

/// Splits at white space outside of quotes. Quotes around a part of a word are taken off; a field
/// whose key is quoted is the first word and keeps them.
fn words(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quoted = false;
    for c in text.chars() {
        match c {
            '"' => {
                quoted = !quoted;
                if words.is_empty() {
                    word.push(c);
                }
            }
            c if c.is_whitespace() && !quoted => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            c => word.push(c),
        }
    }
    if quoted {
        return Err("a quote is not closed".into());
    }
    if !word.is_empty() {
        words.push(word);
    }
    Ok(words)
}

fn choice<T: Copy>(value: &str, choices: &[(&str, T)]) -> Result<T, String> {
    choices.iter().find(|(name, _)| *name == value).map(|(_, choice)| *choice).ok_or_else(|| {
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        format!("'{value}' is none of {}", names.join(", "))
    })
}

fn finite(text: &str) -> Result<f64, String> {
    let number = text.trim().parse().ok().filter(|n: &f64| n.is_finite());
    number.ok_or_else(|| format!("'{text}' is not a number"))
}

fn positive(text: &str) -> Result<f64, String> {
    let number = finite(text)?;
    if number < 0.0 { Err(format!("'{text}' is below 0")) } else { Ok(number) }
}

fn share(name: &str, text: &str) -> Result<f64, String> {
    let share = positive(text)?;
    if share > 1.0 {
        return Err(format!("{name}={text}: a share of at most 1 is wanted"));
    }
    Ok(share)
}

fn count(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|n| (3..=MAX_WINDOW).contains(n));
    number.ok_or_else(|| format!("'{text}' is not a number of values from 3 to {MAX_WINDOW}"))
}

fn rate(text: &str) -> Result<(f64, Nanos), String> {
    let parse = || {
        let (number, time) = text.split_once('/')?;
        let number: u32 = number.parse().ok().filter(|n| *n > 0)?;
        let time = span(time).ok().filter(|time| *time > 0)?;
        Some((f64::from(number), time))
    };
    parse().ok_or_else(|| format!("'{text}' is not a rate such as 5/1m"))
}

fn window(text: &str) -> Result<Window, String> {
    let (limit, length) = text.split_once(':').unwrap_or((text, "60"));
    Ok(Window { limit: positive(limit)?, length: count(length)? })
}

fn chart(text: &str, most: f64) -> Result<Chart, String> {
    let parts: Vec<&str> = text.split(':').collect();
    let (factor, limit, learn) = match parts[..] {
        [factor, limit] => (factor, limit, "30"),
        [factor, limit, learn] => (factor, limit, learn),
        _ => return Err(format!("'{text}' is not FACTOR:LIMIT or FACTOR:LIMIT:VALUES")),
    };
    let factor = positive(factor)?;
    if factor > most {
        return Err(format!("'{text}': the weight is at most {most}"));
    }
    let learn = u32::try_from(count(learn)?).map_err(|e| e.to_string())?;
    Ok(Chart { factor, limit: positive(limit)?, learn })
}

fn stay(text: &str) -> Result<Stay, String> {
    let (label, time) =
        text.rsplit_once(':').ok_or_else(|| format!("'{text}' is not LABEL:TIME"))?;
    Ok(Stay { label: label.to_owned(), time: span(time)? })
}

fn turn(text: &str) -> Result<Turn, String> {
    let (from, to) = text.split_once('>').map_or((None, text), |(from, to)| (Some(from), to));
    if to.is_empty() {
        return Err(format!("'{text}' is not LABEL or LABEL>LABEL"));
    }
    Ok(Turn { from: from.map(str::to_owned), to: to.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::SECOND;
    use proptest::prelude::*;

    fn rule(text: &str) -> Rule {
        text.parse::<FieldRule>().unwrap().rule
    }

    #[test]
    fn rules_are_words() {
        let parsed: FieldRule = "a.b band=0.5 band=2% every=10s first=keep".parse().unwrap();
        assert_eq!(parsed.field, Some("a.b".parse().unwrap()));
        assert_eq!((parsed.rule.band, parsed.rule.percent), (Some(0.5), Some(2.0)));
        assert_eq!((parsed.rule.every, parsed.rule.first), (10 * SECOND, First::Keep));
        assert_eq!("* rate=5/1m".parse::<FieldRule>().unwrap().field, None);
        let doors = rule(r#"door stays="half open:5m"|shut:1s only=shut>open|broken"#);
        assert_eq!(doors.dwell("half open"), 300 * SECOND);
        assert_eq!(doors.dwell("open"), 0);
        assert!(doors.tells(Some("shut"), "open") && !doors.tells(Some("ajar"), "open"));
        assert!(doors.tells(None, "broken") && !doors.tells(None, "shut"));
        assert_eq!(rule("t zscore=3").zscore, Some(Window { limit: 3.0, length: 60 }));
        let chart = Chart { factor: 0.2, limit: 3.0, learn: 50 };
        assert_eq!(rule("t ewma=0.2:3:50").ewma, Some(chart));
        assert_eq!(rule("t level=30|20 hysteresis=1").levels, [20.0, 30.0]);
        assert!("\"a b\".c band=1".parse::<FieldRule>().is_ok());
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for bad in [
            "",
            "t",
            "t x=1",
            "t band",
            "t band=x",
            "t band=-1",
            "t band=nan",
            "t every=5",
            "t rate=0/1s",
            "t rate=5",
            "t zscore=3:2",
            "t ewma=2:3",
            "t cusum=1",
            "t similar=1.5",
            "t picture=2",
            "t meaning=-1",
            "t meaning=0.9 picture=0.9",
            "* picture=0.9",
            "* meaning=0.9",
            "t stays=open",
            "t hysteresis=1",
            "t band=1 level=2",
            "t band=1 similar=0.5",
            "t stays=a:1s band=1",
            "t only=a>",
            "t first=no",
            ".. band=1",
            "t only=\"a",
        ] {
            assert!(bad.parse::<FieldRule>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_rule_panics(text in "[a*] (band|every|rate|stays|only|ewma|mad|level)=[-0-9a-z.:|/%>\"]{0,12}") {
            let _ = text.parse::<FieldRule>();
        }
    }
}
