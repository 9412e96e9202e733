use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use records::Record;

use crate::output::Done;
use crate::worker::WorkerId;

/// A record on its way from input to output.
pub(crate) struct Task {
    pub(crate) state: State,
    /// The key of its answer in the journal.
    pub(crate) key: Option<[u8; 32]>,
    /// Times that it was sent.
    pub(crate) sent: u32,
    /// Times that its worker was lost.
    pub(crate) losses: u32,
    /// Times that its worker ended or hung, and no other record can be to blame.
    pub(crate) strikes: u32,
    /// Times that the way to its worker broke while it was alone there.
    pub(crate) tries: u32,
    /// To be sent alone.
    pub(crate) alone: bool,
    /// The host where it was lost last.
    pub(crate) avoid: Option<usize>,
    /// Not to be sent again before.
    pub(crate) rest_until: Option<Instant>,
}

pub(crate) enum State {
    /// Not answered; with these workers.
    Open { record: Arc<Record>, holders: Vec<WorkerId> },
    /// To be written when its turn comes.
    Done(Box<Done>),
    /// Written before its turn.
    Gone,
}

impl Task {
    pub(crate) fn open(record: Record, key: Option<[u8; 32]>) -> Self {
        Self {
            state: State::Open { record: Arc::new(record), holders: Vec::new() },
            key,
            sent: 0,
            losses: 0,
            strikes: 0,
            tries: 0,
            alone: false,
            avoid: None,
            rest_until: None,
        }
    }

    pub(crate) fn record(&self) -> Option<&Arc<Record>> {
        match &self.state {
            State::Open { record, .. } => Some(record),
            _ => None,
        }
    }

    pub(crate) fn holders(&mut self) -> Option<&mut Vec<WorkerId>> {
        match &mut self.state {
            State::Open { holders, .. } => Some(holders),
            _ => None,
        }
    }

    fn bytes(&self) -> usize {
        match &self.state {
            State::Open { record, .. } => record.as_str().len(),
            State::Done(done) => done.record.as_str().len(),
            State::Gone => 0,
        }
    }
}

/// The tasks between input and output, by their number from 0.
#[derive(Default)]
pub(crate) struct Window {
    tasks: VecDeque<Task>,
    first: u64,
    bytes: usize,
}

impl Window {
    /// Adds a task at the end; its number.
    pub(crate) fn push(&mut self, task: Task) -> u64 {
        self.bytes += task.bytes();
        self.tasks.push_back(task);
        self.first + self.tasks.len() as u64 - 1
    }

    pub(crate) fn get(&mut self, number: u64) -> Option<&mut Task> {
        let at = usize::try_from(number.checked_sub(self.first)?).ok()?;
        self.tasks.get_mut(at)
    }

    /// The workers that have a task, while it is open.
    pub(crate) fn holders(&self, number: u64) -> Option<&[WorkerId]> {
        let at = usize::try_from(number.checked_sub(self.first)?).ok()?;
        match &self.tasks.get(at)?.state {
            State::Open { holders, .. } => Some(holders),
            _ => None,
        }
    }

    /// Changes the state of a task.
    pub(crate) fn settle(&mut self, number: u64, state: State) {
        let Some(task) = self.get(number) else { return };
        let before = task.bytes();
        task.state = state;
        let after = task.bytes();
        self.bytes = self.bytes - before + after;
    }

    /// Takes out the first task that is to be written, if its turn has come.
    pub(crate) fn pop(&mut self) -> Option<Box<Done>> {
        loop {
            match self.tasks.front()?.state {
                State::Open { .. } => return None,
                State::Done(_) | State::Gone => {}
            }
            let task = self.tasks.pop_front()?;
            self.first += 1;
            self.bytes -= task.bytes();
            if let State::Done(done) = task.state {
                return Some(done);
            }
        }
    }

    /// Numbers of the tasks that are open, the oldest first.
    pub(crate) fn open(&self) -> impl Iterator<Item = (u64, &Task)> {
        (self.first..).zip(&self.tasks).filter(|(_, task)| matches!(task.state, State::Open { .. }))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Bytes of all records and answers in it.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
}
