use std::sync::{Arc, PoisonError};
use std::time::Instant;

use cli::{Error, Exit, Session};
use dispatch::{Dispatcher, Matching, Options};
use ssh::{HostName, Script, quote};
use store::Answers;

use crate::args::{Fanout, Files, Match};
use crate::connection::Way;
use crate::inventory::{Host, hosts};
use crate::joblog;
use crate::output::Output;
use crate::ship::{Depot, Freight};
use crate::slot::Slot;
use crate::source::Source;

/// Records between input and output.
const WINDOW: usize = 16_384;

/// Bytes of them.
const WINDOW_BYTES: usize = 24 << 20;

/// Everything that is checked and opened before the first record is read.
pub(crate) struct Plan {
    hosts: Vec<Host>,
    way: Way,
    setup: Vec<String>,
    freight: Freight,
    output: Output,
    journal: Option<(Answers, Vec<u8>)>,
}

impl Plan {
    pub(crate) fn new(args: &Fanout, session: &Session) -> Result<Self, Error> {
        let hosts = hosts(&args.at, args.jobs)?;
        if args.min_hosts > hosts.len() {
            let (least, are) = (args.min_hosts, hosts.len());
            return Err(Error::usage(format!("--min-hosts {least}: there are only {are} hosts")));
        }
        let setup = args.env.iter().map(|name| variable(name)).collect::<Result<_, _>>()?;
        // Words that no script can hold are a mistake here, not of some host later.
        Script::new(&[], &args.command).map_err(|e| Error::usage(e.to_string()))?;
        let way = Way::new(&args.at);
        let journal = args.resume.as_deref().map(Answers::open).transpose()?;
        let scope = args.command.join("\0").into_bytes();
        Ok(Self {
            hosts,
            way,
            setup,
            freight: Freight::new(args)?,
            output: Output::new(args, &session.stop)?,
            journal: journal.map(|answers| (answers, scope)),
        })
    }

    pub(crate) fn run(self, args: &Fanout, session: &Session) -> Result<Exit, Error> {
        let Self { hosts, way, setup, freight, mut output, journal } = self;
        let freight = Arc::new(freight);
        let far = hosts.iter().any(|host| host.route.name != HostName::Local);
        let started = Instant::now();
        let mut dispatcher = Dispatcher::new(options(args, session.program, journal));
        let way = Arc::new(way);
        for host in hosts {
            let setup = setup_for(&host, &setup);
            let is_far = host.route.name != HostName::Local;
            let depot = Arc::<Depot>::default();
            let host = Arc::new(host);
            for _ in 0..host.slots {
                Slot {
                    host: Arc::clone(&host),
                    way: Arc::clone(&way),
                    setup: setup.clone(),
                    command: args.command.clone(),
                    freight: Arc::clone(&freight),
                    depot: Arc::clone(&depot),
                    sends_files: is_far && args.files == Files::Send,
                    max_line: args.max_line,
                    waits: args.wait,
                    supplier: dispatcher.supplier(&host.label),
                }
                .start()?;
            }
        }
        let (stop, stopper) = (session.stop.clone(), dispatcher.stopper());
        std::thread::spawn(move || {
            stop.wait();
            stopper.stop();
        });
        let (input, ended) = Source::new(args, session, far).start();
        let summary = dispatcher.run(&input, &mut output);
        way.wait_for_the_abandoned();
        if let Some(path) = &args.report {
            joblog::report(path, &summary, started.elapsed().as_secs_f64())?;
        }
        let ended = std::mem::take(&mut *ended.lock().unwrap_or_else(PoisonError::into_inner));
        let exit = output.close(&summary, ended.limited)?;
        match ended.error {
            Some(error) if !session.stop.is_set() => {
                Err(Error::setup(format!("cannot read input: {error}")))
            }
            _ => Ok(exit),
        }
    }
}

/// How the run is done.
fn options(args: &Fanout, program: &'static str, journal: Option<(Answers, Vec<u8>)>) -> Options {
    Options {
        program,
        unordered: args.unordered,
        matching: match args.matching {
            Match::Id => Matching::Id,
            Match::Order => Matching::Order,
        },
        via: !args.no_via,
        timeout: args.timeout,
        retries: args.retries,
        once: args.once,
        min_hosts: args.min_hosts,
        window: WINDOW,
        window_bytes: WINDOW_BYTES,
        journal,
    }
}

/// A line of shell that sets a variable to what it is here.
fn variable(name: &str) -> Result<String, Error> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if !name.chars().all(is_name)
        || name.starts_with(|c: char| c.is_ascii_digit())
        || name.is_empty()
    {
        return Err(Error::usage(format!("--env {name}: not the name of a variable")));
    }
    let value = cli::env::get(name)
        .ok_or_else(|| Error::usage(format!("--env {name}: it is not set here")))?;
    let value = value
        .into_string()
        .map_err(|_| Error::usage(format!("--env {name}: its value is not UTF-8")))?;
    Ok(format!("{name}={}; export {name}", quote(&value)))
}

/// What a host's shell does before the command.
fn setup_for(host: &Host, setup: &[String]) -> Vec<String> {
    let mut lines = setup.to_vec();
    lines.push(if host.route.name == HostName::Local {
        // Programs are looked for beside this one too.
        let here = std::env::current_exe().ok();
        let folder = here.as_deref().and_then(|p| p.parent()).and_then(|p| p.to_str());
        format!("PATH=\"$PATH\":{}; export PATH", quote(folder.unwrap_or("/usr/local/bin")))
    } else {
        // A shell that is no login shell knows little of where its user keeps programs.
        "PATH=\"$PATH:$HOME/.local/bin:$HOME/.cargo/bin:$HOME/bin:/usr/local/bin\"; export PATH"
            .to_owned()
    });
    lines
}
