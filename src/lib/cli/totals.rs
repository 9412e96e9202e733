use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use records::{Failure, Usage};
use serde::Serialize;

use crate::filter::Output;

/// What a run did: `--stats` prints it, and the last message is made from it.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Totals {
    program: &'static str,
    /// Records read.
    #[serde(rename = "in")]
    pub(crate) read: u64,
    /// Records written.
    #[serde(rename = "out")]
    pub(crate) written: u64,
    /// Of those, failed here.
    pub(crate) failed: u64,
    /// Of those, passed untouched.
    pub(crate) passed: u64,
    /// Of those, answered from what an earlier run kept.
    cached: u64,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    failures: BTreeMap<String, u64>,
    /// What the filter counted itself.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) counts: BTreeMap<String, u64>,
    tokens_in: u64,
    tokens_out: u64,
    cost: f64,
    seconds: f64,
    cpu_seconds: f64,
    #[serde(skip)]
    first_failure: Option<String>,
}

impl Totals {
    pub(crate) fn new(program: &'static str) -> Self {
        Self { program, ..Self::default() }
    }

    pub(crate) fn count(&mut self, output: &Output) {
        self.written += 1;
        match (&output.failure, &output.usage) {
            (Some(failure), _) => self.count_failure(output, failure),
            (None, Some(usage)) => self.count_usage(usage),
            (None, None) => self.passed += 1,
        }
    }

    fn count_usage(&mut self, usage: &Usage) {
        self.tokens_in += usage.tokens_in.unwrap_or(0);
        self.tokens_out += usage.tokens_out.unwrap_or(0);
        self.cost += usage.cost.unwrap_or(0.0);
        self.cached += u64::from(usage.cached == Some(true));
    }

    fn count_failure(&mut self, output: &Output, failure: &Failure) {
        self.failed += 1;
        *self.failures.entry(failure.code.to_string()).or_default() += 1;
        if self.first_failure.is_none() {
            self.first_failure = Some(describe(output, failure));
        }
    }

    pub(crate) fn finish(&mut self, started: Instant) {
        self.seconds = started.elapsed().as_secs_f64();
        let cpu = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        self.cpu_seconds = Duration::try_from(cpu).unwrap_or_default().as_secs_f64();
    }

    /// One line for people, when something failed.
    pub(crate) fn failure_summary(&self) -> Option<String> {
        let first = self.first_failure.as_ref()?;
        let kinds: Vec<_> = self.failures.iter().map(|(code, n)| format!("{n} {code}")).collect();
        Some(format!(
            "{} of {} records failed ({}); first: {first}",
            self.failed,
            self.read,
            kinds.join(", ")
        ))
    }
}

/// The failure with what is known of where it happened.
pub(crate) fn describe(output: &Output, failure: &Failure) -> String {
    let path = output.record.get::<records::Text>("path").ok().flatten();
    match path {
        Some(path) => format!("{}: {}", path.as_os().display(), failure.message),
        None => failure.message.clone(),
    }
}
