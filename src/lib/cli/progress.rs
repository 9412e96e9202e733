//! Progress on stderr, for people at a terminal.

use std::io::IsTerminal as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::args::{GeneralArgs, When};

/// The bar on the screen, so that messages can step around it.
static SHOWN: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// Prints with the bar taken off the screen meanwhile.
pub(crate) fn suspended(print: impl FnOnce()) {
    let bar = SHOWN.lock().unwrap_or_else(PoisonError::into_inner).clone();
    match bar {
        Some(bar) => bar.suspend(print),
        None => print(),
    }
}

/// A progress bar, or nothing where nobody looks.
#[derive(Clone)]
pub struct Bar(Option<ProgressBar>);

impl Bar {
    /// A bar over `total` things, or a counter where the number is not known.
    pub fn new(args: &GeneralArgs, total: Option<u64>, template: &str) -> Self {
        let wanted = match args.progress {
            When::Always => true,
            When::Never => false,
            When::Auto => std::io::stderr().is_terminal() && !args.quiet,
        };
        if !wanted {
            return Self(None);
        }
        let bar = total.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        // The first second of a quick run needs no bar; nothing is drawn by a timer.
        bar.set_draw_target(indicatif::ProgressDrawTarget::stderr_with_hz(4));
        *SHOWN.lock().unwrap_or_else(PoisonError::into_inner) = Some(bar.clone());
        Self(Some(bar))
    }

    /// A counter of records.
    pub(crate) fn records(args: &GeneralArgs) -> Self {
        Self::new(args, None, "{spinner} {pos} records, {per_sec}, {elapsed} {msg}")
    }

    /// `n` more are done.
    pub fn advance(&self, n: u64) {
        if let Some(bar) = &self.0 {
            bar.inc(n);
        }
    }

    /// `n` of `total` are done.
    pub fn set(&self, n: u64, total: u64) {
        if let Some(bar) = &self.0 {
            bar.set_length(total);
            bar.set_position(n);
        }
    }

    /// A word beside the bar.
    pub fn message(&self, text: &str) {
        if let Some(bar) = &self.0 {
            bar.set_message(crate::printable(text).into_owned());
        }
    }

    /// Shows that work goes on although nothing is counted.
    pub fn tick_every(&self, interval: Duration) {
        if let Some(bar) = &self.0 {
            bar.enable_steady_tick(interval);
        }
    }

    /// Takes the bar off the screen.
    pub fn finish(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
            *SHOWN.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
    }
}
