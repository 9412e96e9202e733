use std::path::PathBuf;
use std::sync::atomic::Ordering;

use clap::Parser;
use cli::{Error, Exit, GeneralArgs, Program, Session, StreamArgs};
use records::Field;
use store::NanoUsd;

use crate::calibrate;
use crate::filter::EscalateFilter;
use crate::offline;
use crate::plan::Plan;
use crate::reach::Reach;
use crate::report;

/// Ask a bigger model about the few records that need it
///
/// Records that the gate chooses (all, without one) are sent to a model with the question; "answer"
/// comes back. All other records pass untouched. With --all, one request holds everything that is
/// left, and one record with the answer is written at the end. Money is set aside before a call and
/// settled after it: --budget is never exceeded, also by several processes or after a crash. Answers
/// are stored before they are written: a run that was killed goes on where it was.
#[derive(Debug, Parser)]
#[command(name = "escalate")]
pub struct Escalate {
    /// What to ask about each record, or about all of them
    #[arg(long, short = 'Q', value_name = "TEXT",
          required_unless_present_any = ["calibrate", "prompt", "ledger", "offline_batch"])]
    pub question: Option<String>,

    /// File with the question. {{field}} stands for what the record has there; with such
    /// placeholders nothing else of the record is sent
    #[arg(long, value_name = "FILE", conflicts_with = "question")]
    pub prompt: Option<PathBuf>,

    /// One request about everything that is left; one answer. What does not fit the model's
    /// context goes in parts, whose answers are asked about in turn
    #[arg(long)]
    pub all: bool,

    /// Ask about N records in one request; each gets its own answer
    #[arg(long, value_name = "N", conflicts_with = "all",
          value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub batch: Option<u32>,

    /// File with a JSON Schema: answers are JSON of this shape. One that does not fit is asked
    /// about once more, with the error
    #[arg(long, value_name = "FILE")]
    pub schema: Option<PathBuf>,

    /// Field with the path of a picture that goes with the question, for models that see
    #[arg(long, value_name = "FIELD", conflicts_with_all = ["all", "batch"])]
    pub attach: Option<Field>,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub provider: ProviderArgs,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub leaks: LeakArgs,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub money: MoneyArgs,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub gate: GateArgs,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub offline: OfflineArgs,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub calibration: CalibrationArgs,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub stream: StreamArgs,
}

/// Which records are sent.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Gate")]
pub struct GateArgs {
    /// Ask only where this jq expression is true of the record
    #[arg(long, value_name = "EXPR")]
    pub when: Option<String>,

    /// Ask only where "confidence" is below X or missing
    #[arg(long, value_name = "X", value_parser = share)]
    pub below: Option<f64>,

    /// Ask only about the N least sure of these; they come last in the output
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub top: Option<u32>,

    /// Let a model on this machine answer first, several times; what it says again and again is
    /// kept, with "agreement", and only the other records go to --to
    #[arg(long = "try", value_name = "local:MODEL")]
    pub first: Option<String>,

    /// With --try: answers to each question
    #[arg(long, value_name = "N", default_value_t = 3,
          value_parser = clap::value_parser!(u64).range(1..=15))]
    pub samples: u64,

    /// With --try: the share of answers that have to say the same
    #[arg(long, value_name = "SHARE", value_parser = share, default_value_t = 1.0)]
    pub agree: f64,

    /// Ask also about this share of the others, chosen by id, for an audit: "sampled" is added.
    /// Without --when, --below and --top, only about them
    #[arg(long, value_name = "P", value_parser = share)]
    pub sample: Option<f64>,

    /// Chooses another sample
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
}

/// Who is asked.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Provider")]
pub struct ProviderArgs {
    /// Who to ask: a provider's name, a URL up to /v1, or local:MODEL. Several with commas: the
    /// next one is asked when one is down, overloaded, too slow, or declines
    #[arg(long, value_name = "WHO", default_value = Plan::DEFAULT_TARGET)]
    pub to: String,

    /// Model to ask for [default: the provider's]
    #[arg(long, short, value_name = "NAME")]
    pub model: Option<String>,

    /// How far records may go: providers of this class and nearer ones. A record's own "privacy",
    /// or "private": true, can only be nearer
    #[arg(long, value_name = "CLASS", default_value = "cloud")]
    pub privacy: Reach,

    /// Environment variable that holds the key [default: the provider's]
    #[arg(long, value_name = "NAME", conflicts_with_all = ["key_file", "key_command"])]
    pub key_env: Option<String>,

    /// File that holds the key
    #[arg(long, value_name = "FILE", conflicts_with = "key_command")]
    pub key_file: Option<PathBuf>,

    /// Command that prints the key
    #[arg(long, value_name = "COMMAND")]
    pub key_command: Option<String>,

    /// Providers and prices of your own, in TOML
    /// [default: providers.toml beside the configuration file]
    #[arg(long, value_name = "FILE")]
    pub providers: Option<PathBuf>,

    /// Proxy on the way: http://, socks5:// or socks5h://HOST:PORT
    /// [default: the provider's, else ALL_PROXY or HTTPS_PROXY]
    #[arg(long, value_name = "URL")]
    pub proxy: Option<String>,

    /// File of certificates that are trusted instead of the well-known ones
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,

    /// Tokens that fit the model, request and answer together [default: the provider's]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(512..=100_000_000))]
    pub context: Option<u64>,

    /// Tokens of an answer, at most
    #[arg(long, value_name = "N", default_value_t = 512,
          value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub max_tokens: u64,

    /// Attempts after failures that cost nothing
    #[arg(long, value_name = "N", default_value_t = 5,
          value_parser = clap::value_parser!(u32).range(1..=100))]
    pub attempts: u32,

    /// Ask about no more records when this many have failed; they pass, and the exit status is 3
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub max_errors: Option<u64>,

    /// File to keep answers in [default: answers.db beside the ledger]
    #[arg(long, value_name = "FILE", conflicts_with = "no_cache")]
    pub cache: Option<PathBuf>,

    /// Ask again for what was answered before, and keep no answers
    #[arg(long)]
    pub no_cache: bool,
}

/// What may leave this machine.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Leaks")]
pub struct LeakArgs {
    /// Replace what is private in records by placeholders before they are sent, and put the
    /// originals back into answers
    #[arg(long)]
    pub redact: bool,

    /// Send records though something private was found in them. With a list, as in
    /// --allow-pii=date,amount, only these kinds. Else such a record is asked about on this machine
    /// or fails; the question itself is not searched. Pictures cannot be searched: they need it
    #[arg(long, value_name = "KINDS", num_args = 0..=1, require_equals = true,
          default_missing_value = crate::leak::ALL)]
    pub allow_pii: Option<String>,

    /// Ask nothing; print the requests that would be sent
    #[arg(long, conflicts_with = "estimate")]
    pub dry_run: bool,
}

/// What may be spent.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Money")]
pub struct MoneyArgs {
    /// Dollars that this run may spend
    #[arg(long, value_name = "USD", value_parser = dollars)]
    pub budget: Option<NanoUsd>,

    /// Dollars that may be spent in a day (UTC), by all runs together
    #[arg(long, value_name = "USD", value_parser = dollars)]
    pub budget_day: Option<NanoUsd>,

    /// Dollars that may be spent in a month (UTC), by all runs together
    #[arg(long, value_name = "USD", value_parser = dollars)]
    pub budget_month: Option<NanoUsd>,

    /// Calls that this run may make, free ones too
    #[arg(long, value_name = "N")]
    pub max_calls: Option<u64>,

    /// Ask nothing; print what asking would take: calls, tokens, dollars
    #[arg(long)]
    pub estimate: bool,

    /// Name under which this run's calls stand in the ledger's report
    #[arg(long, value_name = "NAME", value_parser = pipeline)]
    pub pipeline: Option<String>,

    /// Print what was spent, by day, model and pipeline, and what passing records saved
    #[arg(long)]
    pub ledger: bool,

    /// The model's price: dollars for a million tokens in, and out, as 0.15,0.60
    #[arg(long, value_name = "IN,OUT")]
    pub price: Option<String>,
}

/// The two halves of asking a provider that takes its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Half {
    /// Send.
    Submit,
    /// Fetch.
    Collect,
}

/// Answers within a day, for half the price.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Offline")]
pub struct OfflineArgs {
    /// Ask through the provider's batch interface: answers within a day, for half the price.
    /// "submit" writes the records that need no call and keeps the others, with their money, until
    /// "collect" writes those that were answered or failed; until then it writes nothing. A
    /// record that waits already is not sent again. One of --to, --model and --pipeline is one
    /// queue; --price is then the batch's
    #[arg(long, value_name = "HALF",
          conflicts_with_all = ["all", "batch", "top", "first", "estimate", "calibrate", "ledger"])]
    pub offline_batch: Option<Half>,

    /// With "collect": wait until all batches are answered, for --timeout at most
    #[arg(long, requires = "offline_batch")]
    pub wait: bool,
}

/// Choosing the gate's threshold.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Calibration")]
pub struct CalibrationArgs {
    /// Ask nothing; from records whose right answer is known, print what each threshold gives:
    /// share sent, accuracy, dollars for 1,000 records
    #[arg(long, value_name = "FILE")]
    pub calibrate: Option<PathBuf>,

    /// Field with the right answer
    #[arg(long, value_name = "FIELD", default_value = "truth")]
    pub truth: Field,

    /// Field with the small model's answer. The big model's is in "answer" (--as); where it is
    /// missing it counts as right
    #[arg(long, value_name = "FIELD", default_value = "label")]
    pub small: Field,

    /// Choose the threshold that sends least and is right this often
    #[arg(long, value_name = "SHARE", value_parser = share, requires = "calibrate",
          conflicts_with = "want_cost")]
    pub want_accuracy: Option<f64>,

    /// Choose the most accurate threshold that costs at most this for 1,000 records
    #[arg(long, value_name = "USD", value_parser = dollars, requires = "calibrate")]
    pub want_cost: Option<NanoUsd>,
}

fn pipeline(text: &str) -> Result<String, String> {
    let fits = !text.is_empty() && text.len() <= 100 && !text.contains('/');
    fits.then(|| text.to_owned()).ok_or_else(|| "not a name of up to 100 bytes without /".into())
}

fn share(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|x| (0.0..=1.0).contains(x)).ok_or_else(|| "not in 0 to 1".to_owned())
}

fn dollars(text: &str) -> Result<NanoUsd, String> {
    NanoUsd::parse_usd(text).ok_or_else(|| "not an amount in dollars, such as 0.50".to_owned())
}

impl Program for Escalate {
    const NAME: &'static str = "escalate";
    const EXAMPLES: &'static str = include_str!("examples.txt");

    fn general(&self) -> &GeneralArgs {
        &self.stream.general
    }

    fn run(self, session: &Session) -> Result<Exit, Error> {
        if let Some(file) = &self.calibration.calibrate {
            return calibrate::run(&self, file, session);
        }
        if self.money.ledger {
            return report::run();
        }
        if self.offline.offline_batch == Some(Half::Collect) {
            return offline::collect(&self, session);
        }
        let plan = Plan::new(&self, session)?;
        let mut stream = self.stream.clone();
        if plan.gathers() {
            // Records wait for each other: one worker keeps them in order.
            stream.jobs = Some(1);
        }
        let failed = plan.offline.as_ref().map(|offline| offline.failed.clone());
        let filter = EscalateFilter::new(plan);
        let exit = cli::driver::run(filter, &stream, Plan::DEFAULT_JOBS, session)?;
        let failed = failed.is_some_and(|failed| failed.load(Ordering::Relaxed));
        Ok(if failed && exit == Exit::Success { Exit::SomeFailed } else { exit })
    }
}
