use std::path::PathBuf;

use clap::Parser;
use cli::{Error, Exit, GeneralArgs, Program, Session, StreamArgs};

use crate::filter::TranscribeFilter;
use crate::format::Format;
use crate::plan::Plan;

/// Turn speech in audio and video files into text
///
/// Reads the file named by "path" (or an operand, or stdin's bytes with '-') and adds "text",
/// "transcript" (language, duration, and segments with their times) and "confidence", the mean
/// probability of what was written. Silence is found first and left out; a recording without
/// speech gets an empty text. Nothing that was said in one part of a recording, or in another
/// recording, is told to the model for the next, so that one mistake does not breed more. The
/// likeliest word is written each time; where that leaves a segment with a confidence under 0.7,
/// the model looks again and follows three texts side by side (a beam search), and the better of
/// the two counts.
///
/// Doubtful segments stay, and say why under "suspect": "repetition" (the text compresses more
/// than 2.4-fold), "no speech" (the model heard silence, with a probability over 0.6, and was
/// unsure), "low probability" (a mean log-probability of the tokens below -1), "no words" (notes
/// and signs only: music, mostly), "too much text for its time". What the model took for silence
/// ("no speech") stands in "transcript" alone, neither in "text" nor in captions. A recording that is cut off or
/// damaged is transcribed as far as it goes: its "transcript" then has "truncated" and "problem",
/// and a warning says so.
///
/// WAV, AIFF, CAF, FLAC, MP3, Ogg, Opus, M4A, MP4, MKV and WebM are read by this program itself,
/// from a file or a pipe. What it cannot read is given to ffmpeg, where that is installed. Memory
/// does not grow with the length of a recording. One model is loaded for all files, and a file
/// that fails does not keep the others from being transcribed.
#[derive(Debug, Parser)]
#[command(name = "transcribe")]
pub struct Transcribe {
    /// Model: a name in the store, or a whisper.cpp file
    #[arg(
        short,
        long,
        value_name = "NAME",
        default_value = "whisper-tiny.en",
        help_heading = "Model"
    )]
    pub model: String,

    /// Model that finds speech, or "none": silence is then transcribed too
    #[arg(long, value_name = "NAME", default_value = "silero-vad", help_heading = "Model")]
    pub vad: String,

    /// Parts of one recording transcribed at the same time [default: as many as there are cores
    /// for each of the recordings named, at most 4]
    #[arg(long, value_name = "N", help_heading = "Model", value_parser = clap::value_parser!(u8).range(1..=64))]
    pub threads: Option<u8>,

    /// Compute at once, without taking turns with other headwater programs
    #[arg(long, help_heading = "Model")]
    pub no_jobserver: bool,

    /// Language that is spoken, as a code such as "de"; "auto" finds it out for each recording
    ///
    /// Models whose names end in ".en" know English only.
    #[arg(short, long, value_name = "CODE", default_value = "auto")]
    pub language: String,

    /// Write English whatever is spoken
    #[arg(long)]
    pub translate: bool,

    /// Times of words too
    #[arg(long)]
    pub words: bool,

    /// Text that the model takes for what was said before: its spelling and style are followed
    ///
    /// At most 223 tokens, about 150 words, with the vocabulary. It raises the probability of the
    /// words in it, and may make them appear where they were not said. With a small model, each
    /// token takes 0.4 MB of memory for each worker.
    #[arg(long, value_name = "TEXT")]
    pub prompt: Option<String>,

    /// Words and names that are likely to occur, one a line, added to the prompt
    #[arg(long, value_name = "FILE")]
    pub vocabulary: Option<PathBuf>,

    /// Begin so many seconds into each recording; times count from its start all the same
    #[arg(long, value_name = "SECONDS", value_parser = cli::args::seconds)]
    pub offset: Option<std::time::Duration>,

    /// Transcribe at most so many seconds of each recording
    #[arg(long, value_name = "SECONDS", value_parser = cli::args::seconds)]
    pub duration: Option<std::time::Duration>,

    /// Leave doubtful segments out; "transcript" has their number under "dropped"
    #[arg(long)]
    pub drop_suspect: bool,

    /// What the channels of a recording are
    #[arg(long, value_name = "WHICH", default_value = "mix", help_heading = "Input")]
    pub channels: ChannelsArg,

    /// Input is samples without a header: encoding, rate and channels, such as s16le:16000:1
    ///
    /// Encodings: u8, s8, s16le, s24le, s32le, f32le, f64le (or be), mulaw, alaw.
    #[arg(long, value_name = "FORMAT", help_heading = "Input")]
    pub pcm: Option<audio::Pcm>,

    /// Write each utterance as a record as soon as it has ended: for microphones and calls
    ///
    /// An utterance ends with 0.6 s of silence, or after 20 s. "transcript" has its number and
    /// the times since the start of the stream. At the end of input, and on the first SIGINT
    /// (Ctrl-C), the last utterance is written before the program ends.
    #[arg(long, help_heading = "Input", conflicts_with_all = ["output", "cache"])]
    pub stream: bool,

    /// Form of what is written: to files with -o, otherwise as plain text on stdout
    ///
    /// Captions and tables are of one recording, so without -o there must be one operand.
    #[arg(long, value_name = "FORM", default_value = "jsonl", help_heading = "Output")]
    pub format: Format,

    /// Folder to write one file for each recording to, named like it: memo.m4a becomes memo.srt
    ///
    /// Recordings in folders among the operands keep their place below that folder. The file's
    /// name is in the record, under "output". Two recordings never share a file, and a file that
    /// is there already with other contents is kept: the record then fails.
    #[arg(short, long, value_name = "DIR", help_heading = "Output")]
    pub output: Option<PathBuf>,

    /// Replace files that are there already
    #[arg(long, requires = "output", help_heading = "Output")]
    pub force: bool,

    /// Tell which of these phrases was said: one a line, or JSON lines with "phrase"
    ///
    /// Adds "command" (the phrase, or null where none fits), "spotted" (its probability, its
    /// score, the next best, and what else stands in its JSON line, under "entry") and "text",
    /// what was heard without the list. A score is the log-probability of the phrase for each of
    /// its tokens, less that of what the model would write freely: 0 is best. A recording may
    /// last 30 s; of more than 11 s of speech the part decides that is likeliest to be a command.
    /// With --stream each utterance is one command.
    #[arg(long, value_name = "FILE", help_heading = "Commands", conflicts_with_all = ["output", "format", "translate", "words"])]
    pub commands: Option<PathBuf>,

    /// Fit the threshold to recordings whose records have the right "command", or null for none
    ///
    /// Prints one record: the calibration, with how often it is right. Keep it in a file for
    /// --calibration. Twenty recordings of commands and twenty of something else are a start.
    #[arg(long, requires = "commands", conflicts_with = "stream", help_heading = "Commands")]
    pub calibrate: bool,

    /// Use what --calibrate printed for the same phrases and model
    #[arg(
        long,
        value_name = "FILE",
        requires = "commands",
        conflicts_with = "calibrate",
        help_heading = "Commands"
    )]
    pub calibration: Option<PathBuf>,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub cache: results::CacheArgs,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub records: StreamArgs,
}

/// What the channels of a recording are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum ChannelsArg {
    /// Microphones of the same sound: their mean is transcribed.
    Mix,
    /// Speakers, as in a recorded call: each is transcribed alone, and segments have "speaker", 1
    /// for the first (left) channel.
    Split,
}

impl Program for Transcribe {
    const NAME: &'static str = "transcribe";
    const EXAMPLES: &'static str = include_str!("examples.txt");

    fn general(&self) -> &GeneralArgs {
        &self.records.general
    }

    fn run(self, session: &Session) -> Result<Exit, Error> {
        let plan = Plan::new(&self, session)?;
        let jobs = plan.jobs;
        let mut records = self.records;
        // The program shows seconds of sound in place of the driver's number of records.
        records.general.progress = cli::args::When::Never;
        records.raw_output |= plan.prints_document;
        if plan.is_spotting() && records.result_key.is_none() {
            records.result_key = Some("command".to_owned());
        }
        cli::driver::run(TranscribeFilter::new(plan), &records, jobs, session)
    }
}
