//! Messages on stderr, and nothing else anywhere: `program: message`.

use std::borrow::Cow;
use std::io::{IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};

use log::{Level, LevelFilter, Log, Metadata, Record};

use crate::args::{GeneralArgs, When};
use crate::progress;

struct Messages {
    program: &'static str,
    color: AtomicBool,
}

static MESSAGES: std::sync::OnceLock<Messages> = std::sync::OnceLock::new();

/// Sends what is logged to stderr. Called once, first.
pub(crate) fn install(program: &'static str) {
    let messages = MESSAGES.get_or_init(|| Messages { program, color: AtomicBool::new(false) });
    if log::set_logger(messages).is_ok() {
        log::set_max_level(LevelFilter::Warn);
    }
}

pub(crate) fn set_level(args: &GeneralArgs, chatty: bool) {
    log::set_max_level(match (args.quiet, args.verbose.saturating_add(chatty.into())) {
        (true, _) => LevelFilter::Error,
        (_, 0) => LevelFilter::Warn,
        (_, 1) => LevelFilter::Info,
        (_, 2) => LevelFilter::Debug,
        _ => LevelFilter::Trace,
    });
    let color = match args.color {
        When::Always => true,
        When::Never => false,
        When::Auto => std::io::stderr().is_terminal() && crate::env::get("NO_COLOR").is_none(),
    };
    if let Some(messages) = MESSAGES.get() {
        messages.color.store(color, Ordering::Relaxed);
    }
}

impl Log for Messages {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= log::max_level() && allowed(metadata)
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let text = record.args().to_string();
        let color = match record.level() {
            _ if !self.color.load(Ordering::Relaxed) => None,
            Level::Error => Some("\x1b[31m"),
            Level::Warn => Some("\x1b[33m"),
            _ => Some("\x1b[2m"),
        };
        let shown = printable(&text);
        let line = match color {
            Some(color) => format!("{color}{}:\x1b[0m {shown}\n", self.program),
            None => format!("{}: {shown}\n", self.program),
        };
        // Nobody is left to tell if stderr is closed.
        progress::suspended(|| {
            let _ = std::io::stderr().lock().write_all(line.as_bytes());
        });
    }

    fn flush(&self) {}
}

/// Libraries' own chatter is for those who ask for it twice.
fn allowed(metadata: &Metadata<'_>) -> bool {
    let target = metadata.target();
    let crate_name = target.split("::").next().unwrap_or(target);
    crate_name.starts_with("headwater")
        || crate_name.ends_with("_cli")
        || crate_name == "serve"
        || log::max_level() >= LevelFilter::Debug
}

/// `text` with control characters other than newline and tab made visible: names of files and
/// answers of models are not to steer a terminal.
pub fn printable(text: &str) -> Cow<'_, str> {
    let harmless = |c: char| !c.is_control() || c == '\n' || c == '\t';
    if text.chars().all(harmless) {
        return Cow::Borrowed(text);
    }
    let shown = text.chars().map(|c| {
        if harmless(c) {
            Cow::Owned(c.to_string())
        } else {
            Cow::Owned(c.escape_default().to_string())
        }
    });
    Cow::Owned(shown.collect())
}

/// Prints totals as one line of JSON.
pub(crate) fn stats(totals: &crate::totals::Totals) {
    if let Ok(mut line) = serde_json::to_string(totals) {
        line.push('\n');
        let _ = std::io::stderr().lock().write_all(line.as_bytes());
    }
}
