//! Keeps a parser's failure to one document: panics, deep recursion and endless work.
//!
//! Parsers of other people's making may panic or recurse on hostile input. They run on a thread of
//! their own with a large stack, and a panic there becomes [`ExtractError::Corrupt`].

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use crate::error::ExtractError;
use crate::limits::Budget;

/// Stack of a parser thread: address space, of which only what is touched becomes memory.
const STACK_BYTES: usize = 256 << 20;

/// How long past its end a parser that looks at the clock may take to notice.
const GRACE: Duration = Duration::from_secs(2);

/// Thrown through a parser that offers no way to stop it, and caught here.
pub(crate) struct Abort(pub(crate) ExtractError);

/// Runs `work`, which watches the clock by itself, on a large stack.
///
/// # Errors
/// What `work` returns; [`ExtractError::Corrupt`] when it panics; [`ExtractError::Io`] when no
/// thread can be started.
pub(crate) fn contained<T: Send>(
    work: impl FnOnce() -> Result<T, ExtractError> + Send,
) -> Result<T, ExtractError> {
    thread::scope(|scope| {
        builder().spawn_scoped(scope, || caught(work))?.join().unwrap_or_else(|p| Err(reason(p)))
    })
}

/// Runs `work`, which may not come back, on a large stack; gives up on it when its time is over.
///
/// A thread that is given up on goes on until its parser returns: nothing can end a thread from
/// outside. It holds no lock and its result is dropped.
///
/// # Errors
/// As [`contained`], and [`ExtractError::Timeout`].
pub(crate) fn abandonable<T: Send + 'static>(
    budget: &Budget,
    work: impl FnOnce() -> Result<T, ExtractError> + Send + 'static,
) -> Result<T, ExtractError> {
    let (sender, receiver) = sync_channel(1);
    builder().spawn(move || {
        // The receiver is gone when the time was over: then nobody wants the result.
        let _unwanted = sender.send(caught(work));
    })?;
    match receiver.recv_timeout(budget.left().saturating_add(GRACE)) {
        Ok(result) => result,
        Err(RecvTimeoutError::Timeout) => Err(budget.timeout()),
        Err(RecvTimeoutError::Disconnected) => Err(ExtractError::corrupt("the parser died")),
    }
}

fn builder() -> thread::Builder {
    thread::Builder::new().name("parser".to_owned()).stack_size(STACK_BYTES)
}

fn caught<T>(work: impl FnOnce() -> Result<T, ExtractError>) -> Result<T, ExtractError> {
    // Everything `work` touches is dropped with it, so no broken invariant can be seen later.
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|payload| Err(reason(payload)))
}

fn reason(payload: Box<dyn Any + Send>) -> ExtractError {
    let payload = match payload.downcast::<Abort>() {
        Ok(abort) => return abort.0,
        Err(payload) => payload,
    };
    let message = payload
        .downcast_ref::<&str>()
        .map(|message| (*message).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no reason given".to_owned());
    ExtractError::Corrupt { reason: format!("the parser failed: {message}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;

    #[test]
    fn a_panic_is_an_error_with_its_reason() {
        let failed = contained::<()>(|| std::panic::resume_unwind(Box::new("lost its way")));
        assert!(
            matches!(failed, Err(ExtractError::Corrupt { reason }) if reason.contains("lost its way"))
        );
    }

    #[test]
    fn an_abort_keeps_its_error() {
        let failed = contained::<()>(|| {
            std::panic::resume_unwind(Box::new(Abort(ExtractError::TooLarge {
                what: "objects",
                limit: 3,
            })))
        });
        assert!(matches!(failed, Err(ExtractError::TooLarge { what: "objects", limit: 3 })));
    }

    #[test]
    fn work_that_never_ends_is_given_up() {
        let limits = Limits { time: Duration::from_millis(1), ..Limits::default() };
        let (hold, held) = sync_channel::<()>(0);
        let failed = abandonable(&Budget::start(&limits), move || {
            // Ends when the test drops the other end, so that no thread outlives it for long.
            let _closed = held.recv();
            Ok(())
        });
        assert!(matches!(failed, Err(ExtractError::Timeout(_))));
        drop(hold);
    }
}
