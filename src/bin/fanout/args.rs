use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use cli::args::{OnError, seconds};
use cli::{Error, Exit, GeneralArgs, Program, Session};
use records::MAX_LINE;

use crate::action;
use crate::plan::Plan;

/// How hosts are reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Transport {
    /// libssh2, or ssh where the host's configuration needs it.
    Auto,
    /// The library inside this program.
    Libssh2,
    /// The ssh of this system.
    Ssh,
}

/// Whether the command is sent to hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Ship {
    /// A program of this family is, with the models that it opens; others have to be there.
    Auto,
    /// It is, and hosts where it does not run are not used.
    Always,
    /// It has to be there, and its models too.
    Never,
}

/// What becomes of files that records name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Files {
    /// They are sent to the host that gets the record.
    Send,
    /// Paths stay as they are: the hosts have the files.
    Keep,
}

/// How answers are held against records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Match {
    /// By "id", or by the record's keys.
    Id,
    /// By order alone, for any command that writes one line of JSON for each line.
    Order,
}

/// Which hosts, and how they are reached.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Hosts")]
pub struct HostArgs {
    /// Hosts: names as ssh knows them, user@host:port, or ':' for this machine
    #[arg(
        short = 'H',
        long = "host",
        value_name = "HOST",
        value_delimiter = ',',
        help_heading = "Hosts"
    )]
    pub host: Vec<String>,

    /// More hosts, from an inventory in TOML
    #[arg(long, value_name = "FILE", help_heading = "Hosts")]
    pub hosts: Option<PathBuf>,

    /// Of the inventory, only hosts with this tag
    #[arg(long, value_name = "TAG", help_heading = "Hosts", requires = "hosts")]
    pub tag: Vec<String>,

    /// Accept hosts never seen before, and write down their keys
    #[arg(long, help_heading = "Hosts")]
    pub trust_new: bool,

    /// How hosts are reached
    #[arg(long, value_name = "HOW", default_value = "auto", help_heading = "Hosts")]
    pub transport: Transport,

    /// Configuration of ssh to use in place of ~/.ssh/config
    #[arg(short = 'F', long, value_name = "FILE", help_heading = "Hosts")]
    pub ssh_config: Option<PathBuf>,

    /// Give up a connection that is silent for so many seconds
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "20", help_heading = "Hosts")]
    pub heartbeat: Duration,
}

impl HostArgs {
    /// Whether this machine is the only host.
    pub(crate) fn is_local(&self) -> bool {
        self.hosts.is_none() && self.host.iter().all(|name| name == ":")
    }
}

/// What is done in place of running a command.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Remove from hosts what was sent there and is not used any more
    Gc {
        /// What no run has used for so many days
        #[arg(long, value_name = "DAYS", default_value_t = 30)]
        older: u32,

        #[command(flatten)]
        #[allow(missing_docs)]
        at: HostArgs,
    },
    /// List hosts: those named, or those that could be
    Hosts {
        /// Propose names: from ssh's configuration, mDNS and Tailscale. Nothing is connected
        #[arg(long, conflicts_with_all = ["host", "hosts"])]
        discover: bool,

        #[command(flatten)]
        #[allow(missing_docs)]
        at: HostArgs,
    },
}

/// Run a filter on many machines over SSH
///
/// Reads records and spreads them over the hosts. Each slot runs the command once, for all its
/// records. The command must write one record for each record, in order. Slow hosts get less.
/// Records of a lost host go to another one. Nothing has to be installed there but the command.
#[derive(Debug, Parser)]
#[command(
    name = "fanout",
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    disable_help_subcommand = true
)]
pub struct Fanout {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub at: HostArgs,

    /// Commands that run at the same time on each host
    #[arg(short, long, value_name = "N", default_value_t = 1, help_heading = "Hosts",
          value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub jobs: u16,

    /// Set this variable there to what it is here
    #[arg(long, value_name = "NAME", help_heading = "Hosts")]
    pub env: Vec<String>,

    /// Send the command to hosts that lack it
    #[arg(long, value_name = "WHEN", default_value = "auto", help_heading = "Sending")]
    pub ship: Ship,

    /// Folder of signed programs for other kinds of machines, as make dist makes it
    /// [default: ~/.local/share/headwater/dist, where there is one]
    #[arg(long, value_name = "DIR", help_heading = "Sending")]
    pub dist: Option<PathBuf>,

    /// Public key that they must be signed with [default: ~/.config/headwater/dist.pub]
    #[arg(long, value_name = "FILE", help_heading = "Sending")]
    pub dist_key: Option<PathBuf>,

    /// Send a file that the command's arguments name, such as a model or a list of labels
    #[arg(long, value_name = "FILE", help_heading = "Sending")]
    pub send: Vec<PathBuf>,

    /// Send the files that records name in "path"
    #[arg(long, value_name = "WHAT", default_value = "send", help_heading = "Sending")]
    pub files: Files,

    /// Each line of input is a text, not a record
    #[arg(short = 'R', long, help_heading = "Input", conflicts_with_all = ["paths", "paths0"])]
    pub raw_input: bool,

    /// Each line of input is a path
    #[arg(long, help_heading = "Input")]
    pub paths: bool,

    /// Paths of the input end in NUL, as from find -print0
    #[arg(short = '0', long, help_heading = "Input", conflicts_with = "paths")]
    pub paths0: bool,

    /// Longest line, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = MAX_LINE, help_heading = "Input")]
    pub max_line: usize,

    /// Write records as they are answered, not in input order
    #[arg(long, help_heading = "Output")]
    pub unordered: bool,

    /// Do not add the host to "via"
    #[arg(long, help_heading = "Output")]
    pub no_via: bool,

    /// How an answer is held against its record
    #[arg(long = "match", value_name = "HOW", default_value = "id", help_heading = "Output")]
    pub matching: Match,

    /// One line of JSON for each record: host, time, attempts
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub joblog: Option<PathBuf>,

    /// One line of JSON for each host at the end: its share, speed, losses
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub report: Option<PathBuf>,

    /// What to do with a record that fails
    #[arg(long, value_name = "WHAT", default_value = "pass", help_heading = "Handling")]
    pub on_error: OnError,

    /// Stop after this many failed records; exit 3
    #[arg(long, value_name = "N", help_heading = "Handling", value_parser = clap::value_parser!(u64).range(1..))]
    pub halt: Option<u64>,

    /// Stop after N records; exit 3 if there were more
    #[arg(long, value_name = "N", help_heading = "Handling")]
    pub limit: Option<u64>,

    /// A command that takes longer for a record is ended. The record is tried once more
    #[arg(long, value_name = "SECONDS", value_parser = seconds, help_heading = "Handling")]
    pub timeout: Option<Duration>,

    /// Send a record again so often when connections break under it
    #[arg(long, value_name = "N", default_value_t = 5, help_heading = "Handling")]
    pub retries: u32,

    /// Never ask a second host while the first one still has the record. Without it, hosts that
    /// are done take over what others take long for: some records are then computed twice
    #[arg(long, help_heading = "Handling")]
    pub once: bool,

    /// Stop when fewer hosts than this are left; exit 3
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = "Handling")]
    pub min_hosts: usize,

    /// Keep trying to reach hosts instead of giving them up
    #[arg(long, help_heading = "Handling")]
    pub wait: bool,

    /// Keep answers in this file, and take those that it has from there
    #[arg(long, value_name = "FILE", help_heading = "Handling")]
    pub resume: Option<PathBuf>,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub general: GeneralArgs,

    /// The command to run on each host, with its arguments
    #[arg(value_name = "COMMAND", required = true, trailing_var_arg = true)]
    pub command: Vec<String>,

    #[command(subcommand)]
    #[allow(missing_docs)]
    pub action: Option<Action>,
}

impl Program for Fanout {
    const NAME: &'static str = "fanout";
    const EXAMPLES: &'static str = include_str!("examples.txt");

    fn general(&self) -> &GeneralArgs {
        &self.general
    }

    fn run(self, session: &Session) -> Result<Exit, Error> {
        match &self.action {
            Some(action) => action::run(action, session),
            None => Plan::new(&self, session)?.run(&self, session),
        }
    }
}
