//! What pictures look like, found out once.

use std::fs;
use std::sync::Mutex;
use std::time::SystemTime;

use filehash::{Files, is_settled};
use images::{Hash, Likeness, LookError, Options, look_at};
use serde::{Deserialize, Serialize};
use store::{Digests, FileState};

use crate::filter::lock;

/// Names the measures and their form: another one where they change.
const KIND: u8 = 1;

/// What is kept of a picture.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Looked {
    pub(crate) pixels: u64,
    pub(crate) sharpness: f64,
    pub(crate) hash: Hash,
    pub(crate) likeness: Likeness,
}

/// Looks of earlier runs, and those of this one.
pub(crate) struct Looks<'a> {
    digests: Option<&'a Digests>,
    started: SystemTime,
    fresh: Mutex<Vec<(FileState, String)>>,
}

impl<'a> Looks<'a> {
    pub(crate) fn new(digests: Option<&'a Digests>) -> Self {
        Self { digests, started: SystemTime::now(), fresh: Mutex::default() }
    }

    /// What is known of files, in their order; an inner none for what is no picture.
    pub(crate) fn known(&self, files: &Files, numbers: &[u32]) -> Vec<Option<Option<Looked>>> {
        let Some(digests) = self.digests else { return vec![None; numbers.len()] };
        let states = numbers.iter().map(|number| files.state(*number));
        match digests.looks(KIND, states) {
            Ok(looks) => {
                let parse = |look: Option<String>| serde_json::from_str(&look?).ok();
                looks.into_iter().map(parse).collect()
            }
            Err(error) => {
                log::warn!("looks of earlier runs are not used: {error}");
                vec![None; numbers.len()]
            }
        }
    }

    /// Looks at a file; none for what is no picture.
    pub(crate) fn look(&self, files: &Files, number: u32) -> Result<Option<Looked>, LookError> {
        let (path, state) = (files.path(number), files.state(number));
        let looked = match look_at(path, &Options { features: false, ..Options::default() }) {
            Ok(look) => Some(Looked {
                pixels: u64::from(look.width) * u64::from(look.height),
                sharpness: look.sharpness,
                hash: look.hash,
                likeness: look.likeness,
            }),
            Err(LookError::Unsupported(_)) => None,
            Err(error) => return Err(error),
        };
        // It may be another file by now than the one that was listed.
        let is_same = || fs::metadata(path).is_ok_and(|m| FileState::from(&m) == state);
        if self.digests.is_some()
            && is_settled(state, self.started)
            && is_same()
            && let Ok(text) = serde_json::to_string(&looked)
        {
            lock(&self.fresh).push((state, text));
        }
        Ok(looked)
    }

    /// Keeps what this run found out.
    pub(crate) fn keep(self) {
        let fresh = self.fresh.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        let Some(digests) = self.digests.filter(|_| !fresh.is_empty()) else { return };
        let looks = fresh.iter().map(|(state, look)| (*state, look.as_str()));
        if let Err(error) = digests.keep_looks(KIND, looks) {
            log::warn!("looks are not kept: {error}");
        }
    }
}
