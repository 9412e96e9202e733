//! Work of unequal length on several threads, its results in order.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::thread;

/// Calls `work` for each of `items` on up to `jobs` threads, and `take` on this thread with each
/// result, in the order of `items`. An error from `take` ends it: no more work is begun.
pub(crate) fn in_order<T: Sync, R: Send, E>(
    jobs: usize,
    items: &[T],
    work: impl Fn(&T) -> R + Sync,
    mut take: impl FnMut(usize, R) -> Result<(), E>,
) -> Result<(), E> {
    let (next, work) = (AtomicUsize::new(0), &work);
    thread::scope(|scope| {
        let (sender, results) = channel();
        for _ in 0..jobs.clamp(1, items.len().max(1)) {
            let (sender, next) = (sender.clone(), &next);
            scope.spawn(move || {
                while let Some((n, item)) = at(items, next) {
                    if sender.send((n, work(item))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        let (mut waiting, mut turn) = (BTreeMap::new(), 0);
        for (n, result) in results {
            waiting.insert(n, result);
            while let Some(result) = waiting.remove(&turn) {
                if let Err(error) = take(turn, result) {
                    next.store(items.len(), Ordering::Relaxed);
                    return Err(error);
                }
                turn += 1;
            }
        }
        Ok(())
    })
}

fn at<'a, T>(items: &'a [T], next: &AtomicUsize) -> Option<(usize, &'a T)> {
    let n = next.fetch_add(1, Ordering::Relaxed);
    items.get(n).map(|item| (n, item))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_and_an_error_ends_it() {
        let items: Vec<usize> = (0..100).collect();
        let slow_first = |n: &usize| {
            if *n == 0 {
                thread::sleep(std::time::Duration::from_millis(20));
            }
            n * 2
        };
        for jobs in [1, 3, 200] {
            let mut taken = Vec::new();
            let all: Result<(), ()> = in_order(jobs, &items, slow_first, |n, r| {
                taken.push((n, r));
                Ok(())
            });
            assert!(all.is_ok() && taken.len() == 100);
            assert!(taken.iter().enumerate().all(|(at, (n, r))| at == *n && *r == n * 2));
        }
        let stopped = in_order(4, &items, slow_first, |n, _| if n == 5 { Err(n) } else { Ok(()) });
        assert_eq!(stopped, Err(5));
        assert_eq!(in_order(4, &[], slow_first, |_, _| Err(())), Ok(()));
    }
}
