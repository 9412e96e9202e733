use std::io::{IsTerminal as _, Write};
use std::time::Instant;

use records::{WriteError, Writer};

use crate::Session;
use crate::args::{OnError, StreamArgs};
use crate::filter::{Output, Sink, Stopped};
use crate::progress::Bar;
use crate::signal::Stop;
use crate::totals::{Totals, describe};

/// The output: writer, error policy, totals.
pub(crate) struct Out {
    writer: Writer<Box<dyn Write>>,
    raw_result: Option<String>,
    on_error: OnError,
    slow: bool,
    stop: Stop,
    pub(crate) totals: Totals,
    bar: Bar,
    pub(crate) failure: Option<WriteError>,
}

impl Out {
    pub(crate) fn new(
        args: &StreamArgs,
        result: &str,
        slow: bool,
        session: &Session,
        output: Box<dyn Write>,
    ) -> Self {
        let terminal = std::io::stdout().is_terminal();
        let result = args.result_key.as_deref().unwrap_or(result);
        Self {
            writer: Writer::new(output, terminal),
            raw_result: args.raw_output.then(|| result.to_owned()),
            on_error: args.on_error,
            slow,
            stop: session.stop.clone(),
            totals: Totals::new(session.program),
            bar: Bar::records(&args.general),
            failure: None,
        }
    }

    pub(crate) fn flush(&mut self) -> Result<(), Stopped> {
        let result = self.writer.flush();
        self.note(result)
    }

    /// Remembers why output ended; a closed pipe ends it quietly.
    fn note(&mut self, result: Result<(), WriteError>) -> Result<(), Stopped> {
        result.map_err(|error| {
            self.failure.get_or_insert(error);
            self.stop.set();
            Stopped
        })
    }

    fn write(&mut self, output: &Output) -> Result<(), WriteError> {
        let Some(key) = &self.raw_result else { return self.writer.record(&output.record) };
        match output.record.raw(key) {
            None => Ok(()),
            Some(raw) => match records::unescaped(raw) {
                Some(text) => self.writer.plain(text.as_bytes()),
                None => match serde_json::from_str::<records::Text>(raw) {
                    Ok(text) => self.writer.plain(text.as_bytes()),
                    Err(_) => self.writer.plain(raw.as_bytes()),
                },
            },
        }
    }

    pub(crate) fn close(&mut self, args: &StreamArgs, started: Instant) {
        // What went wrong is remembered in self.failure.
        let _ = self.flush();
        self.bar.finish();
        self.totals.finish(started);
        if let Some(summary) = self.totals.failure_summary() {
            log::warn!("{summary}");
        }
        if args.stats {
            crate::message::stats(&self.totals);
        }
    }
}

impl Sink for Out {
    fn send(&mut self, output: Output) -> Result<(), Stopped> {
        let failed = output.failure.as_ref();
        self.totals.count(&output);
        self.bar.advance(1);
        if let Some(failure) = failed {
            let skipped = self.on_error == OnError::Skip;
            let level = if skipped || self.raw_result.is_some() {
                log::Level::Warn
            } else {
                log::Level::Info
            };
            log::log!(level, "{}", describe(&output, failure));
            if skipped {
                self.totals.written -= 1;
                return Ok(());
            }
        }
        let result = self.write(&output);
        self.note(result)?;
        if self.slow {
            self.flush()?;
        }
        if failed.is_some() && self.on_error == OnError::Fail {
            self.stop.set();
            return Err(Stopped);
        }
        Ok(())
    }
}
