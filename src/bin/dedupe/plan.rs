use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use cli::{Bar, Error, Exit, Session, StreamArgs};
use store::Digests;

use crate::args::Dedupe;
use crate::content::Content;
use crate::files::{Actor, FilesFilter, Gather, Keep, Pictures, Sizes, take_back};
use crate::filter::{Method, RecordFilter, Show, lock};
use crate::firsts::{Firsts, State};
use crate::fold::Folds;
use crate::meaning::{Meaning, Nearness};
use crate::near::Near;
use crate::regroup::Regroup;

/// Opens what the arguments name, and runs.
pub(crate) fn run(args: &Dedupe, session: &Session) -> Result<Exit, Error> {
    if let Some(journal) = &args.undo {
        return take_back(journal, session);
    }
    let stream = &args.stream;
    let texts = !args.by.is_empty() || !args.fold.is_empty();
    let texts = texts
        || (args.near.is_some() && !args.files)
        || args.state.is_some()
        || args.approximate.is_some()
        || args.rethreshold.is_some();
    let named = args.files || args.apply.is_some() || stream.paths || stream.paths0;
    if named || (!stream.operands.is_empty() && !texts && !stream.raw_input) {
        files(args, session)
    } else {
        records(args, session)
    }
}

fn show(args: &Dedupe) -> Show {
    match (args.report, args.duplicates) {
        (true, _) => Show::All,
        (_, true) => Show::Repeated,
        _ => Show::Firsts,
    }
}

fn records(args: &Dedupe, session: &Session) -> Result<Exit, Error> {
    let show = show(args);
    let result = args.stream.result_or("dup").to_owned();
    let temporary = |e| Error::setup(format!("temporary file: {e}"));
    let mut firsts = None;
    let method = if let Some(threshold) = args.rethreshold {
        Method::Regroup(Mutex::new(Regroup::new(threshold, &result)))
    } else if args.near == Some(Nearness::Meaning) {
        let meaning =
            Meaning::new(args.threshold.unwrap_or(0.9), args.memory).map_err(temporary)?;
        Method::Meaning(args.stream.field_or("embedding"), Mutex::new(meaning))
    } else if args.near.is_some() {
        let near = Near::new(args.shingle, args.threshold.unwrap_or(0.8)).map_err(temporary)?;
        Method::Near(args.stream.field_or("text"), Box::new(Mutex::new(near)))
    } else {
        let content = Content::new(args.by.clone(), Folds::new(&args.fold));
        let first = match (&args.state, args.approximate) {
            (Some(path), _) => Firsts::State(State::open(path, args.expire, &content.scope())?),
            (None, Some(rate)) => Firsts::likely(args.memory, rate),
            (None, None) => Firsts::new(args.memory, show != Show::Firsts).map_err(temporary)?,
        };
        let first = firsts.insert(Arc::new(Mutex::new(first)));
        Method::Exact(content, Arc::clone(first))
    };
    let stream = stream(&args.stream, show, "text");
    let plain = stream.raw_output;
    let filter = RecordFilter { method, show, result, plain, approximate: args.approximate };
    let exit = cli::driver::run(filter, &stream, 1, session)?;
    if let Some(firsts) = firsts {
        // With a signal everything was written before the end; with a reader that left it was not.
        let all = !session.stop.is_set() || session.stop.signal().is_some();
        lock(&firsts).close(all)?;
    }
    Ok(exit)
}

fn files(args: &Dedupe, session: &Session) -> Result<Exit, Error> {
    if args.near == Some(Nearness::Meaning) {
        return Err(Error::usage("--near=meaning is for records with an embedding, not for files"));
    }
    if args.folders && !args.report && !args.duplicates {
        return Err(Error::usage("--folders needs --report or --duplicates"));
    }
    let walk = args.stream.walk();
    let max = args.max_size.unwrap_or(u64::MAX);
    let sizes = Sizes { min: args.min_size, max, empty: args.empty };
    let gather = Gather::new(sizes, &args.reference, walk)?;
    let actor = match &args.apply {
        None => None,
        Some(action) => {
            let journal = if args.dry_run { None } else { Some(journal(args)?) };
            Some(Arc::new(Mutex::new(Actor::new(action.clone(), journal.as_deref())?)))
        }
    };
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let show = show(args);
    let filter = FilesFilter {
        gather,
        keep: if args.near.is_some() && args.keep.is_empty() {
            vec![Keep::Best]
        } else {
            args.keep.clone()
        },
        pictures: args.near.map(|_| Pictures {
            threshold: args.threshold.unwrap_or(0.9),
            mirrored: args.mirrored,
            threads: args.stream.jobs.map_or(cores, usize::from),
        }),
        match_links: args.match_links,
        folders: args.folders,
        // More than cores: a thread that waits for the device leaves its core to another.
        threads: args.stream.jobs.map_or(2 * cores, usize::from),
        digests: digests(args)?,
        show,
        result: args.stream.result_or("dup").to_owned(),
        actor: actor.clone(),
        stop: session.stop.clone(),
        bar: Bar::new(&args.stream.general, None, "{pos} of {len} files compared, {elapsed}"),
    };
    let mut stream = args.stream.clone();
    if show == Show::Firsts && actor.is_none() && stream.result_key.is_none() {
        stream.result_key = Some("path".to_owned());
    }
    let exit = cli::driver::run(filter, &stream, cores, session)?;
    if let Some(actor) = actor {
        lock(&actor).close()?;
    }
    Ok(exit)
}

/// The journal that was named, or a new one.
fn journal(args: &Dedupe) -> Result<PathBuf, Error> {
    if let Some(path) = &args.journal {
        return Ok(path.clone());
    }
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let name = format!("dedupe-{}-{}.jsonl", now.as_secs(), std::process::id());
    Ok(cli::env::state_folder()?.join("journals").join(name))
}

/// The hashes of earlier runs. None when the default file cannot be opened: they only save time,
/// and the log says so.
fn digests(args: &Dedupe) -> Result<Option<Digests>, Error> {
    let path = match &args.cache {
        _ if args.no_cache => None,
        Some(path) => return Ok(Some(Digests::open(path)?)),
        None => cli::env::cache_folder().map(|folder| folder.join("digests.db")),
    };
    let Some(path) = path else { return Ok(None) };
    let opened = Digests::open(&path);
    Ok(opened.map_err(|error| log::warn!("hashes are not kept: {error}")).ok())
}

/// What the driver is told: which records are first is decided by one worker, in their order; and
/// where only they are written, their main result is what they are about.
fn stream(args: &StreamArgs, show: Show, about: &str) -> StreamArgs {
    let mut stream = args.clone();
    stream.jobs = Some(1);
    if show == Show::Firsts && stream.result_key.is_none() {
        stream.result_key = Some(about.to_owned());
    }
    stream
}
