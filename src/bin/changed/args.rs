use std::path::PathBuf;

use clap::Parser;
use cli::{Error, Exit, GeneralArgs, Program, Session, StreamArgs};
use records::Field;

use crate::lines::From;
use crate::rule::FieldRule;
use crate::time::{Nanos, span};

/// Pass on only what really changed
///
/// Events come in; one passes if it brings news about its key, with "change": "rule" (what made it
/// news, for each field), "prev" (the values reported before), "delta" (differences of numbers),
/// "score" (how far out of the ordinary, or how similar), "since" (when the key was reported last),
/// "suppressed" (events since then that did not pass), and "at" if it is reported later than it
/// came.
///
/// Without rules every difference in a member is news; "id" and "via" do not count, nor do the
/// members with the key and the time. Each --rule has a field (or *, all others) and some of these words:
///
/// Numbers: band=0.5 or band=2% (of the value reported last; with both the wider one): smaller
/// differences are no news. level=20|30: passing one of these is. hysteresis=0.2: to turn back
/// takes so much more.
///
/// Numbers out of the ordinary, each told once: zscore=3:60 or mad=5:60 (limit, how many last
/// values), cusum=0.5:5:30 (slack, limit, how many values to learn from), ewma=0.2:3:30 (weight,
/// limit, how many values to learn from).
///
/// Texts: similar=0.9: those less alike are news (the share of pairs of words that both have).
/// meaning=0.8: the same by meaning, in a field with an embedding (see embed): the cosine of the angle
/// between the two.
///
/// Pictures: picture=0.9, in a field with a path: the file is looked at, and is news if it shows
/// something else, whatever its size and format (how far its detail and colours agree).
///
/// Labels: stays=open:5m|shut:1s: one counts when it stays so long. only=open|shut>ajar: only these
/// labels, or these turns, are news.
///
/// Any value: debounce=5s: only what stands so long counts. every=10s: at most one report in this
/// time, with the last value when it is over. rate=5/1m: at most so many. heartbeat=1h: the next
/// event after so long is news in any case. first=report or keep: whether the first value is news.
/// missing=ignore, report or fail: what it means that a named field is null or not there; for
/// numbers also "" and NaN.
///
/// A value stands until the next event of its key. What waits for its time is reported when that
/// comes, also while nothing else does, with the last record of the key.
///
/// With --state, a run goes on where the last one stopped. State and output are committed
/// together: if a run is killed, the next one writes what is missing. Into a file (>> changes.jsonl)
/// nothing is repeated and nothing is lost; into a pipe the last lines may be repeated, byte for
/// byte (dedupe takes them out). With --resume that holds for input too: what the killed run did not handle is
/// handled now.
#[derive(Debug, Parser)]
#[command(name = "changed")]
pub struct Changed {
    /// What an event is about: a jq expression, such as .host or [.room, .sensor]. Paths are
    /// fastest. Without it all events are about one thing
    #[arg(short, long, value_name = "EXPR", help_heading = "What is watched")]
    pub key: Option<String>,

    /// Only these fields count, and those with a rule of their own: dotted paths, separated by commas
    #[arg(long, value_name = "FIELD", value_delimiter = ',', help_heading = "What is watched")]
    pub fields: Vec<Field>,

    /// These members do not count, separated by commas
    #[arg(
        long,
        value_name = "KEY",
        value_delimiter = ',',
        conflicts_with = "fields",
        help_heading = "What is watched"
    )]
    pub ignore_fields: Vec<String>,

    /// What is news in a field: 'FIELD WORD=VALUE ...', see above; '*' is for all other fields
    #[arg(long = "rule", value_name = "RULE", help_heading = "What is watched")]
    rules: Vec<FieldRule>,

    /// What input lines look like
    #[arg(long, value_name = "FORMAT", default_value = "json", conflicts_with_all = ["raw_input", "paths", "paths0"], help_heading = "Input")]
    pub from: From,

    /// Names of the columns of a table that has no header, separated by commas
    #[arg(long, value_name = "NAME", value_delimiter = ',', help_heading = "Input")]
    pub columns: Vec<String>,

    /// The time of an event: a date with time and zone (RFC 3339), or a number since 1970 of
    /// seconds, milliseconds, microseconds or nanoseconds. Without it, events happen when they come
    #[arg(long, value_name = "FIELD", help_heading = "Input")]
    pub time: Option<Field>,

    /// With --time: wait so long for events that come late, and put them in order. An event older
    /// than the last one of its key is not looked at
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = span, help_heading = "Input")]
    pub late: Nanos,

    /// Keep what is known of each key in this file, over runs. One run at a time
    #[arg(long, value_name = "FILE", help_heading = "State")]
    pub state: Option<PathBuf>,

    /// Stdin is a file that grows by whole lines: go on after what earlier runs have handled. Events
    /// that wait for others (--late) do so until a later run
    #[arg(long, requires = "state", conflicts_with = "operands", help_heading = "State")]
    pub resume: bool,

    /// While more input waits, keep states and output back for so long, or for eight times what
    /// the last commit took
    #[arg(long, value_name = "TIME", default_value = "250ms", requires = "state", value_parser = span, help_heading = "State")]
    pub commit: Nanos,

    /// Forget keys that were not seen for so long, such as 30d
    #[arg(long, value_name = "TIME", requires = "state", value_parser = span, help_heading = "State")]
    pub expire: Option<Nanos>,

    /// Memory for keys; more are kept in the state file, or a temporary one
    #[arg(long, value_name = "SIZE", default_value = "512M", value_parser = size, help_heading = "State")]
    pub memory: u64,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub stream: StreamArgs,
}

impl Changed {
    /// The rules, as they were given.
    pub(crate) fn rules(&self) -> &[FieldRule] {
        &self.rules
    }
}

impl Program for Changed {
    const NAME: &'static str = "changed";
    const EXAMPLES: &'static str = include_str!("examples.txt");

    fn general(&self) -> &GeneralArgs {
        &self.stream.general
    }

    fn run(self, session: &Session) -> Result<Exit, Error> {
        crate::plan::run(&self, session)
    }
}

fn size(text: &str) -> Result<u64, String> {
    parse_size::Config::new().with_binary().parse_size(text).map_err(|e| e.to_string())
}
