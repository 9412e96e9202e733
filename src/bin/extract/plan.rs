use std::time::Duration;

use cli::{Session, Stop};
use document::{Limits, Wanted};
use records::Field;

use crate::args::Extract;
use crate::parts::Per;

/// What is decided before the first document is read.
pub(crate) struct Plan {
    pub(crate) field: Field,
    pub(crate) result: String,
    pub(crate) wanted: Wanted,
    pub(crate) per: Option<Per>,
    pub(crate) limits: Limits,
    pub(crate) timeout: Option<Duration>,
    pub(crate) stop: Stop,
}

impl Plan {
    pub(crate) fn new(args: &Extract, session: &Session) -> Self {
        let defaults = Limits::default();
        let limits = Limits {
            max_bytes: args.max_bytes,
            max_text: args.max_text,
            max_pages: args.max_pages,
            max_stream: args.max_stream,
            max_unpacked: args.max_unpacked,
            time: args.stream.timeout.unwrap_or(defaults.time),
            ..defaults
        };
        let pages = args.pages.map(|pages| (pages.0, pages.1));
        let wanted = Wanted { full: args.full, tables: args.tables, pages };
        Self {
            field: args.stream.field_or("path"),
            result: args.stream.result_or("text").to_owned(),
            wanted,
            per: args.per,
            limits,
            timeout: args.stream.timeout,
            stop: session.stop.clone(),
        }
    }

    /// Documents in work at the same time: reading them takes a processor each.
    pub(crate) fn default_jobs() -> usize {
        std::thread::available_parallelism().map_or(1, usize::from)
    }
}
