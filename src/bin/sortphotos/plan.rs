use std::io::Write as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use cli::{Error, Exit, Session};
use expression::{Expression, Limits};
use metadata::SidecarStyle;
use places::Places;
use records::{WriteError, Writer};
use store::Digests;

use crate::acting::Actor;
use crate::args::{Look, Sortphotos, When};
use crate::filter::{Bars, SortFilter, is_shown, lock};
use crate::gather::Gather;
use crate::look::Looker;
use crate::read::Reader;
use crate::sheet::Sheet;
use crate::sidecars::Writing;
use crate::sight::{self, Sight};
use crate::summary::Summary;
use crate::takeback;
use crate::thumbnails::Thumbnails;

/// Longest side of a thumbnail on the contact sheet, in pixels.
const THUMBNAIL: u16 = 240;

/// Opens what the arguments name, and runs.
pub(crate) fn run(args: &Sortphotos, session: &Session) -> Result<Exit, Error> {
    if let Some(journal) = &args.undo {
        return takeback::undo(journal, session);
    }
    if let Some(journal) = &args.resume {
        return takeback::resume(journal, session);
    }
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let actor = actor(args)?;
    let summary = Arc::new(Mutex::new(Summary::default()));
    let filter = SortFilter {
        gather: Gather::default(),
        reader: reader(args)?,
        looker: looker(args, session)?,
        template: args.to.clone(),
        condition: condition(args)?,
        writing: writing(args),
        digests: digests(args)?,
        threads: args.stream.jobs.map_or(cores, usize::from),
        result: args.stream.result_or("photo").to_owned(),
        actor: actor.clone(),
        sheet: args.contact_sheet.as_deref().map(Sheet::new).transpose()?,
        summary: Arc::clone(&summary),
        stop: session.stop.clone(),
        bars: Bars::new(&args.stream.general),
    };
    // Paths are gathered by one worker: the work is spread over threads after the last one.
    let mut stream = args.stream.clone();
    stream.jobs = Some(1);
    let shown = is_shown() && !stream.raw_output;
    let exit = if shown {
        cli::driver::run_to(filter, &stream, 1, session, Box::new(std::io::sink()))?
    } else {
        cli::driver::run(filter, &stream, 1, session)?
    };
    if let Some(actor) = actor {
        lock(&actor).close()?;
    }
    if shown {
        show(&lock(&summary))?;
    }
    Ok(exit)
}

fn show(summary: &Summary) -> Result<(), Error> {
    let mut writer = Writer::new(std::io::stdout(), true);
    let lines = summary.lines();
    let written = lines.iter().try_for_each(|line| writer.plain(line.as_bytes()));
    match written.and_then(|()| writer.flush()) {
        Ok(()) | Err(WriteError::Closed) => Ok(std::io::stdout().flush()?),
        Err(error) => Err(error.into()),
    }
}

fn actor(args: &Sortphotos) -> Result<Option<Arc<Mutex<Actor>>>, Error> {
    let Some(apply) = args.apply else { return Ok(None) };
    let journal = if args.dry_run { None } else { Some(journal(args)?) };
    Ok(Some(Arc::new(Mutex::new(Actor::new(apply.way(), journal.as_deref())?))))
}

/// The journal that was named, or a new one.
fn journal(args: &Sortphotos) -> Result<PathBuf, Error> {
    if let Some(path) = &args.journal {
        return Ok(path.clone());
    }
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let name = format!("sortphotos-{}-{}.jsonl", now.as_secs(), std::process::id());
    Ok(cli::env::state_folder()?.join("journals").join(name))
}

fn reader(args: &Sortphotos) -> Result<Reader, Error> {
    let home = args.zone.as_deref().map(|name| {
        let unknown = || Error::usage(format!("--zone: {name} is no time zone, as Europe/Rome is"));
        places::zone(name).ok_or_else(unknown)
    });
    Ok(Reader {
        places: cities(args)?,
        shifts: args.shift.clone(),
        home: home.transpose()?,
        file_time: args.file_time,
        now: jiff::Timestamp::now(),
    })
}

/// The table of cities; without it places have no names.
fn cities(args: &Sortphotos) -> Result<Option<Places>, Error> {
    if let Some(path) = &args.places {
        let opened = Places::open(path);
        return opened.map(Some).map_err(|e| Error::setup(format!("{}: {e}", path.display())));
    }
    let folder = cli::env::models_folder()?;
    let Some(path) = sight::first(&folder, "places") else {
        log::info!("{} has no table of cities: places get no names", folder.display());
        return Ok(None);
    };
    Ok(Some(Places::open(&path)?))
}

fn looker(args: &Sortphotos, session: &Session) -> Result<Looker, Error> {
    let sheet = args.contact_sheet.is_some();
    let options =
        images::Options { thumbnail: sheet.then_some(THUMBNAIL), ..images::Options::default() };
    let sight = sight(args)?;
    let settings = format!("{:?} {} {}", options.thumbnail, options.memory, sight.id);
    let scope = [session.program, "look", env!("CARGO_PKG_VERSION"), &settings].map(str::as_bytes);
    Ok(Looker {
        which: args.look,
        gap: args.burst_gap,
        options,
        sight,
        results: args.cache.open(&scope)?,
        thumbnails: sheet.then(Thumbnails::new).transpose()?.map(Mutex::new),
    })
}

/// The models that look at pictures.
fn sight(args: &Sortphotos) -> Result<Sight, Error> {
    if args.look != Look::Never {
        return Sight::open(args);
    }
    let asked = args.label_model.as_deref().is_some_and(|name| name != "never");
    if args.faces == When::Always || asked {
        return Err(Error::usage("--faces and --label-model need looks: not --look never"));
    }
    Ok(Sight::default())
}

fn condition(args: &Sortphotos) -> Result<Option<Expression>, Error> {
    let Some(text) = &args.condition else { return Ok(None) };
    let compiled = Expression::new(text, Limits::default());
    compiled.map(Some).map_err(|e| Error::usage(format!("--where: {e}")))
}

fn writing(args: &Sortphotos) -> Option<Writing> {
    let labels = args.export.is_some();
    (args.write_back || labels).then(|| Writing {
        back: args.write_back,
        labels,
        style: args.export.map_or(SidecarStyle::Digikam, |export| export.style()),
    })
}

/// The hashes of earlier runs. None when the file cannot be opened: they only save time, and the
/// log says so.
fn digests(args: &Sortphotos) -> Result<Option<Digests>, Error> {
    if args.cache.no_cache {
        return Ok(None);
    }
    let Some(path) = cli::env::cache_folder().map(|f| f.join("digests.db")) else {
        return Ok(None);
    };
    let opened = Digests::open(&path);
    Ok(opened.map_err(|error| log::warn!("hashes are not kept: {error}")).ok())
}
