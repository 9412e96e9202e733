use std::io::ErrorKind;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cli::{Error, Exit, Session, StreamArgs};
use records::Field;
use rustix::stdio::stdin;

use crate::args::Changed;
use crate::filter::{Events, lock};
use crate::key::Keys;
use crate::lines::{Format, From};
use crate::moment::{InputPlace, Moment};
use crate::outlet::{Shared, recover};
use crate::rule::Rule;
use crate::run::Run;
use crate::table::Table;
use crate::time::Nanos;
use crate::watch::{Fields, Named, Watch};

/// What the lines of the journal are about, if nothing else is asked for.
const JOURNAL_KEY: &str = "._SYSTEMD_UNIT // .SYSLOG_IDENTIFIER // ._COMM";

/// Opens what the arguments name, and runs.
pub(crate) fn run(args: &Changed, session: &Session) -> Result<Exit, Error> {
    let is_journal = args.from == From::Journal;
    let time = args.time.clone().or_else(|| is_journal.then(|| Field::key("__REALTIME_TIMESTAMP")));
    if args.late > 0 && time.is_none() {
        return Err(Error::usage("--late needs --time"));
    }
    let default_key = match args.from {
        From::Journal => Some(JOURNAL_KEY),
        From::Mosquitto => Some(".topic"),
        _ => None,
    };
    let keys = Keys::new(args.key.as_deref().or(default_key))
        .map_err(|e| Error::usage(format!("--key: {e}")))?;
    let fields = fields(args, time.as_ref())?;
    let table = match &args.state {
        Some(path) => Table::open(args.memory, path)?,
        None => Table::new(args.memory),
    };
    let (notes, sent) = table.progress()?;
    let moment = Moment::decode(&notes)
        .ok_or_else(|| Error::setup("the state file is damaged, or of a newer version"))?;
    if let Some(sent) = &sent {
        let written = recover(sent);
        if let Err(e) = written {
            return if e.kind() == ErrorKind::BrokenPipe {
                Ok(Exit::Success)
            } else {
                Err(Error::setup(format!("cannot write output: {e}")))
            };
        }
        table.arrived()?;
    }
    if let Some(expire) = args.expire.filter(|_| moment.latest != Nanos::MIN) {
        let gone = table.expire(moment.latest.saturating_sub(expire))?;
        log::info!("{gone} keys have expired");
    }
    let begin = if args.resume { begin(&moment)? } else { 0 };
    let format = Format::new(args.from, args.columns.clone(), &moment.header);
    let mut run = Run::new(Watch::new(fields, keys, table), time, args.late, moment);
    (run.resumes, run.begin) = (args.resume, begin);
    run.interval = Duration::from_nanos(args.commit.unsigned_abs());
    drive(args, session, run, format)
}

fn drive(args: &Changed, session: &Session, run: Run, format: Format) -> Result<Exit, Error> {
    let mut stream: StreamArgs = args.stream.clone();
    // One after another: what an event means depends on those before it.
    stream.jobs = Some(1);
    stream.raw_input |= !matches!(args.from, From::Json | From::Journal);
    let run = Arc::new(Mutex::new(run));
    let outlet = Shared::new(Arc::clone(&run), session.stop.clone());
    let result = stream.result_or("change").to_owned();
    let filter = Events { run: Arc::clone(&run), format: Mutex::new(format), result };
    let exit = cli::driver::run_to(filter, &stream, 1, session, Box::new(outlet.clone()))?;
    match outlet.close() {
        Err(e) if e.kind() != ErrorKind::BrokenPipe => {
            return Err(Error::setup(format!("cannot write output: {e}")));
        }
        _ => {}
    }
    let too_late = lock(&run).watch.too_late;
    if too_late > 0 {
        log::warn!("{too_late} events were older than the last one of their key (see --late)");
    }
    Ok(exit)
}

/// Where to begin in stdin: after what is handled, if it is the same file still.
fn begin(moment: &Moment) -> Result<u64, Error> {
    if InputPlace::of(stdin(), 0).is_none() {
        return Err(Error::usage("--resume needs a file as stdin: changed --resume < FILE"));
    }
    let offset = if moment.place.is_in(stdin()) { moment.place.offset } else { 0 };
    if offset == 0 && moment.place != InputPlace::default() {
        log::warn!(
            "stdin is another file than in the last run, or a rewritten one: it is read from its start"
        );
    }
    rustix::fs::seek(stdin(), rustix::fs::SeekFrom::Start(offset))
        .map_err(|e| Error::setup(format!("cannot go on in the input: {e}")))?;
    Ok(offset)
}

/// What of a record counts, by --fields, --ignore-fields and the rules.
fn fields(args: &Changed, time: Option<&Field>) -> Result<Fields, Error> {
    let mut rest = Rule::default();
    let mut named: Vec<Named> = Vec::new();
    for rule in args.rules() {
        match &rule.field {
            None => rest = rule.rule.clone(),
            Some(field) if named.iter().any(|named| named.field == *field) => {
                return Err(Error::usage(format!(
                    "'{field}' has two rules: give one with all words"
                )));
            }
            Some(field) => named.push(Named::new(field.clone(), rule.rule.clone())),
        }
    }
    let payload = Field::key("payload");
    let message = Field::key("MESSAGE");
    let default = match args.from {
        From::Mosquitto => Some(&payload),
        From::Journal => Some(&message),
        _ => None,
    };
    let asked: Vec<&Field> = args.fields.iter().chain(&args.stream.field).collect();
    let nothing_named = asked.is_empty() && named.is_empty() && args.ignore_fields.is_empty();
    let default = default.filter(|_| nothing_named);
    for field in asked.iter().copied().chain(default) {
        if !named.iter().any(|named| named.field == *field) {
            named.push(Named::new(field.clone(), rest.clone()));
        }
    }
    let only_named = !asked.is_empty() || default.is_some() || args.from == From::Journal;
    let mut ignored = args.ignore_fields.clone();
    ignored.extend(time.map(|time| time.top().to_owned()));
    Ok(Fields::new(named, (!only_named).then_some(rest), ignored))
}
