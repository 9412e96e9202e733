use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::member::{Member, Right};
use crate::refusal::Refusal;

/// How many requests a model takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// Requests the engine works on at a time: its parallel sequences. At least 1 is used.
    pub parallel: usize,
    /// Requests that wait for one of those; a further one is answered with 429.
    pub queue: usize,
}

impl Capacity {
    /// `parallel` at a time and 32 waiting.
    pub fn new(parallel: usize) -> Self {
        Self { parallel, queue: 32 }
    }
}

/// The way into one model: so many in the engine, so many waiting, nobody else. Members take
/// turns: who has many requests waiting does not hold up who has one.
#[derive(Clone, Debug)]
pub(crate) struct Lane {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    capacity: Capacity,
    queue: Mutex<Queue>,
}

#[derive(Debug)]
struct Queue {
    free: usize,
    /// Members that wait, in the order of their next turns, each with its requests.
    turns: VecDeque<(String, VecDeque<oneshot::Sender<Turn>>)>,
}

/// A slot of the engine; given to the next one in the queue when it is dropped.
#[derive(Debug)]
struct Turn(Arc<Inner>);

/// A request's right to one engine call. It is moved into the call, so that a slot is free again
/// when the engine has returned, not when the client has left.
#[derive(Debug)]
pub(crate) struct Place {
    _turn: Turn,
    _right: Right,
}

impl Lane {
    pub(crate) fn new(capacity: Capacity) -> Self {
        let capacity = Capacity { parallel: capacity.parallel.max(1), ..capacity };
        let queue = Queue { free: capacity.parallel, turns: VecDeque::new() };
        Self { inner: Arc::new(Inner { capacity, queue: Mutex::new(queue) }) }
    }

    /// Waits for a slot; dropping the future leaves the queue.
    ///
    /// # Errors
    /// [`Refusal::busy`] at once when the queue is full, and what the member's limits say.
    pub(crate) async fn enter(&self, member: &Arc<Member>) -> Result<Place, Refusal> {
        let _right = member.enter()?;
        let waits = {
            let mut queue = self.inner.lock();
            if queue.free > 0 {
                queue.free -= 1;
                return Ok(Place { _turn: Turn(Arc::clone(&self.inner)), _right });
            }
            queue.forget_who_left();
            if queue.waiting() >= self.inner.capacity.queue {
                return Err(Refusal::busy());
            }
            let (sender, receiver) = oneshot::channel();
            queue.append(&member.name, sender);
            receiver
        };
        let _turn = waits.await.map_err(|_| Refusal::stopping())?;
        Ok(Place { _turn, _right })
    }

    /// Requests in the engine, and requests that wait.
    pub(crate) fn load(&self) -> (usize, usize) {
        let mut queue = self.inner.lock();
        queue.forget_who_left();
        (self.inner.capacity.parallel - queue.free, queue.waiting())
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn waiting(&self) -> usize {
        self.turns.iter().map(|(_, requests)| requests.len()).sum()
    }

    fn forget_who_left(&mut self) {
        for (_, requests) in &mut self.turns {
            requests.retain(|request| !request.is_closed());
        }
        self.turns.retain(|(_, requests)| !requests.is_empty());
    }

    fn append(&mut self, member: &str, request: oneshot::Sender<Turn>) {
        match self.turns.iter_mut().find(|(name, _)| name == member) {
            Some((_, requests)) => requests.push_back(request),
            None => self.turns.push_back((member.to_owned(), VecDeque::from([request]))),
        }
    }

    /// The next request: the first one of the member whose turn it is, who then goes to the end.
    fn next(&mut self) -> Option<oneshot::Sender<Turn>> {
        let (member, mut requests) = self.turns.pop_front()?;
        let next = requests.pop_front();
        if !requests.is_empty() {
            self.turns.push_back((member, requests));
        }
        next
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let next = {
            let mut queue = self.0.lock();
            queue.forget_who_left();
            let next = queue.next();
            if next.is_none() {
                queue.free += 1;
            }
            next
        };
        // Who left in the meantime drops the turn, which then comes here again.
        if let Some(next) = next {
            drop(next.send(Self(Arc::clone(&self.0))));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_take_turns_and_who_left_is_passed_over() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let local = tokio::task::LocalSet::new();
        let lane = Lane::new(Capacity { parallel: 1, queue: 4 });
        let (greedy, modest) =
            (Arc::new(Member::unlimited("greedy")), Arc::new(Member::unlimited("modest")));
        let order = Arc::new(Mutex::new(Vec::new()));
        local.block_on(&runtime, async {
            let first = lane.enter(&greedy).await.expect("a free slot");
            let mut tasks = Vec::new();
            for (name, member) in
                [("a", &greedy), ("left", &greedy), ("b", &greedy), ("c", &modest)]
            {
                let (lane, member, order) = (lane.clone(), Arc::clone(member), Arc::clone(&order));
                tasks.push(tokio::task::spawn_local(async move {
                    let place = lane.enter(&member).await.expect("a place");
                    order.lock().expect("no panic").push(name);
                    drop(place);
                }));
                tokio::task::yield_now().await;
            }
            assert_eq!(lane.load(), (1, 4));
            assert!(lane.enter(&modest).await.is_err(), "the queue is full");
            tasks.remove(1).abort();
            tokio::task::yield_now().await;
            drop(first);
            for task in tasks {
                task.await.expect("it ends");
            }
        });
        assert_eq!(*order.lock().expect("no panic"), ["a", "c", "b"]);
        assert_eq!(lane.load(), (0, 0));
    }
}
