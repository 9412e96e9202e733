//! Answers, stored before they are written out: what was paid for is never asked for again, also
//! when we are killed between the two.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use store::{Cache, StoreError};

use crate::provider::Answer;

/// An answer as it is stored.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Kept {
    pub(crate) answer: Answer,
}

/// The store, and who is asking for what at the moment.
pub(crate) struct Answers {
    cache: Option<Cache>,
    complained: AtomicBool,
    asking: Mutex<HashSet<[u8; 32]>>,
    done: Condvar,
}

impl Answers {
    /// Without a store, nothing is kept.
    pub(crate) fn new(cache: Option<Cache>) -> Self {
        Self {
            cache,
            complained: AtomicBool::new(false),
            asking: Mutex::default(),
            done: Condvar::new(),
        }
    }

    pub(crate) fn get(&self, key: &[u8; 32]) -> Option<Answer> {
        let found = self.cache.as_ref()?.get(key).unwrap_or_else(|e| {
            self.complain(&e);
            None
        })?;
        // An entry that a later version wrote is no answer of this one.
        serde_json::from_slice::<Kept>(&found).ok().map(|kept| kept.answer)
    }

    pub(crate) fn put(&self, key: &[u8; 32], answer: &Answer) {
        let Some(cache) = &self.cache else { return };
        let Ok(value) = serde_json::to_vec(&Kept { answer: answer.clone() }) else { return };
        if let Err(e) = cache.put_through(key, &value) {
            self.complain(&e);
        }
    }

    fn complain(&self, error: &StoreError) {
        if !self.complained.swap(true, Ordering::Relaxed) {
            log::warn!("answers are not kept: {error}");
        }
    }

    /// Waits until nobody else asks the same; the turn ends with the guard. Without a store each
    /// asks for itself.
    pub(crate) fn turn(&self, key: [u8; 32]) -> Option<Turn<'_>> {
        self.cache.as_ref()?;
        let mut asking = self.asking.lock().unwrap_or_else(PoisonError::into_inner);
        while !asking.insert(key) {
            asking = self.done.wait(asking).unwrap_or_else(PoisonError::into_inner);
        }
        Some(Turn { answers: self, key })
    }
}

/// The right to ask for one thing.
pub(crate) struct Turn<'a> {
    answers: &'a Answers,
    key: [u8; 32],
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut asking = self.answers.asking.lock().unwrap_or_else(PoisonError::into_inner);
        asking.remove(&self.key);
        self.answers.done.notify_all();
    }
}
