use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use cli::{Error, Exit, GeneralArgs, Program, Session, StreamArgs};
use journal::Way;
use metadata::{Shift, SidecarStyle};

use crate::template::Template;

/// The place of a file where none is asked for.
const DEFAULT_TO: &str = "{apart}/{year}/{month:02}-{place}/{taken}_{camera}{ext}";

/// How files come to their places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Apply {
    /// A verified copy; the file stays.
    Copy,
    /// The file itself; to another device a verified copy, then the file goes.
    Move,
    /// Another name of the file (a hard link).
    Link,
    /// A copy that shares its blocks with the file.
    Reflink,
}

impl Apply {
    pub(crate) fn way(self) -> Way {
        match self {
            Self::Copy => Way::Copy,
            Self::Move => Way::Move,
            Self::Link => Way::Link,
            Self::Reflink => Way::Reflink,
        }
    }
}

/// Which pictures are decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Look {
    /// Those without a camera, and those that may be of a burst.
    Auto,
    /// All.
    Always,
    /// None.
    Never,
}

/// Where faces are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum When {
    /// In shots that may be of a burst, if the model is here.
    Auto,
    /// In all pictures.
    Always,
    /// Nowhere.
    Never,
}

/// Programs that read sidecars.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Export {
    /// IMG_1.JPG.xmp.
    Digikam,
    /// IMG_1.xmp.
    Lightroom,
}

impl Export {
    pub(crate) fn style(self) -> SidecarStyle {
        match self {
            Self::Digikam => SidecarStyle::Digikam,
            Self::Lightroom => SidecarStyle::Lightroom,
        }
    }
}

/// Put pictures and videos in their place, by when and where they were taken
///
/// Each file gets "photo": "taken" with "taken_from", "confidence" and "why", dates that contradict
/// it ("conflicts"), "camera", "gps", "place", and, where it was looked at, "sharpness",
/// "exposure", "contrast", "kind" (photo, screenshot, document) and "burst" with the best shot;
/// with models in the store also "faces" and "labels" with their scores. And it gets "plan": "action", "to", "why". Nothing is touched unless --apply says so; then a
/// journal is written first, from which --undo takes everything back and --resume goes on after a
/// crash. Nothing is ever overwritten. On a terminal a summary is shown in place of the records.
///
/// Files that belong together (the halves of a Live Photo, raw and JPEG, XMP, AAE, THM and Takeout
/// sidecars) go together or not at all. What is already in its place stays; a file whose content
/// is there already, or comes twice, is a duplicate and is left where it is; different pictures
/// with one name get a number.
///
/// A date is taken from the first of these that has one that can be true: XMP sidecar; EXIF
/// DateTimeOriginal; QuickTime CreationDate; XMP and DateTimeDigitized; IPTC; PNG; a video's own
/// time; Takeout's JSON; GPS time; the name of the file (cameras, WhatsApp, Signal, Telegram,
/// screenshots, scanners); EXIF DateTime and other times of change; names of folders; with
/// --file-time the file's own. Where a source tells less than another one within the same day, the
/// finer one is taken. Its offset from UTC is its own, else that of the GPS time, of the other half
/// of a Live Photo, of the place's time zone, or --zone's.
///
/// The template of --to: {year} {month} {day} {hour} {minute} {second}, with a width as {month:02};
/// {taken:FORMAT} as strftime has it; {place} (the city) {region} {country} {country_code};
/// {camera} {make} {model}; {kind}; {apart}: "screenshots" or "documents" for those, else nothing;
/// {spare}: "spare" for shots of a burst that are not its best, else nothing; {name}: the old name
/// without extension; {folder}: the old folder's name; and {ext} at the end. {place|country|somewhere}
/// takes the first that is known, or the word. What is not known leaves nothing, nor the separators
/// around it; only without a date a file is left where it is.
#[derive(Debug, Parser)]
#[command(name = "sortphotos")]
pub struct Sortphotos {
    /// Where files go. Folders are made; in names, what some file systems refuse becomes _
    #[arg(long, value_name = "TEMPLATE", default_value = DEFAULT_TO, help_heading = "Places")]
    pub to: Template,

    /// Sort only what this jq expression is true of: it sees the record with its "photo"
    #[arg(long = "where", value_name = "EXPR", help_heading = "Places")]
    pub condition: Option<String>,

    /// Table of cities that gives places their names [default: the one in the model store]
    #[arg(long, value_name = "FILE", help_heading = "Places")]
    pub places: Option<PathBuf>,

    /// Mend a wrong clock: CAMERA=±DURATION, as 'Canon EOS 70D=-1h 30m'; * stands for anything
    #[arg(long, value_name = "CAMERA=TIME", help_heading = "Dates")]
    pub shift: Vec<Shift>,

    /// Time zone, as Europe/Rome, of cameras whose offset from UTC nothing else tells
    #[arg(long, value_name = "ZONE", help_heading = "Dates")]
    pub zone: Option<String>,

    /// Where nothing else tells a date, take the file's time of last change
    #[arg(long, help_heading = "Dates")]
    pub file_time: bool,

    /// Which pictures to look at: auto (those without a camera, and those that may be of a burst),
    /// always, never
    #[arg(
        long,
        value_name = "WHICH",
        default_value = "auto",
        hide_possible_values = true,
        help_heading = "Looking"
    )]
    pub look: Look,

    /// Shots of a burst are at most so many seconds apart
    #[arg(long, value_name = "SECONDS", default_value_t = 3.0, value_parser = seconds, help_heading = "Looking")]
    pub burst_gap: f64,

    /// Where to look for faces, with the model that "models pull mtcnn" gets: auto (in shots that
    /// may be of a burst, if the model is here), always (in all pictures; also plain --faces), never
    #[arg(
        long,
        value_name = "WHERE",
        num_args = 0..=1,
        require_equals = true,
        default_value = "auto",
        default_missing_value = "always",
        hide_possible_values = true,
        help_heading = "Looking"
    )]
    pub faces: When,

    /// Label all pictures with this model, by its name in the model store or by its path; never for
    /// none [default: one that is in the store, for pictures that are looked at]
    #[arg(long, value_name = "MODEL", help_heading = "Looking")]
    pub label_model: Option<String>,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub cache: results::CacheArgs,

    /// Put the files in their places: copy, move, link (another name of the file), reflink
    #[arg(long, value_name = "ACTION", hide_possible_values = true, help_heading = "Acting")]
    pub apply: Option<Apply>,

    /// With --apply: say what would be done, and whether there is room for it; change nothing
    #[arg(short = 'n', long, requires = "apply", help_heading = "Acting")]
    pub dry_run: bool,

    /// With --apply: file to write down in, before it is done, what is done [default: a new one in
    /// journals in the folder of ledgers]
    #[arg(long, value_name = "FILE", requires = "apply", help_heading = "Acting")]
    pub journal: Option<PathBuf>,

    /// Take back what a journal has
    #[arg(long, value_name = "JOURNAL", exclusive = true, help_heading = "Acting")]
    pub undo: Option<PathBuf>,

    /// Do what a journal planned and an interrupted run left undone
    #[arg(long, value_name = "JOURNAL", exclusive = true, help_heading = "Acting")]
    pub resume: Option<PathBuf>,

    /// With --apply: write dates and places into XMP sidecars beside the files
    #[arg(long, requires = "apply", help_heading = "Sidecars")]
    pub write_back: bool,

    /// With --apply: write kinds, bursts, labels (with a score of at least 0.3) and places into
    /// sidecars that this program reads: digikam (IMG_1.JPG.xmp), lightroom (IMG_1.xmp)
    #[arg(
        long,
        value_name = "PROGRAM",
        hide_possible_values = true,
        requires = "apply",
        help_heading = "Sidecars"
    )]
    pub export: Option<Export>,

    /// Write a page with thumbnails, reasons, bursts and conflicts to look through
    #[arg(long, value_name = "HTML", help_heading = "Output")]
    pub contact_sheet: Option<PathBuf>,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub stream: StreamArgs,
}

impl Program for Sortphotos {
    const NAME: &'static str = "sortphotos";
    const EXAMPLES: &'static str = include_str!("examples.txt");

    fn general(&self) -> &GeneralArgs {
        &self.stream.general
    }

    fn run(self, session: &Session) -> Result<Exit, Error> {
        crate::plan::run(&self, session)
    }
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds = text.parse().ok().filter(|s| (0.0..=3600.0).contains(s));
    seconds.ok_or_else(|| "not a number of seconds from 0 to 3600".into())
}
