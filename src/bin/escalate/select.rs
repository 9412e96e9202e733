//! Which records are sent on.

use expression::{ExpressionError, Guard, Limits};
use records::{Code, Failure, Record};

use crate::args::GateArgs;

/// What becomes of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    /// It passes untouched.
    Pass,
    /// It is asked about.
    Ask,
    /// It would pass, but belongs to the sample that is asked about to see what passing misses.
    Audit,
}

/// The gate: everything that decides on a record by itself.
pub(crate) struct Selector {
    when: Option<Guard>,
    below: Option<f64>,
    sample: Option<f64>,
    seed: u64,
    /// Nothing but the sample is asked about.
    only_sample: bool,
}

impl Selector {
    /// Compiles the expression.
    pub(crate) fn new(args: &GateArgs) -> Result<Self, ExpressionError> {
        let when = args.when.as_deref().map(|e| Guard::new(e, Limits::default())).transpose()?;
        Ok(Self {
            only_sample: args.sample.is_some()
                && when.is_none()
                && args.below.is_none()
                && args.top.is_none(),
            when,
            below: args.below,
            sample: args.sample,
            seed: args.seed,
        })
    }

    pub(crate) fn choose(&self, record: &Record) -> Result<Choice, Failure> {
        if !self.only_sample && self.is_wanted(record)? {
            return Ok(Choice::Ask);
        }
        let sampled = self.sample.is_some_and(|share| place(self.seed, &record.id()) < share);
        Ok(if sampled { Choice::Audit } else { Choice::Pass })
    }

    fn is_wanted(&self, record: &Record) -> Result<bool, Failure> {
        if let Some(limit) = self.below
            && confidence(record)?.is_some_and(|sure| sure >= limit)
        {
            return Ok(false);
        }
        let Some(gate) = &self.when else { return Ok(true) };
        gate.admits(record.as_str()).map_err(|e| {
            let code = if e.is_fatal() { Code::Bug } else { Code::Unsupported };
            Failure::new(code, format!("--when: {e}"))
        })
    }
}

/// How sure the small model was; `None` where it said nothing.
pub(crate) fn confidence(record: &Record) -> Result<Option<f64>, Failure> {
    match record.get::<Option<f64>>("confidence") {
        Ok(sure) => Ok(sure.flatten()),
        Err(e) => Err(Failure::new(Code::MissingField, e)),
    }
}

/// Where an id falls between 0 and 1: the same in every run and on every machine.
#[expect(clippy::cast_precision_loss, reason = "the lowest bits of a random number")]
fn place(seed: u64, id: &str) -> f64 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed.to_le_bytes()).update(id.as_bytes());
    let mut first = [0; 8];
    first.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
    u64::from_le_bytes(first) as f64 / u64::MAX as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_spread_evenly_and_another_seed_gives_another() {
        let chosen = |seed| (0..10_000).filter(|n| place(seed, &format!("r{n}")) < 0.1).count();
        for seed in 0..4 {
            assert!((850..1150).contains(&chosen(seed)), "{}", chosen(seed));
        }
        let both = (0..10_000).filter(|n| {
            let id = format!("r{n}");
            place(0, &id) < 0.1 && place(1, &id) < 0.1
        });
        assert!(both.count() < 200);
    }
}
