//! What operators watch, in Prometheus' text format, version 0.0.4.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::state::Shared;

/// Upper bounds of the histogram, in seconds.
const BOUNDS: [f64; 10] = [0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0, 300.0];

/// The media type of the format.
pub(crate) const MEDIA: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Paths that are counted by name; anything else is "other", so that strangers cannot make up
/// labels.
const PATHS: [&str; 7] = [
    "/health",
    "/metrics",
    "/v1/chat/completions",
    "/v1/completions",
    "/v1/embeddings",
    "/v1/models",
    "other",
];

/// Requests so far, by path.
#[derive(Debug, Default)]
pub(crate) struct Answered(Mutex<BTreeMap<&'static str, Path>>);

#[derive(Debug, Default)]
struct Path {
    by_status: BTreeMap<u16, u64>,
    buckets: [u64; BOUNDS.len()],
    seconds: f64,
    count: u64,
}

impl Answered {
    /// Counts an answer; `after`: until its head was sent.
    pub(crate) fn add(&self, path: &str, status: u16, after: Duration) {
        let known = PATHS.iter().find(|known| **known == path).copied();
        let models = || path.starts_with("/v1/models/").then_some("/v1/models");
        let path = known.or_else(models).unwrap_or("other");
        let mut paths = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = paths.entry(path).or_default();
        *entry.by_status.entry(status).or_default() += 1;
        let seconds = after.as_secs_f64();
        entry.seconds += seconds;
        entry.count += 1;
        for (bucket, bound) in entry.buckets.iter_mut().zip(BOUNDS) {
            *bucket += u64::from(seconds <= bound);
        }
    }
}

/// All of them.
pub(crate) fn text(shared: &Shared) -> String {
    let mut out = String::new();
    requests(&shared.answered, &mut out);
    head(&mut out, "tokens_total", "counter", "Tokens of prompts and of answers, by member.");
    for member in shared.members.iter().chain([&shared.anybody]) {
        for (direction, tokens) in ["in", "out"].iter().zip(member.tokens()) {
            let name = quoted(&member.name);
            line(
                &mut out,
                "tokens_total",
                &format!("direction=\"{direction}\",member={name}"),
                tokens,
            );
        }
    }
    head(&mut out, "abandoned_total", "counter", "Engine calls given up before their end.");
    let abandoned = shared.counters.abandoned.load(Ordering::Relaxed);
    line(&mut out, "abandoned_total", "", abandoned);
    head(&mut out, "requests_running", "gauge", "Requests that a model works on.");
    let lanes: Vec<(String, (usize, usize))> =
        shared.registry.lanes().map(|(model, lane)| (quoted(model), lane.load())).collect();
    for (model, (running, _)) in &lanes {
        line(&mut out, "requests_running", &format!("model={model}"), *running as u64);
    }
    head(&mut out, "requests_waiting", "gauge", "Requests that wait for a model.");
    for (model, (_, waiting)) in &lanes {
        line(&mut out, "requests_waiting", &format!("model={model}"), *waiting as u64);
    }
    head(&mut out, "model_loaded", "gauge", "Whether a model is in memory.");
    for (model, loaded) in shared.registry.loaded() {
        line(&mut out, "model_loaded", &format!("model={}", quoted(model)), u64::from(loaded));
    }
    head(&mut out, "start_time_seconds", "gauge", "When the server started, in Unix time.");
    line(&mut out, "start_time_seconds", "", shared.started);
    out
}

fn requests(answered: &Answered, out: &mut String) {
    let paths = answered.0.lock().unwrap_or_else(PoisonError::into_inner);
    head(out, "requests_total", "counter", "Requests, by path and status.");
    for (path, counts) in paths.iter() {
        for (status, count) in &counts.by_status {
            line(out, "requests_total", &format!("path=\"{path}\",status=\"{status}\""), *count);
        }
    }
    head(out, "request_seconds", "histogram", "Time until an answer began.");
    for (path, counts) in paths.iter() {
        for (bound, count) in BOUNDS.iter().zip(counts.buckets) {
            let labels = format!("path=\"{path}\",le=\"{bound}\"");
            line(out, "request_seconds_bucket", &labels, count);
        }
        let labels = format!("path=\"{path}\",le=\"+Inf\"");
        line(out, "request_seconds_bucket", &labels, counts.count);
        let _ =
            writeln!(out, "headwater_request_seconds_sum{{path=\"{path}\"}} {}", counts.seconds);
        line(out, "request_seconds_count", &format!("path=\"{path}\""), counts.count);
    }
}

fn head(out: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(out, "# HELP headwater_{name} {help}\n# TYPE headwater_{name} {kind}");
}

fn line(out: &mut String, name: &str, labels: &str, value: u64) {
    let labels = if labels.is_empty() { String::new() } else { format!("{{{labels}}}") };
    let _ = writeln!(out, "headwater_{name}{labels} {value}");
}

/// A label's value; backslashes, quotes and line ends are escaped as the format wants it.
fn quoted(value: &str) -> String {
    let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("\"{value}\"")
}
