//! Sessions that take the windows of one recording side by side.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread::Scope;

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use engine::{Cancel, Error, Transcribe, TranscribeRequest, Transcript};
use whisper::Chunk;

use crate::listen::Asked;

/// A window of one channel.
pub(crate) type Part = (usize, Chunk);

/// What a session made of a window, and the window without its sound.
pub(crate) type Written = (Part, Result<Transcript, Error>);

/// The text of a window, in the language that is asked for; its sound is freed.
pub(crate) fn write_down(
    session: &mut dyn Transcribe,
    (lane, mut chunk): Part,
    (asked, language): (&Asked, &str),
    cancel: &Cancel,
) -> Written {
    let Asked { translate, words, .. } = *asked;
    let samples = chunk.samples.as_slice();
    let request = TranscribeRequest { samples, language, translate, words };
    let text = session.transcribe(&request, cancel);
    chunk.free_sound();
    ((lane, chunk), text)
}

pub(crate) struct Job {
    number: u64,
    part: Part,
    language: String,
}

/// Windows go in and transcripts come out in the same order.
///
/// One session works on the caller's thread, more of them on threads of their own; then as many
/// windows as there are sessions may wait.
pub(crate) enum Pool<'s> {
    Here { session: &'s mut dyn Transcribe, asked: &'s Asked, cancel: &'s Cancel },
    Threads { jobs: Sender<Job>, answers: Receiver<Answer> },
}

/// What a thread made of the window with this number; its panic, which is the caller's.
type Answer = std::thread::Result<(u64, Written)>;

/// A [`Pool`], and what it was asked for and has not yet given.
pub(crate) struct InOrder<'s> {
    pool: Pool<'s>,
    /// Windows given to the sessions, and transcripts taken, so far.
    given: u64,
    taken: u64,
    /// By number: what was ready before its turn.
    early: BTreeMap<u64, Written>,
}

impl<'s> InOrder<'s> {
    /// A pool of `sessions`, at least one; its threads end when it is dropped.
    pub(crate) fn new<'scope>(
        sessions: &'s mut [Box<dyn Transcribe>],
        asked: &'s Asked,
        cancel: &'s Cancel,
        scope: &'scope Scope<'scope, 's>,
    ) -> Self {
        let pool = match sessions {
            [session] => Pool::Here { session: session.as_mut(), asked, cancel },
            sessions => {
                let (jobs, waiting) = bounded::<Job>(sessions.len());
                let (sender, answers) = unbounded();
                for session in sessions {
                    let (waiting, sender) = (waiting.clone(), sender.clone());
                    scope.spawn(move || {
                        for Job { number, part, language } in waiting {
                            let context = (asked, language.as_str());
                            let answer = catch_unwind(AssertUnwindSafe(|| {
                                (number, write_down(session.as_mut(), part, context, cancel))
                            }));
                            let panicked = answer.is_err();
                            if sender.send(answer).is_err() || panicked {
                                return;
                            }
                        }
                    });
                }
                Pool::Threads { jobs, answers }
            }
        };
        Self { pool, given: 0, taken: 0, early: BTreeMap::new() }
    }

    /// Gives a window to the sessions; waits while they have enough.
    pub(crate) fn give(&mut self, part: Part, language: &str) {
        let number = self.given;
        self.given += 1;
        match &mut self.pool {
            Pool::Here { session, asked, cancel } => {
                let written = write_down(*session, part, (asked, language), cancel);
                self.early.insert(number, written);
            }
            Pool::Threads { jobs, .. } => {
                // Sessions leave with the pool, or with a panic, which is taken with the answers.
                let _ = jobs.send(Job { number, part, language: language.to_owned() });
            }
        }
    }

    /// The next transcript, if it is ready.
    pub(crate) fn ready(&mut self) -> Option<Written> {
        if let Pool::Threads { answers, .. } = &self.pool {
            let answers: Vec<Answer> = answers.try_iter().collect();
            answers.into_iter().for_each(|answer| self.keep(answer));
        }
        self.take()
    }

    /// The next transcript, waited for; nothing when all were taken.
    pub(crate) fn wait(&mut self) -> Option<Written> {
        while self.taken < self.given {
            if let Some(next) = self.take() {
                return Some(next);
            }
            let Pool::Threads { answers, .. } = &self.pool else { return None };
            let answer = answers.recv().ok()?;
            self.keep(answer);
        }
        None
    }

    fn keep(&mut self, answer: Answer) {
        let (number, written) = answer.unwrap_or_else(|panic| resume_unwind(panic));
        self.early.insert(number, written);
    }

    fn take(&mut self) -> Option<Written> {
        let next = self.early.remove(&self.taken)?;
        self.taken += 1;
        Some(next)
    }
}
