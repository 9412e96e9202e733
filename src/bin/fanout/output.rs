//! Records to stdout, with the error policy.

use std::io::{IsTerminal as _, Stdout};
use std::sync::Arc;

use cli::args::OnError;
use cli::{Bar, Error, Exit, Stop};
use dispatch::{Done, HostState, Sink, Stopped, Summary, Why};
use records::{WriteError, Writer};

use crate::args::Fanout;
use crate::joblog::Joblog;

/// Why the output ended the run.
enum Reason {
    Write(WriteError),
    Joblog(std::io::Error),
    /// `--halt`.
    Halt,
    /// `--on-error fail`.
    Failed,
}

pub(crate) struct Output {
    writer: Writer<Stdout>,
    on_error: OnError,
    halt: Option<u64>,
    joblog: Option<Joblog>,
    bar: Bar,
    stop: Stop,
    failed: u64,
    first_failure: Option<String>,
    reason: Option<Reason>,
}

impl Output {
    pub(crate) fn new(args: &Fanout, stop: &Stop) -> Result<Self, Error> {
        let stdout = std::io::stdout();
        let terminal = stdout.is_terminal();
        let joblog = args.joblog.as_deref().map(Joblog::create).transpose()?;
        Ok(Self {
            writer: Writer::new(stdout, terminal),
            on_error: args.on_error,
            halt: args.halt,
            joblog,
            bar: Bar::new(
                &args.general,
                None,
                "{spinner} {pos} records, {per_sec}, {elapsed}\n{msg}",
            ),
            stop: stop.clone(),
            failed: 0,
            first_failure: None,
            reason: None,
        })
    }

    fn end(&mut self, reason: Reason) -> Stopped {
        self.reason.get_or_insert(reason);
        self.stop.set();
        Stopped
    }

    fn note_failure(&mut self, done: &Done) -> bool {
        let Some(failure) = &done.failure else { return true };
        self.failed += 1;
        let host = done.host.as_ref().map_or_else(String::new, |host| format!("{host}: "));
        let text = format!("{host}{}", failure.message);
        let skipped = self.on_error == OnError::Skip;
        log::log!(if skipped { log::Level::Warn } else { log::Level::Info }, "{text}");
        self.first_failure.get_or_insert(text);
        !skipped
    }

    /// Ends the output; how the program exits.
    pub(crate) fn close(mut self, summary: &Summary, limited: bool) -> Result<Exit, Error> {
        let flushed = self.writer.flush();
        self.bar.finish();
        if let Err(error) = flushed {
            self.reason.get_or_insert(Reason::Write(error));
        }
        if let Some(Err(error)) = self.joblog.as_mut().map(Joblog::flush) {
            self.reason.get_or_insert(Reason::Joblog(error));
        }
        if let Some(first) = &self.first_failure {
            let (failed, read) = (self.failed, summary.read);
            log::warn!("{failed} of {read} records failed; first: {first}");
        }
        match (self.reason, &summary.why) {
            (Some(Reason::Write(WriteError::Closed)), _) => Ok(Exit::Success),
            (Some(Reason::Write(error)), _) => Err(error.into()),
            (Some(Reason::Joblog(e)), _) => Err(Error::setup(format!("--joblog: {e}"))),
            (Some(Reason::Halt), _) => {
                log::warn!("{} records failed: stopped, as --halt says", self.failed);
                Ok(Exit::Limit)
            }
            (Some(Reason::Failed), _) => Ok(Exit::SomeFailed),
            (None, Why::Journal(e)) => Err(Error::setup(format!("--resume: {e}"))),
            (None, Why::NoHosts) => {
                let (open, read) = (summary.open, summary.read);
                log::error!(
                    "too few hosts are left; {open} of {read} records read are not answered"
                );
                Ok(Exit::Limit)
            }
            (None, _) if limited => Ok(Exit::Limit),
            (None, _) if self.failed > 0 => Ok(Exit::SomeFailed),
            (None, _) => Ok(Exit::Success),
        }
    }
}

impl Sink for Output {
    fn put(&mut self, done: Done) -> Result<(), Stopped> {
        self.bar.advance(1);
        if let Some(Err(error)) = self.joblog.as_mut().map(|joblog| joblog.note(&done)) {
            return Err(self.end(Reason::Joblog(error)));
        }
        if self.note_failure(&done)
            && let Err(error) = self.writer.record(&done.record)
        {
            return Err(self.end(Reason::Write(error)));
        }
        if done.failure.is_some() {
            if self.on_error == OnError::Fail {
                return Err(self.end(Reason::Failed));
            }
            if self.halt.is_some_and(|most| self.failed >= most) {
                return Err(self.end(Reason::Halt));
            }
        }
        Ok(())
    }

    fn idle(&mut self) -> Result<(), Stopped> {
        if !self.writer.is_pending() {
            return Ok(());
        }
        self.writer.flush().map_err(|error| self.end(Reason::Write(error)))
    }

    fn show(&mut self, hosts: &[HostState]) {
        let line = |host: &HostState| {
            let name = Arc::clone(&host.name);
            let state = match (host.workers, host.hopes) {
                (0, 0) => "given up".to_owned(),
                (0, _) => "connecting".to_owned(),
                (workers, _) => format!("{workers} running"),
            };
            let HostState { answered, queued, lost, .. } = host;
            format!("{name} {state}, {answered} answered, {queued} there, {lost} lost")
        };
        let lines: Vec<String> = hosts.iter().take(40).map(line).collect();
        self.bar.message(&lines.join("\n"));
    }
}
