//! Arguments that programs share: the same spelling and meaning everywhere.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use records::{Field, MAX_LINE};

/// When to do something that is meant for people at a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum When {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What becomes of a record that fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OnError {
    /// Write it unchanged, with "error" added, and go on.
    Pass,
    /// Leave it out, say so on stderr, and go on.
    Skip,
    /// Write it with "error", and stop.
    Fail,
}

/// Arguments of every program.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Messages")]
pub struct GeneralArgs {
    /// Errors only on stderr
    #[arg(short, long)]
    pub quiet: bool,

    /// More on stderr; twice for yet more
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub verbose: u8,

    /// Colour in messages
    #[arg(long, value_name = "WHEN", default_value = "auto", hide_possible_values = false)]
    pub color: When,

    /// Progress on stderr
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub progress: When,

    /// Give way to everything else on this machine: lowest priority for the processor
    #[arg(long, help_heading = "Handling")]
    pub nice: bool,
}

/// Arguments of every filter: where records come from, how they are handled, how they leave.
#[derive(Clone, Debug, Args)]
pub struct StreamArgs {
    /// Files and folders to read; '-' is stdin's bytes. Without any, stdin is JSON lines
    #[arg(value_name = "FILE")]
    pub operands: Vec<PathBuf>,

    /// Each line of input is a text, not a record
    #[arg(short = 'R', long, help_heading = "Input", conflicts_with_all = ["paths", "paths0"])]
    pub raw_input: bool,

    /// With -R: all of the input is one text
    #[arg(short, long, help_heading = "Input", requires = "raw_input")]
    pub slurp: bool,

    /// Each line of stdin is a path
    #[arg(long, help_heading = "Input", conflicts_with = "operands")]
    pub paths: bool,

    /// Paths on stdin end in NUL, as from find -print0
    #[arg(short = '0', long, help_heading = "Input", conflicts_with_all = ["operands", "paths"])]
    pub paths0: bool,

    /// Field to read, as a dotted path
    #[arg(long, value_name = "FIELD", help_heading = "Input")]
    pub field: Option<Field>,

    /// Longest line, or text read whole, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = MAX_LINE, help_heading = "Input")]
    pub max_line: usize,

    /// Take hidden files in folders too
    #[arg(long, help_heading = "Input")]
    pub hidden: bool,

    /// Do not honour .gitignore and .ignore in folders
    #[arg(long, help_heading = "Input")]
    pub no_ignore: bool,

    /// Go through symbolic links in folders
    #[arg(long, help_heading = "Input")]
    pub follow_links: bool,

    /// Print the main result as plain text instead of records
    #[arg(short = 'r', long, help_heading = "Output")]
    pub raw_output: bool,

    /// Key to write the main result under
    #[arg(long = "as", value_name = "KEY", help_heading = "Output")]
    pub result_key: Option<String>,

    /// Write records as they are done, not in input order
    #[arg(long, help_heading = "Output")]
    pub unordered: bool,

    /// Do not add to "via"
    #[arg(long, help_heading = "Output")]
    pub no_via: bool,

    /// Records handled at the same time
    #[arg(short, long, value_name = "N", help_heading = "Handling", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub jobs: Option<u16>,

    /// What to do with a record that fails
    #[arg(long, value_name = "WHAT", default_value = "pass", help_heading = "Handling")]
    pub on_error: OnError,

    /// Stop after N records; exit 3 if there were more
    #[arg(long, value_name = "N", help_heading = "Handling")]
    pub limit: Option<u64>,

    /// Give up a record after this many seconds
    #[arg(long, value_name = "SECONDS", value_parser = seconds, help_heading = "Handling")]
    pub timeout: Option<Duration>,

    /// Print totals as one JSON line on stderr at the end
    #[arg(long, help_heading = "Messages")]
    pub stats: bool,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub general: GeneralArgs,
}

impl StreamArgs {
    /// What a folder's walk leaves out.
    pub fn walk(&self) -> walk::Options {
        walk::Options {
            hidden: self.hidden,
            no_ignore: self.no_ignore,
            follow_links: self.follow_links,
        }
    }

    /// The field to read: the one asked for, or the program's own. `default` must be a plain key.
    pub fn field_or(&self, default: &'static str) -> Field {
        self.field.clone().unwrap_or_else(|| Field::key(default))
    }

    /// The key of the main result: the one asked for, or the program's own.
    pub fn result_or<'a>(&'a self, default: &'a str) -> &'a str {
        self.result_key.as_deref().unwrap_or(default)
    }
}

/// A positive number of seconds, such as `2.5`.
///
/// # Errors
/// A message for people.
pub fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    match Duration::try_from_secs_f64(seconds) {
        Ok(duration) if !duration.is_zero() => Ok(duration),
        _ => Err("not a positive number of seconds".into()),
    }
}
