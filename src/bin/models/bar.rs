use std::cell::RefCell;

use cli::{Bar, GeneralArgs};
use modelstore::{Event, Progress};

const KNOWN: &str =
    "{msg} {wide_bar} {decimal_bytes}/{decimal_total_bytes} {decimal_bytes_per_sec} {eta}";
const UNKNOWN: &str = "{spinner} {msg} {decimal_bytes} {elapsed}";

/// The bytes of one file, for people at a terminal.
pub(crate) struct Bytes {
    bar: Bar,
    total: Option<u64>,
    done: u64,
}

impl Bytes {
    pub(crate) fn new(general: &GeneralArgs, label: &str, total: Option<u64>) -> Self {
        let bar = Bar::new(general, total, if total.is_some() { KNOWN } else { UNKNOWN });
        bar.message(label);
        Self { bar, total, done: 0 }
    }

    /// `done` bytes in all are there.
    pub(crate) fn set(&mut self, done: u64) {
        match self.total {
            Some(total) => self.bar.set(done, total),
            None => self.bar.advance(done.saturating_sub(self.done)),
        }
        self.done = done;
    }
}

impl Drop for Bytes {
    fn drop(&mut self) {
        self.bar.finish();
    }
}

/// The steps of a computation, for people at a terminal.
pub(crate) struct Steps(Bar);

impl Steps {
    pub(crate) fn new(general: &GeneralArgs, label: &str) -> Self {
        let bar = Bar::new(general, Some(1), "{msg} {wide_bar} {pos}/{len}");
        bar.message(label);
        Self(bar)
    }

    /// `done` of `all` are done.
    pub(crate) fn set(&mut self, done: usize, all: usize) {
        self.0.set(done as u64, all as u64);
    }
}

impl Drop for Steps {
    fn drop(&mut self) {
        self.0.finish();
    }
}

/// Tells the user what a pull does: the bytes as a bar, all else as messages.
pub(crate) struct Watcher<'a> {
    general: &'a GeneralArgs,
    bytes: RefCell<Option<Bytes>>,
}

impl<'a> Watcher<'a> {
    pub(crate) fn new(general: &'a GeneralArgs) -> Self {
        Self { general, bytes: RefCell::new(None) }
    }

    fn bytes(&self, model: &str, done: u64, total: Option<u64>) {
        let mut bytes = self.bytes.borrow_mut();
        // A bar that knows the total does for what comes without one, too.
        match bytes.as_mut().filter(|b| total.is_none() || b.total == total) {
            Some(bytes) => bytes.set(done),
            None => {
                // The old bar leaves the screen before the new one comes.
                *bytes = None;
                bytes.insert(Bytes::new(self.general, model, total)).set(done);
            }
        }
    }
}

impl Progress for Watcher<'_> {
    fn event(&self, model: &str, event: Event<'_>) {
        if let Event::Bytes { done, total } = event {
            return self.bytes(model, done, total);
        }
        *self.bytes.borrow_mut() = None;
        match event {
            Event::Waiting => log::info!("{model}: another program gets it; waiting"),
            Event::Trying { source } => log::info!("{model}: asking {}", place(source)),
            Event::Resuming { at } => {
                log::info!("{model}: {} are here, going on from there", crate::output::size(at));
            }
            Event::Retrying { reason, wait } => {
                log::warn!("{model}: {reason}; again in {:.0} s", wait.as_secs_f64());
            }
            Event::Failed { source, reason } => log::warn!("{model}: {}: {reason}", place(source)),
            Event::Converting => log::info!("{model}: converting"),
            Event::Verifying => log::debug!("{model}: verifying"),
            Event::Alternative { wanted, instead } => {
                log::warn!("{wanted} could not be had; trying {instead}, which does the same job");
            }
            // The result says so.
            _ => {}
        }
    }
}

/// The host of a URL; a package is its own place.
fn place(source: &str) -> &str {
    source.strip_prefix("https://").and_then(|rest| rest.split('/').next()).unwrap_or(source)
}
