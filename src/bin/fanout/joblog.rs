//! What was done by whom, for those who want to look at it later.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use cli::Error;
use dispatch::{Done, Summary};
use serde_json::json;

/// One line of JSON for each record.
pub(crate) struct Joblog {
    out: BufWriter<File>,
    number: u64,
}

impl Joblog {
    pub(crate) fn create(path: &Path) -> Result<Self, Error> {
        let file = File::create(path)
            .map_err(|e| Error::setup(format!("--joblog {}: {e}", path.display())))?;
        Ok(Self { out: BufWriter::new(file), number: 0 })
    }

    pub(crate) fn note(&mut self, done: &Done) -> io::Result<()> {
        self.number += 1;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let line = json!({
            "number": self.number,
            "id": done.record.id(),
            "host": done.host.as_deref(),
            "ms": u64::try_from(done.took.as_millis()).unwrap_or(u64::MAX),
            "sent": done.sent,
            "kept": done.kept,
            "error": done.failure.as_ref().map(|f| f.code.as_str()),
            "done": now.as_secs_f64(),
        });
        writeln!(self.out, "{line}")
    }

    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// One line of JSON for each host.
pub(crate) fn report(path: &Path, summary: &Summary, seconds: f64) -> Result<(), Error> {
    let write = || -> io::Result<()> {
        let mut out = BufWriter::new(File::create(path)?);
        let all: u64 = summary.hosts.iter().map(|h| h.answered).sum();
        for host in &summary.hosts {
            #[expect(clippy::cast_precision_loss, reason = "shares and speeds are rough")]
            let (answered, all) = (host.answered as f64, all.max(1) as f64);
            let busy = host.busy.as_secs_f64();
            let line = json!({
                "host": &*host.name,
                "answered": host.answered,
                "share": answered / all,
                "failed": host.failed,
                "lost": host.lost,
                "busy_seconds": busy,
                "records_per_second": answered / seconds.max(1e-9),
                "given_up": host.hopes == 0,
            });
            writeln!(out, "{line}")?;
        }
        out.flush()
    };
    write().map_err(|e| Error::setup(format!("--report {}: {e}", path.display())))
}
