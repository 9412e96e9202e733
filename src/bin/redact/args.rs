use std::path::PathBuf;

use clap::Parser;
use cli::{Error, Exit, GeneralArgs, Program, Session, StreamArgs};
use pii::{Kind, Level};
use records::Field;

use crate::style::Style;

/// Take what is private out of texts, and put it back
///
/// Reads "text", replaces what is private in it, and adds "redactions": kind and place of each
/// placeholder. The same text has the same placeholder throughout a run. File operands are texts;
/// JSON lines come from stdin or from files named .jsonl.
///
/// Kinds: person, organisation, place, address, email, phone, iban, card, national_id, ip, mac,
/// url, username, password, secret, birth_date, date, amount, plate, coordinates, wallet. All but
/// date and amount are looked for; --level high looks for these too.
///
/// What has a form is found by its form and its check digits. Names of people, places and
/// organisations are found by word lists (English, German, French, Spanish, Italian, Dutch and
/// some more) and by what stands around them: titles, greetings, signatures, labels. NOT found
/// are names in no list with nothing around them, nicknames, names in small letters, names in
/// scripts without capitals, addresses without a street word, and what only its sense gives away
/// ("the mayor's second wife"). Read what leaves your house.
///
/// A record that fails, here or before, is written as it came, with what is private in it, and its
/// "error": --on-error skip leaves out those that fail here.
///
/// An "id" that is made from the content of a record stays: whoever guesses the whole original can
/// confirm the guess by it. A record with an "id" of its own keeps that.
#[derive(Debug, Parser)]
#[command(
    name = "redact",
    mut_arg("field", |arg| arg.help("Field to read, as a dotted path; '.' for every text in the record, keys and numbers too").value_parser(field)),
    mut_arg("result_key", |arg| arg.help("Key to write the changed text under as well")),
)]
pub struct Redact {
    /// Several fields, separated by commas; those that a record lacks are passed over
    #[arg(long, value_name = "FIELD", value_delimiter = ',', value_parser = field, conflicts_with = "field", help_heading = "Input")]
    pub fields: Vec<Field>,

    /// Kinds to look for, separated by commas [default: all but date and amount]
    #[arg(long, value_name = "KIND", value_delimiter = ',', help_heading = "Finding")]
    pub kinds: Option<Vec<Kind>>,

    /// Kinds to leave alone
    #[arg(long, value_name = "KIND", value_delimiter = ',', help_heading = "Finding")]
    pub without: Vec<Kind>,

    /// How much is taken for private: low (what is nearly certain, scores from 0.75), medium (from
    /// 0.5), high (from 0.25)
    #[arg(long, value_name = "LEVEL", default_value = "medium", help_heading = "Finding")]
    pub level: Level,

    /// The least score for one kind, as in phone=0.7; may be repeated
    #[arg(long, value_name = "KIND=0-1", value_delimiter = ',', value_parser = confidence, help_heading = "Finding")]
    pub confidence: Vec<(Kind, f32)>,

    /// Kinds of your own: a TOML file of [[kind]] tables with name, regex, words, context, score
    #[arg(long, value_name = "FILE", help_heading = "Finding")]
    pub own: Option<PathBuf>,

    /// Texts that are never private, one a line
    #[arg(long, value_name = "FILE", help_heading = "Finding")]
    pub allow: Option<PathBuf>,

    /// Texts that always are, one a line
    #[arg(long, value_name = "FILE", help_heading = "Finding")]
    pub deny: Option<PathBuf>,

    /// What to put in place: placeholder (<PERSON_1>), mask (*** ***), hash (<PERSON#…>, needs
    /// --key-file or --key-command), fake (something invented of the same kind), remove
    #[arg(long, value_name = "STYLE", default_value = "placeholder", help_heading = "Replacing")]
    pub style: Style,

    /// A key (16 bytes at least) that makes placeholders the same in every run and on every
    /// machine: by HMAC-SHA-256, so that without the key nobody can test a guess
    #[arg(long, value_name = "FILE", help_heading = "Replacing")]
    pub key_file: Option<PathBuf>,

    /// The same key, as a command of yours prints it, such as 'pass show redact'
    #[arg(long, value_name = "COMMAND", conflicts_with = "key_file", help_heading = "Replacing")]
    pub key_command: Option<String>,

    /// How many different texts are remembered for their numbers; a forgotten one gets a new number
    #[arg(long, value_name = "N", default_value_t = 1_000_000, help_heading = "Replacing")]
    pub remember: usize,

    /// Keep what was replaced in this file, encrypted
    #[arg(long, value_name = "FILE", help_heading = "Restoring")]
    pub vault: Option<PathBuf>,

    /// The vault's key: any text, the longer the better [default: $HEADWATER_VAULT_KEY]
    #[arg(long, value_name = "FILE", requires = "vault", help_heading = "Restoring")]
    pub vault_key_file: Option<PathBuf>,

    /// The vault's key, as a command of yours prints it: from an agent or a key ring
    #[arg(
        long,
        value_name = "COMMAND",
        requires = "vault",
        conflicts_with = "vault_key_file",
        help_heading = "Restoring"
    )]
    pub vault_key_command: Option<String>,

    /// Put back what the vault has
    #[arg(long, requires = "vault", conflicts_with_all = ["check", "dry_run", "explain", "style"], help_heading = "Restoring")]
    pub restore: bool,

    /// Change nothing: a record with something private fails, with the code "refused"
    #[arg(long, conflicts_with = "dry_run", help_heading = "Handling")]
    pub check: bool,

    /// Change no text: only add "redactions", with places in the text as it is
    #[arg(short = 'n', long, help_heading = "Handling")]
    pub dry_run: bool,

    /// Say for each finding which rule made it, and its score
    #[arg(long, help_heading = "Output")]
    pub explain: bool,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub stream: StreamArgs,
}

impl Program for Redact {
    const NAME: &'static str = "redact";
    const EXAMPLES: &'static str = include_str!("examples.txt");

    fn general(&self) -> &GeneralArgs {
        &self.stream.general
    }

    fn run(self, session: &Session) -> Result<Exit, Error> {
        crate::plan::run(&self, session)
    }
}

/// The path that stands for all of a record.
pub(crate) const WHOLE: &str = ".";

fn field(path: &str) -> Result<Field, String> {
    if path == WHOLE {
        return Ok(Field::key(WHOLE));
    }
    path.parse().map_err(|e: records::FieldError| e.to_string())
}

fn confidence(text: &str) -> Result<(Kind, f32), String> {
    let (kind, least) = text.split_once('=').ok_or("not KIND=0-1")?;
    let kind = kind.parse::<Kind>().map_err(|e| e.to_string())?;
    let least = least.parse().ok().filter(|least| (0.0..=1.0).contains(least));
    least.map(|least| (kind, least)).ok_or_else(|| format!("'{text}' has no number from 0 to 1"))
}
