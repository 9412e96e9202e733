//! What each threshold would give, from records whose right answer is known.
//!
//! A cascade sends what is less sure than a threshold. Sorted by confidence, the labelled records
//! give one point for each threshold: the share that is sent, how often the result is right (the
//! big model's answer for what is sent, the small one's for the rest), and what it costs. The
//! ends are the small model alone and the big model alone. The accuracy of a threshold that was
//! chosen on few records is optimistic: each point has the lower end of its 95 % interval.

use std::fs::File;
use std::path::Path;

use cli::{Error, Exit, Session};
use records::{
    Code, Failure, Field, Line, LineReader, Malformed, Record, Step, WriteError, Writer,
};
use serde::Serialize;

use crate::args::Escalate;
use crate::routes::known_price;
use crate::select::confidence;

/// Points of the curve that are printed, besides its ends and the chosen one.
const POINTS: usize = 20;

/// One labelled record.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Case {
    /// Below 0 where the small model said nothing.
    sure: f64,
    small_right: bool,
    big_right: bool,
    /// Dollars for asking the big model about it, where known.
    cost: Option<f64>,
}

/// What one threshold gives.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Point {
    policy: &'static str,
    /// Records less sure than this are sent; null: all.
    threshold: Option<f64>,
    /// Share of the records that is sent.
    share: f64,
    accuracy: f64,
    /// Lower end of its 95 % interval.
    accuracy_low: f64,
    /// Dollars for 1,000 records; null where no price is known.
    cost: Option<f64>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    chosen: bool,
}

pub(crate) fn run(args: &Escalate, file: &Path, session: &Session) -> Result<Exit, Error> {
    let opened = File::open(file).map_err(|e| Error::setup(format!("{}: {e}", file.display())))?;
    let mut lines = LineReader::new(opened, args.stream.max_line);
    let mut out = Writer::new(std::io::stdout(), false);
    let (mut cases, mut bad) = (Vec::new(), 0_u64);
    let reader = CaseReader::new(args)?;
    while let Some(line) = lines.next_line()? {
        if session.stop.is_set() {
            return Ok(Exit::Success);
        }
        let (record, failure) = match parse(&line) {
            Ok(None) => continue,
            Ok(Some(record)) => match reader.case(&record) {
                Ok(case) => {
                    cases.push(case);
                    continue;
                }
                Err(failure) => (record, failure),
            },
            Err(failure) => (Record::new(), failure),
        };
        bad += 1;
        log::warn!("{}, line {}: {failure}", file.display(), lines.number());
        if let Some(exit) = write(&mut out, failed(record, failure, session), args)? {
            return Ok(exit);
        }
    }
    if cases.is_empty() {
        return Err(Error::setup(format!("{}: no labelled records", file.display())));
    }
    let mut points = curve(cases);
    let wanted = args.calibration.want_accuracy.is_some() || args.calibration.want_cost.is_some();
    let chosen = choose(&points, args.calibration.want_accuracy, most_cost(args));
    if let Some(at) = chosen {
        points[at].chosen = true;
    }
    for point in shown(&points) {
        if let Some(exit) = write(&mut out, row(point), args)? {
            return Ok(exit);
        }
    }
    if let Err(WriteError::Io(e)) = out.flush() {
        return Err(Error::setup(format!("cannot write output: {e}")));
    }
    if wanted && chosen.is_none() {
        log::warn!("no threshold gives what is wanted");
    }
    Ok(if bad > 0 || (wanted && chosen.is_none()) { Exit::SomeFailed } else { Exit::Success })
}

#[expect(clippy::cast_precision_loss, reason = "a limit that a person wrote")]
fn most_cost(args: &Escalate) -> Option<f64> {
    let nano = args.calibration.want_cost?.get();
    Some(nano as f64 / store::NANO_PER_USD as f64)
}

fn parse(line: &Line<'_>) -> Result<Option<Record>, Failure> {
    match line {
        Line::Whole(line) if line.trim_ascii().is_empty() => Ok(None),
        Line::Whole(line) => {
            Record::parse(line).map(Some).map_err(|e: Malformed| Failure::new(Code::BadJson, e))
        }
        Line::TooLong { bytes, .. } => {
            Err(Failure::new(Code::TooLong, format!("a line of {bytes} bytes")))
        }
    }
}

fn failed(mut record: Record, mut failure: Failure, session: &Session) -> Record {
    session.program.clone_into(&mut failure.program);
    record.fail(&failure);
    record
}

fn row(point: &Point) -> Record {
    let mut record = Record::new();
    record.set("policy", point.policy);
    record.set("threshold", &point.threshold);
    for (key, value) in
        [("share", point.share), ("accuracy", point.accuracy), ("accuracy_low", point.accuracy_low)]
    {
        record.set(key, &round(value, 4));
    }
    record.set("cost", &point.cost.map(|cost| round(cost, 6)));
    if point.chosen {
        record.set("chosen", &true);
    }
    record
}

fn round(value: f64, digits: i32) -> f64 {
    let scale = 10_f64.powi(digits);
    (value * scale).round() / scale
}

/// Writes a row, or with -r the chosen threshold alone. An exit status when nobody reads.
fn write(
    out: &mut Writer<std::io::Stdout>,
    record: Record,
    args: &Escalate,
) -> Result<Option<Exit>, Error> {
    let written = match (args.stream.raw_output, record.has("chosen")) {
        (false, _) => out.record(&record),
        (true, true) => out.plain(record.raw("threshold").unwrap_or("null").as_bytes()),
        (true, false) => Ok(()),
    };
    match written {
        Ok(()) => Ok(None),
        Err(WriteError::Closed) => Ok(Some(Exit::Success)),
        Err(WriteError::Io(e)) => Err(Error::setup(format!("cannot write output: {e}"))),
    }
}

/// Reads cases from records.
struct CaseReader<'a> {
    truth: &'a Field,
    small: &'a Field,
    big: &'a str,
    text: Field,
    /// Dollars for a text of so many bytes.
    price: Option<crate::cost::Price>,
    max_tokens: u64,
}

impl<'a> CaseReader<'a> {
    fn new(args: &'a Escalate) -> Result<Self, Error> {
        Ok(Self {
            truth: &args.calibration.truth,
            small: &args.calibration.small,
            big: args.stream.result_or("answer"),
            text: args.stream.field_or("text"),
            price: known_price(args)?,
            max_tokens: args.provider.max_tokens,
        })
    }

    fn case(&self, record: &Record) -> Result<Case, Failure> {
        let truth = plain(self.truth, record)?;
        let big = record.raw(self.big).map(normal);
        Ok(Case {
            sure: confidence(record)?.unwrap_or(-1.0),
            small_right: plain(self.small, record)? == truth,
            big_right: big.is_none_or(|big| big == truth),
            cost: self.cost(record),
        })
    }

    /// What was paid for it, by its `via`; else what it should cost at the known price.
    #[expect(clippy::cast_precision_loss, reason = "dollars for people")]
    fn cost(&self, record: &Record) -> Option<f64> {
        let steps: Vec<Step> = record.get("via").ok().flatten().unwrap_or_default();
        let paid = steps.iter().filter(|s| s.program == "escalate").find_map(|s| s.usage.cost);
        paid.or_else(|| {
            let bytes = self.text.raw(record).map_or(0, str::len) as u64;
            let tokens = crate::cost::likely_tokens(bytes);
            let cost = self.price?.cost(tokens, self.max_tokens)?;
            Some(cost.get() as f64 / store::NANO_PER_USD as f64)
        })
    }
}

fn plain(field: &Field, record: &Record) -> Result<String, Failure> {
    let missing = || Failure::new(Code::MissingField, format!("the record has no '{field}'"));
    field.raw(record).map(normal).ok_or_else(missing)
}

/// A value as it is compared: texts without case and the space around them, the rest as it is.
fn normal(raw: &str) -> String {
    serde_json::from_str::<String>(raw)
        .map_or_else(|_| raw.split_whitespace().collect(), |text| text.trim().to_lowercase())
}

/// One point for each threshold that sends another share; the small model alone first, the big
/// one alone last.
#[expect(clippy::cast_precision_loss, reason = "numbers of records")]
fn curve(mut cases: Vec<Case>) -> Vec<Point> {
    cases.sort_by(|a, b| a.sure.total_cmp(&b.sure));
    let all = cases.len() as f64;
    let mut right = cases.iter().filter(|case| case.small_right).count();
    let mut cost = Some(0.0);
    let point = |sent: usize, right: usize, cost: Option<f64>| Point {
        policy: match sent {
            0 => "always-small",
            sent if sent == cases.len() => "always-big",
            _ => "cascade",
        },
        threshold: match sent {
            0 => Some(0.0),
            sent => cases.get(sent).map(|case| case.sure),
        },
        share: sent as f64 / all,
        accuracy: right as f64 / all,
        accuracy_low: wilson_low(right as f64, all),
        cost: cost.map(|cost| cost / all * 1000.0),
        chosen: false,
    };
    let mut points = vec![point(0, right, cost)];
    for (n, case) in cases.iter().enumerate() {
        right = right + usize::from(case.big_right) - usize::from(case.small_right);
        cost = cost.zip(case.cost).map(|(sum, cost)| sum + cost);
        // Equal confidences are sent together.
        if cases.get(n + 1).is_none_or(|next| next.sure > case.sure) {
            points.push(point(n + 1, right, cost));
        }
    }
    points
}

/// Lower end of the 95 % interval of a share (Wilson 1927).
fn wilson_low(right: f64, all: f64) -> f64 {
    const Z: f64 = 1.959_964;
    let (p, z2) = (right / all, Z * Z);
    let spread = Z * (p * (1.0 - p) / all + z2 / (4.0 * all * all)).sqrt();
    ((p + z2 / (2.0 * all) - spread) / (1.0 + z2 / all)).max(0.0)
}

fn choose(points: &[Point], accuracy: Option<f64>, cost: Option<f64>) -> Option<usize> {
    if let Some(wanted) = accuracy {
        return points.iter().position(|point| point.accuracy >= wanted);
    }
    let cost = cost?;
    let affordable = points.iter().enumerate().filter(|(_, p)| p.cost.is_some_and(|c| c <= cost));
    // Of equals the one that sends least.
    affordable.rev().max_by(|(_, a), (_, b)| a.accuracy.total_cmp(&b.accuracy)).map(|(n, _)| n)
}

/// The ends, the chosen point, and some evenly between.
fn shown(points: &[Point]) -> impl Iterator<Item = &Point> {
    let every = points.len().div_ceil(POINTS).max(1);
    let last = points.len() - 1;
    let wanted = move |n: usize, p: &Point| n.is_multiple_of(every) || n == last || p.chosen;
    points.iter().enumerate().filter(move |(n, p)| wanted(*n, p)).map(|(_, p)| p)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn case(sure: f64, small_right: bool) -> Case {
        Case { sure, small_right, big_right: true, cost: Some(0.001) }
    }

    #[test]
    fn the_curve_goes_from_small_to_big() {
        let cases = vec![case(0.9, true), case(0.2, false), case(0.2, true), case(0.6, true)];
        let points = curve(cases);
        let seen: Vec<_> = points.iter().map(|p| (p.threshold, p.share, p.accuracy)).collect();
        let expected = [
            (Some(0.0), 0.0, 0.75),
            (Some(0.6), 0.5, 1.0),
            (Some(0.9), 0.75, 1.0),
            (None, 1.0, 1.0),
        ];
        assert_eq!(seen, expected);
        assert_eq!(points[3].cost.map(|c| round(c, 6)), Some(1.0));
        assert_eq!(choose(&points, Some(0.9), None), Some(1));
        assert_eq!(choose(&points, None, Some(0.6)), Some(1));
        assert_eq!(choose(&points, None, Some(0.1)), Some(0));
        assert_eq!(choose(&points, Some(0.5), None), Some(0));
    }

    #[test]
    fn the_interval_is_wilsons() {
        assert!((wilson_low(90.0, 100.0) - 0.8256).abs() < 0.0005, "{}", wilson_low(90.0, 100.0));
        assert!(wilson_low(0.0, 10.0).abs() < 1e-9);
    }

    proptest! {
        #![proptest_config(proptest::test_runner::Config { failure_persistence: None, ..Default::default() })]

        #[test]
        fn a_right_big_model_never_makes_it_worse(
            cases in prop::collection::vec((0.0..1.0_f64, any::<bool>()), 1..60),
        ) {
            let points = curve(cases.into_iter().map(|(sure, right)| case(sure, right)).collect());
            prop_assert!(points.is_sorted_by(|a, b| a.accuracy <= b.accuracy && a.share < b.share));
            prop_assert!(points.iter().all(|p| p.accuracy_low <= p.accuracy));
            prop_assert_eq!(points[points.len() - 1].share, 1.0);
        }
    }
}
