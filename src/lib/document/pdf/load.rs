//! Opens a PDF with lopdf, within a budget.
//!
//! lopdf reads every object of a file at once and cannot be told to stop, except by unwinding out of
//! the filter that it calls for each object: that is what [`guard::Abort`] is for. Encrypted files
//! bypass the filter; for them only the time limit around the whole parser holds.

use std::cell::RefCell;
use std::collections::HashSet;
use std::panic::resume_unwind;

use lopdf::{Document, Error, LoadOptions, Object, ObjectId};

use crate::error::ExtractError;
use crate::guard;
use crate::limits::Budget;

/// Bytes that an object or cross-reference stream may expand to: as parsed objects they take about
/// forty times as much, and usual ones hold some hundred objects.
const MAX_OBJECT_STREAM: usize = 16 << 20;

thread_local! {
    /// The filter is a bare function: its state has to lie here while a document is being read.
    static LOADING: RefCell<Option<Loading>> = const { RefCell::new(None) };
}

struct Loading {
    budget: Budget,
    seen: HashSet<ObjectId>,
    /// Reads of an object already seen: many entries of a table may point at one object.
    repeats: usize,
}

/// Reads a document; an empty user password is tried on an encrypted one.
///
/// # Errors
/// [`ExtractError::Encrypted`], [`ExtractError::Corrupt`], or a limit.
pub(crate) fn load(bytes: &[u8], budget: &Budget) -> Result<Document, ExtractError> {
    let document = match attempt(bytes, budget, false) {
        Ok(document) if document.is_encrypted() => return Err(ExtractError::Encrypted),
        Ok(document) if has_pages(&document) => document,
        // lopdf rebuilds an unusable page tree by itself, but not with a filter.
        Ok(document) => attempt(bytes, budget, true).ok().filter(has_pages).unwrap_or(document),
        Err(error) => return Err(describe(error, bytes, budget)),
    };
    let limit = budget.limits.max_objects;
    if document.objects.len() > limit {
        return Err(ExtractError::TooLarge { what: "objects", limit: limit as u64 });
    }
    Ok(document)
}

fn attempt(bytes: &[u8], budget: &Budget, reconstruct: bool) -> Result<Document, Error> {
    LOADING.set(Some(Loading { budget: budget.clone(), seen: HashSet::new(), repeats: 0 }));
    let options = LoadOptions {
        filter: Some(admit),
        max_decompressed_size: Some(budget.limits.max_stream.min(MAX_OBJECT_STREAM)),
        force_reconstruct: reconstruct,
        ..LoadOptions::default()
    };
    let loaded = Document::load_mem_with_options(bytes, options);
    LOADING.set(None);
    loaded
}

/// Called by lopdf for each object that it has read.
fn admit(id: ObjectId, object: &mut Object) -> Option<(ObjectId, Object)> {
    let refused = LOADING.with_borrow_mut(|loading| loading.as_mut()?.refuse(id));
    if let Some(error) = refused {
        resume_unwind(Box::new(guard::Abort(error)));
    }
    // lopdf keeps `object` itself for objects in the file, and takes what is returned only for those
    // in object streams, which cannot be streams.
    let kept = if object.as_stream().is_ok() { Object::Null } else { object.clone() };
    Some((id, kept))
}

impl Loading {
    fn refuse(&mut self, id: ObjectId) -> Option<ExtractError> {
        let limits = &self.budget.limits;
        if !self.seen.insert(id) {
            self.repeats += 1;
        }
        let objects = limits.max_objects;
        if self.seen.len() > objects || self.repeats > objects.min(self.seen.len() + 1_000) {
            return Some(ExtractError::TooLarge { what: "objects", limit: objects as u64 });
        }
        if self.budget.expired() { Some(self.budget.timeout()) } else { None }
    }
}

fn has_pages(document: &Document) -> bool {
    !super::pages::pages(document, 1).0.is_empty()
}

fn describe(error: Error, bytes: &[u8], budget: &Budget) -> ExtractError {
    match error {
        Error::InvalidPassword | Error::Decryption(_) | Error::UnsupportedSecurityHandler(_) => {
            ExtractError::Encrypted
        }
        Error::Decompress(lopdf::DecompressError::MemoryLimitExceeded { .. }) => {
            let limit = budget.limits.max_stream.min(MAX_OBJECT_STREAM) as u64;
            ExtractError::TooLarge { what: "bytes in one stream", limit }
        }
        error if bytes.len() < 64 => ExtractError::corrupt(format!("cut off ({error})")),
        error => ExtractError::corrupt(error),
    }
}
