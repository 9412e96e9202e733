use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use cli::{Error, Exit, GeneralArgs, Program, Session, StreamArgs};
use journal::Action;
use minhash::{Shingles, Unit};
use records::Field;

use crate::files::Keep;
use crate::fold::Fold;
use crate::meaning::Nearness;

/// Find what is the same, or nearly the same: records, texts, files, pictures
///
/// Records are compared as they come, and the first of each content passes, untouched. With
/// --report all of them pass, with "dup": "group" (the same for all that are the same), "kind"
/// (first, exact, near, likely, link, unique), and for one that repeats another "of" (its id, or its
/// path), "similarity" (0 to 1) and "why". Memory is bounded, however long the input is.
///
/// Files and folders named here, or by --paths, are compared with each other by content: size,
/// then hashes of the first bytes, the last ones, all. Nothing is changed unless --apply says
/// what is to become of those that repeat another. Symbolic links are left alone; with --follow-links
/// the files they lead to are compared, each once, and acted on where they are. Names of one file
/// (hard links) are no copies. With --near and --files, pictures (JPEG, PNG, GIF, WebP,
/// BMP, TIFF, HEIC, AVIF, and raw ones by their previews) are compared by what they show, whatever
/// their size, format and turn; they are only reported, never changed.
///
/// --apply looks once more, byte by byte, right before each change, never touches the last copy,
/// and writes a journal first, from which --undo restores content, permissions and times.
#[derive(Debug, Parser)]
#[command(name = "dedupe")]
pub struct Dedupe {
    /// Records are the same if these fields are: dotted paths, separated by commas
    #[arg(long, value_name = "FIELD", value_delimiter = ',', help_heading = "Records")]
    pub by: Vec<Field>,

    /// Differences between texts that do not count: case, space, unicode (forms of a character)
    #[arg(long, value_name = "WHAT", value_delimiter = ',', help_heading = "Records")]
    pub fold: Vec<Fold>,

    /// Remember contents in this file over runs: each passes once in its life. A run that is
    /// killed may let the last ones pass again
    #[arg(long, value_name = "FILE", conflicts_with_all = ["near", "rethreshold"], help_heading = "Records")]
    pub state: Option<PathBuf>,

    /// Forget what was not seen for so long, such as 30d or 12h
    #[arg(long, value_name = "TIME", requires = "state", value_parser = span, help_heading = "Records")]
    pub expire: Option<Duration>,

    /// Memory for contents of this run; more go to temporary files
    #[arg(long, value_name = "SIZE", default_value = "1G", value_parser = size, help_heading = "Records")]
    pub memory: u64,

    /// Never use temporary files: what was seen is remembered in a filter of --memory, by which
    /// at most this share of all records, such as 1e-6, may be taken for repeated (kind likely) though they
    /// are not. Where the filter is full, what came first is forgotten, and may pass again
    #[arg(long, value_name = "SHARE", value_parser = small, conflicts_with_all = ["state", "near", "rethreshold", "files"], help_heading = "Records")]
    pub approximate: Option<f64>,

    /// Texts ("text", or --field) that are nearly the same count too; with --files or --paths,
    /// pictures. --near=meaning: texts that mean nearly the same, by the "embedding" (or --field) that embed
    /// wrote
    #[arg(long, value_name = "BY", num_args = 0..=1, require_equals = true, default_missing_value = "words", conflicts_with_all = ["by", "fold"], help_heading = "Near texts and pictures")]
    pub near: Option<Nearness>,

    /// With --near: share of their sequences of words that both texts have (Jaccard similarity)
    /// [default: 0.8]; the cosine of their embeddings, or how far pictures agree (correlation of
    /// their detail) [default: 0.9]
    #[arg(long, value_name = "0-1", value_parser = share, help_heading = "Near texts and pictures")]
    pub threshold: Option<f64>,

    /// With --near: pictures that are mirrored are the same too; turned ones always are
    #[arg(long, requires = "near", help_heading = "Near texts and pictures")]
    pub mirrored: bool,

    /// With --near: length of the sequences, in words or characters: word:N or char:N
    #[arg(long, value_name = "UNIT:N", default_value = "word:3", value_parser = shingles, help_heading = "Near texts and pictures")]
    pub shingle: Shingles,

    /// Read a report, and group it anew by this threshold
    #[arg(long, value_name = "0-1", value_parser = share, conflicts_with_all = ["near", "by", "fold"], help_heading = "Near texts and pictures")]
    pub rethreshold: Option<f64>,

    /// Compare the files that "path" names: so always for --paths and for files named here, unless
    /// something above asks for their texts
    #[arg(long, conflicts_with_all = ["by", "fold", "state", "rethreshold", "raw_input"], help_heading = "Files")]
    pub files: bool,

    /// Files in this folder count as there already: what repeats one goes, they are never touched
    #[arg(long, value_name = "DIR", help_heading = "Files")]
    pub reference: Vec<PathBuf>,

    /// Which file of a group stays: first, oldest, newest, shortest (path), path:GLOB, best (the
    /// picture with the most pixels, and of those the sharpest: so for --near if nothing is said);
    /// of several rules the next one decides where one does not
    #[arg(long, value_name = "WHICH", value_delimiter = ',', help_heading = "Files")]
    pub keep: Vec<Keep>,

    /// Leave out smaller files
    #[arg(long, value_name = "SIZE", default_value = "0", value_parser = size, help_heading = "Files")]
    pub min_size: u64,

    /// Leave out larger files
    #[arg(long, value_name = "SIZE", value_parser = size, help_heading = "Files")]
    pub max_size: Option<u64>,

    /// With --report or --duplicates: a folder that repeats another one, with all its files by the same
    /// names and nothing else, stands for what is in it
    #[arg(long, conflicts_with = "apply", help_heading = "Files")]
    pub folders: bool,

    /// Empty files repeat each other
    #[arg(long, help_heading = "Files")]
    pub empty: bool,

    /// Act on other names of the file that stays (hard links) too
    #[arg(long, requires = "apply", help_heading = "Files")]
    pub match_links: bool,

    /// File to keep hashes, and what pictures look like, in [default: digests.db in the folder of caches]
    #[arg(long, value_name = "FILE", conflicts_with = "no_cache", help_heading = "Files")]
    pub cache: Option<PathBuf>,

    /// Neither use nor keep these from run to run
    #[arg(long, help_heading = "Files")]
    pub no_cache: bool,

    /// Change each file that repeats one: hardlink, reflink, symlink, trash, delete, move:DIR.
    /// Compares the two once more, byte by byte, right before
    #[arg(long, value_name = "ACTION", conflicts_with_all = ["report", "duplicates", "by", "fold", "near", "state", "approximate", "rethreshold", "raw_input"], help_heading = "Acting")]
    pub apply: Option<Action>,

    /// With --apply: write what would be done, change nothing
    #[arg(short = 'n', long, requires = "apply", help_heading = "Acting")]
    pub dry_run: bool,

    /// With --apply: file to write down in, before it is done, what is done [default: a new one in
    /// journals in the folder of ledgers]
    #[arg(long, value_name = "FILE", requires = "apply", help_heading = "Acting")]
    pub journal: Option<PathBuf>,

    /// Take back what a journal has
    #[arg(long, value_name = "JOURNAL", exclusive = true, help_heading = "Acting")]
    pub undo: Option<PathBuf>,

    /// All records, each with "dup": what it repeats, and why
    #[arg(long, help_heading = "Output", conflicts_with = "duplicates")]
    pub report: bool,

    /// Only the records that repeat one, with "dup"
    #[arg(short, long, help_heading = "Output")]
    pub duplicates: bool,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub stream: StreamArgs,
}

impl Program for Dedupe {
    const NAME: &'static str = "dedupe";
    const EXAMPLES: &'static str = include_str!("examples.txt");

    fn general(&self) -> &GeneralArgs {
        &self.stream.general
    }

    fn run(self, session: &Session) -> Result<Exit, Error> {
        crate::plan::run(&self, session)
    }
}

fn share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| (f64::MIN_POSITIVE..=1.0).contains(share));
    share.ok_or_else(|| "not a number above 0, and at most 1".into())
}

/// Bloom filters of a few bytes a key reach no smaller shares.
fn small(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| (1e-9..=0.5).contains(share));
    share.ok_or_else(|| "not a number from 1e-9 to 0.5".into())
}

fn shingles(text: &str) -> Result<Shingles, String> {
    let parse = || {
        let (unit, length) = text.split_once(':')?;
        let unit = match unit {
            "word" => Unit::Word,
            "char" => Unit::Char,
            _ => return None,
        };
        let length = length.parse().ok().filter(|length| (1..=100).contains(length))?;
        Some(Shingles { unit, length })
    };
    parse().ok_or_else(|| "not word:N or char:N with N from 1 to 100".into())
}

fn size(text: &str) -> Result<u64, String> {
    parse_size::Config::new().with_binary().parse_size(text).map_err(|e| e.to_string())
}

/// A time with its unit, such as `90s`, `15m`, `12h`, `30d` or `4w`.
fn span(text: &str) -> Result<Duration, String> {
    let units = [("s", 1), ("m", 60), ("h", 3600), ("d", 86_400), ("w", 7 * 86_400)];
    let parse = || {
        let (number, seconds) = units.iter().find_map(|(u, s)| Some((text.strip_suffix(u)?, s)))?;
        number.parse::<u64>().ok()?.checked_mul(*seconds).map(Duration::from_secs)
    };
    parse().ok_or_else(|| "not a time such as 90s, 15m, 12h, 30d or 4w".into())
}
