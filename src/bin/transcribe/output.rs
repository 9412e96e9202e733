//! What was heard, as a record.

use engine::Segment;
use records::Record;
use serde::Serialize;

use crate::listen::{Heard, round};

/// The `transcript` key.
#[derive(Serialize)]
struct TranscriptKey<'h> {
    /// Absent where nobody asked for one and nobody spoke.
    #[serde(skip_serializing_if = "str::is_empty")]
    language: &'h str,
    /// Seconds of sound that were decoded.
    duration: f64,
    segments: &'h [Segment],
    /// There may be more in the recording.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    truncated: bool,
    /// What is wrong with the recording.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<&'h str>,
}

/// What is wrong with the recording that did not keep it from being transcribed.
pub(crate) fn problem(heard: &Heard, skipped_packets: u64) -> Option<String> {
    let skipped = match skipped_packets {
        0 => None,
        1 => Some("a damaged packet was left out".to_owned()),
        n => Some(format!("{n} damaged packets were left out")),
    };
    let parts: Vec<String> =
        heard.cut_short.as_ref().map(ToString::to_string).into_iter().chain(skipped).collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// Adds what was heard: the text under `result`.
pub(crate) fn write(record: &mut Record, heard: &Heard, problem: Option<&str>, result: &str) {
    record.set(result, &text(&heard.segments));
    let transcript = TranscriptKey {
        language: &heard.language,
        duration: heard.duration,
        segments: &heard.segments,
        truncated: heard.cut_short.is_some(),
        problem,
    };
    record.set("transcript", &transcript);
    match confidence(&heard.segments) {
        Some(confidence) => record.set("confidence", &confidence),
        // One of an earlier run would be taken for this one's.
        None => record.remove("confidence"),
    }
}

/// All segments, a space between two.
pub(crate) fn text(segments: &[Segment]) -> String {
    segments.iter().map(|s| s.text.as_str()).collect::<Vec<_>>().join(" ")
}

/// The segments' mean, weighted by their lengths; nothing about silence.
pub(crate) fn confidence(segments: &[Segment]) -> Option<f64> {
    // A segment of one short word may have no length at all.
    let weight = |s: &Segment| (s.end - s.start).max(0.01);
    let total: f64 = segments.iter().map(weight).sum();
    let sum: f64 = segments.iter().map(|s| weight(s) * s.confidence).sum();
    (!segments.is_empty()).then(|| round(sum / total, 1000.0))
}
