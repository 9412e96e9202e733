use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};

use cli::{Bar, Stop};

/// What the calls share.
pub(crate) struct Spread<'a> {
    /// Threads.
    pub(crate) threads: usize,
    pub(crate) stop: &'a Stop,
    pub(crate) bar: &'a Bar,
}

impl Spread<'_> {
    /// Calls `each` with the numbers from 0 to `count`, on several threads; gives what it made of
    /// them. None where it was not called, because the program stops, or where it panicked.
    pub(crate) fn over<T: Send>(
        &self,
        count: usize,
        each: impl Fn(usize) -> T + Sync,
    ) -> Vec<Option<T>> {
        let next = AtomicUsize::new(0);
        let done = AtomicUsize::new(0);
        let mut made: Vec<Option<T>> = Vec::new();
        made.resize_with(count, || None);
        let made = Mutex::new(made);
        std::thread::scope(|scope| {
            for _ in 0..self.threads.clamp(1, count.max(1)) {
                scope.spawn(|| {
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        if number >= count || self.stop.is_set() {
                            return;
                        }
                        let one = catch_unwind(AssertUnwindSafe(|| each(number))).ok();
                        made.lock().unwrap_or_else(PoisonError::into_inner)[number] = one;
                        let done = done.fetch_add(1, Ordering::Relaxed) + 1;
                        self.bar.set(done as u64, count as u64);
                    }
                });
            }
        });
        made.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}
