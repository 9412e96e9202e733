//! What was heard, as a record.

use engine::Segment;
use records::Record;
use serde::Serialize;

use crate::listen::{Heard, Said, round};

/// The `transcript` key.
#[derive(Serialize)]
struct TranscriptKey<'h> {
    /// Absent where nobody asked for one and nobody spoke.
    #[serde(skip_serializing_if = "str::is_empty")]
    language: &'h str,
    /// Seconds of sound that were listened to.
    duration: f64,
    /// The utterance's number in its stream, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    utterance: Option<u64>,
    segments: &'h [Said],
    /// Doubtful segments that were left out.
    #[serde(skip_serializing_if = "is_zero")]
    dropped: u64,
    /// There may be more in the recording.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    truncated: bool,
    /// What is wrong with the recording.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<&'h str>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands references")]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

/// What is wrong with the recording that did not keep it from being transcribed.
pub(crate) fn problem(cut_short: Option<&audio::Error>, skipped_packets: u64) -> Option<String> {
    let skipped = match skipped_packets {
        0 => None,
        1 => Some("a damaged packet was left out".to_owned()),
        n => Some(format!("{n} damaged packets were left out")),
    };
    let parts: Vec<String> =
        cut_short.map(ToString::to_string).into_iter().chain(skipped).collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// Adds what was heard: the text under `result`.
pub(crate) fn write(
    record: &mut Record,
    heard: &Heard,
    (problem, utterance): (Option<&str>, Option<u64>),
    result: &str,
) {
    record.set(result, &text(&heard.segments));
    let transcript = TranscriptKey {
        language: &heard.language,
        duration: heard.duration,
        utterance,
        segments: &heard.segments,
        dropped: heard.dropped,
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

/// All segments that count, a space between two; where speakers are told apart, a line for each turn.
pub(crate) fn text(segments: &[Said]) -> String {
    let mut out = String::new();
    let mut last = None;
    for said in segments.iter().filter(|said| said.counts()) {
        if said.speaker != last
            && let Some(speaker) = said.speaker
        {
            let gap = if out.is_empty() { "" } else { "\n" };
            out.push_str(&format!("{gap}Speaker {speaker}:"));
        }
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(&said.segment.text);
        last = said.speaker;
    }
    out
}

/// The mean of the segments that count, weighted by their lengths; nothing about silence.
pub(crate) fn confidence(segments: &[Said]) -> Option<f64> {
    let segments: Vec<&Said> = segments.iter().filter(|said| said.counts()).collect();
    // A segment of one short word may have no length at all.
    let weight = |s: &Segment| (s.end - s.start).max(0.01);
    let total: f64 = segments.iter().map(|s| weight(&s.segment)).sum();
    let sum: f64 = segments.iter().map(|s| weight(&s.segment) * s.segment.confidence).sum();
    (!segments.is_empty()).then(|| round(sum / total, 1000.0))
}
