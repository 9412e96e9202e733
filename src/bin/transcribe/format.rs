//! Transcripts as text files: lines, captions, tables.

use std::fmt::Write as _;

use crate::listen::{Heard, Said};

/// The form of what is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Records; in a file, the recording's own.
    Jsonl,
    /// A line for each segment.
    Txt,
    /// `SubRip` captions.
    Srt,
    /// `WebVTT` captions; with --words, each word has its time.
    Vtt,
    /// A table: start and end in milliseconds, the speaker where channels are split, the text;
    /// with --words, a row for each word.
    Tsv,
}

impl Format {
    /// The extension of its files.
    pub(crate) fn extension(self) -> &'static str {
        match self {
            Self::Jsonl => "jsonl",
            Self::Txt => "txt",
            Self::Srt => "srt",
            Self::Vtt => "vtt",
            Self::Tsv => "tsv",
        }
    }

    /// Whether several can follow each other in one file.
    pub(crate) fn can_be_joined(self) -> bool {
        matches!(self, Self::Jsonl | Self::Txt)
    }

    /// What was heard, in this form, without the newline at the end; nothing for records.
    pub(crate) fn render(self, heard: &Heard) -> String {
        let mut out = String::new();
        // Writing to a string cannot fail.
        let _ = match self {
            Self::Jsonl => Ok(()),
            Self::Txt => lines(heard, &mut out),
            Self::Srt => srt(heard, &mut out),
            Self::Vtt => vtt(heard, &mut out),
            Self::Tsv => tsv(heard, &mut out),
        };
        out.truncate(out.trim_end().len());
        out
    }
}

/// The text on one line, without control characters.
fn line(text: &str) -> String {
    text.split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

fn lines(heard: &Heard, out: &mut String) -> std::fmt::Result {
    for said in heard.segments.iter().filter(|said| said.counts()) {
        match said.speaker {
            Some(speaker) => writeln!(out, "Speaker {speaker}: {}", line(&said.segment.text))?,
            None => writeln!(out, "{}", line(&said.segment.text))?,
        }
    }
    Ok(())
}

/// Hours, minutes, seconds and milliseconds.
fn clock(seconds: f64, point: char) -> String {
    let ms = milliseconds(seconds);
    let (h, m, s) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
    format!("{h:02}:{m:02}:{s:02}{point}{:03}", ms % 1000)
}

fn milliseconds(seconds: f64) -> u64 {
    // Times are never negative, and a recording is shorter than the age of the universe.
    (seconds.max(0.0) * 1000.0).round() as u64
}

/// When a caption is shown: for a moment at least, or players refuse it.
fn shown(said: &Said) -> (f64, f64) {
    (said.segment.start, said.segment.end.max(said.segment.start + 0.1))
}

fn srt(heard: &Heard, out: &mut String) -> std::fmt::Result {
    for (n, said) in heard.segments.iter().filter(|said| said.counts()).enumerate() {
        let (start, end) = shown(said);
        let speaker = said.speaker.map(|n| format!("Speaker {n}: ")).unwrap_or_default();
        // An arrow in the text would be read as a caption's times.
        let text = line(&said.segment.text).replace("-->", "->");
        writeln!(out, "{}\n{} --> {}", n + 1, clock(start, ','), clock(end, ','))?;
        writeln!(out, "{speaker}{text}\n")?;
    }
    Ok(())
}

/// Text as it stands in a cue: W3C WebVTT, section 3.3.
fn escaped(text: &str) -> String {
    line(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn vtt(heard: &Heard, out: &mut String) -> std::fmt::Result {
    writeln!(out, "WEBVTT\n")?;
    for said in heard.segments.iter().filter(|said| said.counts()) {
        let (start, end) = shown(said);
        writeln!(out, "{} --> {}", clock(start, '.'), clock(end, '.'))?;
        if let Some(speaker) = said.speaker {
            write!(out, "<v Speaker {speaker}>")?;
        }
        let words = &said.segment.words;
        if words.is_empty() {
            write!(out, "{}", escaped(&said.segment.text))?;
        }
        let mut last = start;
        for (n, word) in words.iter().enumerate() {
            let gap = if n == 0 { "" } else { " " };
            // A time within a cue must be later than the one before it, and earlier than its end.
            if milliseconds(word.start) > milliseconds(last) && word.start < end {
                write!(out, "{gap}<{}>{}", clock(word.start, '.'), escaped(&word.word))?;
                last = word.start;
            } else {
                write!(out, "{gap}{}", escaped(&word.word))?;
            }
        }
        writeln!(out, "\n")?;
    }
    Ok(())
}

fn tsv(heard: &Heard, out: &mut String) -> std::fmt::Result {
    let split = heard.segments.iter().any(|said| said.speaker.is_some());
    writeln!(out, "start\tend\t{}text", if split { "speaker\t" } else { "" })?;
    for said in heard.segments.iter().filter(|said| said.counts()) {
        let speaker = said.speaker.map(|n| format!("{n}\t")).unwrap_or_default();
        let mut row = |start: f64, end: f64, text: &str| {
            let (start, end) = (milliseconds(start), milliseconds(end));
            writeln!(out, "{start}\t{end}\t{speaker}{}", line(text))
        };
        if said.segment.words.is_empty() {
            row(said.segment.start, said.segment.end, &said.segment.text)?;
        }
        for word in &said.segment.words {
            row(word.start, word.end, &word.word)?;
        }
    }
    Ok(())
}
