//! A file from the hub: continued where it broke off, tried again when that can help.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use serde::{Deserialize, Serialize};

use super::transfer::{self, Head, TransferError};
use super::{Event, Fetched, HUB, Job, PullError, SourceError};
use crate::catalogue::Checksum;
use crate::digest::Sha256;
use crate::store::{read_json, write_json};

/// What is remembered beside an unfinished download.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Unfinished {
    url: String,
    etag: Option<String>,
    linked_etag: Option<String>,
}

/// Why an attempt did not finish the file.
enum Trouble {
    Again { reason: String, wait: Option<Duration> },
    Unreachable(String),
    Source(SourceError),
}

impl From<TransferError> for Trouble {
    fn from(error: TransferError) -> Self {
        match error {
            TransferError::Passing(reason) => Self::Again { reason, wait: None },
            TransferError::Unreachable(reason) => Self::Unreachable(reason),
            TransferError::Final(reason) => Self::Source(SourceError::Failed(reason)),
            TransferError::Stopped => Self::Source(SourceError::Fatal(PullError::Stopped)),
        }
    }
}

impl From<SourceError> for Trouble {
    fn from(error: SourceError) -> Self {
        Self::Source(error)
    }
}

struct Download<'a> {
    job: &'a Job<'a>,
    url: String,
    part: PathBuf,
    note: PathBuf,
}

/// Gets `url` as a file under a temporary name.
pub(super) fn fetch(job: &Job<'_>, url: &str) -> Result<Fetched, SourceError> {
    let url = match url.strip_prefix(HUB) {
        Some(path) => format!("{}{path}", job.options.hub_base.trim_end_matches('/')),
        None => url.to_owned(),
    };
    let part = job.store.dir().join(format!(".{}.part", job.entry.file));
    let note = job.store.dir().join(format!(".{}.part.json", job.entry.file));
    let download = Download { job, url, part, note };
    // Complete, but not yet in its place when the last pull was ended.
    if job.entry.pinned().is_some()
        && download.have() == job.entry.bytes
        && let Some(fetched) = download.finish(None, 1)?
    {
        return Ok(fetched);
    }
    let began = download.have();
    let mut failures = 0;
    let mut mixed_once = false;
    loop {
        let before = download.have();
        let (reason, wait) = match download.attempt() {
            Ok(linked) => match download.finish(linked, before)? {
                Some(fetched) => return Ok(fetched),
                None if !mixed_once => {
                    mixed_once = true;
                    ("the checksum of the continued file is wrong: from the start".into(), None)
                }
                None => return Err(SourceError::failed("the checksum is wrong")),
            },
            Err(Trouble::Source(error)) => return Err(error),
            // A server that was there a moment ago comes back; else the next source is quicker.
            Err(Trouble::Unreachable(reason)) if download.have() <= began => {
                return Err(SourceError::Failed(reason));
            }
            Err(Trouble::Unreachable(reason)) => (reason, None),
            Err(Trouble::Again { reason, wait }) => (reason, wait),
        };
        failures = if download.have() > before { 1 } else { failures + 1 };
        if failures > job.options.retries {
            return Err(SourceError::Failed(reason));
        }
        let doubled = job.options.backoff.saturating_mul(1 << (failures - 1).min(6));
        let wait = wait.unwrap_or(doubled);
        if wait > job.options.longest_wait {
            let text = format!("{reason}; the server asks to wait {} s", wait.as_secs());
            return Err(SourceError::Failed(text));
        }
        job.say(Event::Retrying { reason: &reason, wait });
        pause(job, wait)?;
    }
}

fn pause(job: &Job<'_>, wait: Duration) -> Result<(), SourceError> {
    let end = Instant::now() + wait;
    loop {
        job.check_stop()?;
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(());
        }
        std::thread::sleep(left.min(Duration::from_millis(50)));
    }
}

impl Download<'_> {
    /// Bytes that are here.
    fn have(&self) -> u64 {
        fs::metadata(&self.part).map_or(0, |m| m.len())
    }

    fn forget(&self) {
        for gone in [&self.part, &self.note] {
            // Absent is what it should be; anything else shows when it is written next.
            let _ = fs::remove_file(gone);
        }
    }

    /// Everything up to the last byte. Gives the checksum that the hub states, if it does.
    fn attempt(&self) -> Result<Option<Sha256>, Trouble> {
        let known = read_json::<Unfinished>(&self.note).filter(|n| n.url == self.url);
        let have = self.have();
        let resume = known.as_ref().and_then(|n| n.etag.clone()).filter(|_| have > 0);
        let from = resume.map(|etag| (have, etag));
        let ranged = from.is_some();
        let transfer = transfer::start(&self.url, from, self.job.options, self.job.stop)?;
        let head = transfer.head()?;
        let start = self.interpret(&head, known.as_ref(), ranged.then_some(have))?;
        let total = self.total(&head, start)?;
        let stated = head.linked_etag.as_deref().and_then(|e| e.parse().ok());
        if self.job.entry.sha256 == Checksum::FromHub && stated.is_none() {
            let text = "the hub states no checksum for this file, and none is known";
            return Err(SourceError::failed(text).into());
        }
        if let Some((wanted, stated)) = self.job.entry.pinned().zip(stated)
            && wanted != stated
        {
            let text = format!("the hub's file has the checksum {stated}, where {wanted} is due");
            return Err(SourceError::Failed(text).into());
        }
        let size = total.unwrap_or(self.job.entry.bytes);
        self.job.check_room(size.saturating_sub(start))?;
        let note =
            Unfinished { url: self.url.clone(), etag: head.etag, linked_etag: head.linked_etag };
        write_json(&self.note, &note).map_err(SourceError::disk(&self.note))?;
        if start > 0 {
            self.job.say(Event::Resuming { at: start });
        }
        self.receive(&transfer, start, total)?;
        Ok(stated)
    }

    /// Where in the file the answer's bytes begin.
    fn interpret(
        &self,
        head: &Head,
        known: Option<&Unfinished>,
        asked: Option<u64>,
    ) -> Result<u64, Trouble> {
        let again = |reason: &str| Trouble::Again { reason: reason.into(), wait: None };
        match (head.status, asked) {
            (200, _) => Ok(0),
            (206, Some(have)) => {
                let same = known.is_some_and(|n| n.linked_etag == head.linked_etag);
                let starts = head.content_range.as_deref().and_then(range_start);
                if same && starts == Some(have) {
                    return Ok(have);
                }
                self.forget();
                Err(again("the file changed on the server"))
            }
            (416, Some(_)) => {
                self.forget();
                Err(again("the server has less than was downloaded"))
            }
            (408 | 429 | 500 | 502 | 503 | 504, _) => Err(Trouble::Again {
                reason: format!("HTTP status {}", head.status),
                wait: head.retry_after.as_deref().and_then(retry_after),
            }),
            (401 | 403, _) => Err(SourceError::Failed(format!(
                "HTTP status {}: the hub does not give this file without an account",
                head.status
            ))
            .into()),
            (status, _) => Err(SourceError::Failed(format!("HTTP status {status}")).into()),
        }
    }

    /// Size of the whole file; an answer of another size than the catalogue's is refused.
    fn total(&self, head: &Head, start: u64) -> Result<Option<u64>, Trouble> {
        let total = head.length.and_then(|n| n.checked_add(start)).or(head.linked_size);
        let entry = self.job.entry;
        let wrong = match (entry.sha256, total) {
            (Checksum::Pinned(_), Some(n)) => n != entry.bytes,
            // "About": no more than twice what the catalogue says.
            (Checksum::FromHub, Some(n)) => n > entry.bytes.saturating_mul(2),
            (_, None) => false,
        };
        if wrong {
            let n = total.unwrap_or(0);
            let text = format!("the server's file has {n} bytes, where {} are due", entry.bytes);
            return Err(SourceError::Failed(text).into());
        }
        Ok(total.or(entry.pinned().map(|_| entry.bytes)))
    }

    fn receive(
        &self,
        transfer: &transfer::Transfer<'_>,
        start: u64,
        total: Option<u64>,
    ) -> Result<(), Trouble> {
        let file = open(&self.part, start).map_err(SourceError::disk(&self.part))?;
        let limit = total.unwrap_or_else(|| self.job.entry.bytes.saturating_mul(2));
        let mut writer = std::io::BufWriter::with_capacity(1 << 20, file);
        let mut done = start;
        let result = loop {
            match transfer.chunk() {
                Ok(None) => break Ok(()),
                Ok(Some(chunk)) => {
                    done += chunk.len() as u64;
                    if done > limit {
                        break Err(SourceError::failed("the server sends more than it said").into());
                    }
                    writer.write_all(&chunk).map_err(SourceError::disk(&self.part))?;
                    self.job.say(Event::Bytes { done, total });
                }
                Err(e) => break Err(Trouble::from(e)),
            }
        };
        writer.flush().map_err(SourceError::disk(&self.part))?;
        result?;
        match total {
            Some(total) if done < total => Err(Trouble::Again {
                reason: format!("the connection ended after {done} of {total} bytes"),
                wait: None,
            }),
            _ => Ok(()),
        }
    }

    /// The complete file with its checksum; `None` when it was put together from two transfers
    /// and is wrong, which a fresh one can mend.
    fn finish(&self, stated: Option<Sha256>, before: u64) -> Result<Option<Fetched>, SourceError> {
        let sha256 = self.job.hash(&self.part)?;
        let expected = self.job.entry.pinned().or(stated);
        // Whatever comes of it, it is not continued.
        let _ = fs::remove_file(&self.note);
        match expected {
            Some(expected) if expected != sha256 => {
                self.forget();
                if before > 0 {
                    return Ok(None);
                }
                let text = format!("the checksum is {sha256}, where {expected} is due");
                Err(SourceError::Failed(text))
            }
            _ => Ok(Some(Fetched { path: self.part.clone(), sha256, _scratch: None })),
        }
    }
}

fn open(part: &Path, start: u64) -> std::io::Result<File> {
    let file = OpenOptions::new().create(true).append(true).open(part)?;
    // After an answer that begins anew, what is there is of no use.
    if start == 0 {
        file.set_len(0)?;
    }
    Ok(file)
}

/// First byte of `bytes 100-199/200` (RFC 9110, 14.4).
fn range_start(text: &str) -> Option<u64> {
    text.strip_prefix("bytes ")?.split('-').next()?.parse().ok()
}

/// Seconds or a date (RFC 9110, 10.2.3).
fn retry_after(text: &str) -> Option<Duration> {
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(SystemTime::now()).unwrap_or_default())
}
