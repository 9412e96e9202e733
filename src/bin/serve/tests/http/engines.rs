//! Engines that misbehave.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

use engine::{
    Cancel, Complete, Completion, CompletionRequest, Embed, Embedding, Error, ModelInfo, Prompt,
    StopReason,
};

/// Generates a word and then nothing until it is cancelled or released.
pub(crate) struct Slow {
    info: ModelInfo,
    released: Mutex<bool>,
    wake: Condvar,
    pub(crate) started: AtomicUsize,
    pub(crate) running: AtomicUsize,
    pub(crate) most: AtomicUsize,
    pub(crate) cancelled: AtomicUsize,
}

impl Slow {
    pub(crate) fn new() -> Self {
        Self {
            info: ModelInfo {
                name: "slow".into(),
                sha256: "0123456789abcdef".into(),
                context: 100,
            },
            released: Mutex::new(false),
            wake: Condvar::new(),
            started: AtomicUsize::new(0),
            running: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
            cancelled: AtomicUsize::new(0),
        }
    }

    /// Lets all calls end, also later ones.
    pub(crate) fn release(&self) {
        *self.released.lock().unwrap() = true;
        self.wake.notify_all();
    }

    fn hold(&self, cancel: &Cancel) -> Result<(), Error> {
        self.started.fetch_add(1, Ordering::SeqCst);
        let running = self.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(running, Ordering::SeqCst);
        let mut released = self.released.lock().unwrap();
        let result = loop {
            if let Some(reason) = cancel.reason() {
                self.cancelled.fetch_add(1, Ordering::SeqCst);
                break Err(Error::Cancelled(reason));
            }
            if *released {
                break Ok(());
            }
            released = self.wake.wait_timeout(released, Duration::from_millis(5)).unwrap().0;
        };
        self.running.fetch_sub(1, Ordering::SeqCst);
        result
    }
}

impl Complete for Slow {
    fn model(&self) -> &ModelInfo {
        &self.info
    }

    fn count_tokens(&self, _text: &str) -> Result<usize, Error> {
        Ok(1)
    }

    fn count_prompt_tokens(&self, _prompt: &Prompt) -> Result<usize, Error> {
        Ok(1)
    }

    fn complete(
        &self,
        _request: &CompletionRequest,
        cancel: &Cancel,
        on_text: &mut dyn FnMut(&str),
    ) -> Result<Completion, Error> {
        on_text("word");
        self.hold(cancel)?;
        on_text(" end");
        let text = "word end".into();
        let stop = StopReason::Stop;
        Ok(Completion {
            text,
            tokens_in: 1,
            tokens_out: 2,
            stop,
            mean_logprob: None,
            tokens: Vec::new(),
        })
    }
}

impl Embed for Slow {
    fn model(&self) -> &ModelInfo {
        &self.info
    }

    fn dimensions(&self) -> usize {
        1
    }

    fn embed(&self, texts: &[&str], cancel: &Cancel) -> Result<Vec<Embedding>, Error> {
        self.hold(cancel)?;
        Ok(texts.iter().map(|_| Embedding { vector: vec![1.0], tokens: 1 }).collect())
    }
}

/// Keeps the request it was asked, and breaks in the way its prompt names.
pub(crate) struct Recorder {
    info: ModelInfo,
    pub(crate) asked: Mutex<Vec<CompletionRequest>>,
}

impl Recorder {
    pub(crate) fn new() -> Self {
        let info = ModelInfo { name: "recorder".into(), sha256: String::new(), context: 100 };
        Self { info, asked: Mutex::default() }
    }

    pub(crate) fn last(&self) -> CompletionRequest {
        self.asked.lock().unwrap().last().expect("a request").clone()
    }
}

impl Complete for Recorder {
    fn model(&self) -> &ModelInfo {
        &self.info
    }

    fn count_tokens(&self, _text: &str) -> Result<usize, Error> {
        Ok(10)
    }

    fn count_prompt_tokens(&self, prompt: &Prompt) -> Result<usize, Error> {
        match prompt {
            Prompt::Raw(text) if text == "whole context" => Ok(100),
            _ => Ok(10),
        }
    }

    fn complete(
        &self,
        request: &CompletionRequest,
        _cancel: &Cancel,
        on_text: &mut dyn FnMut(&str),
    ) -> Result<Completion, Error> {
        self.asked.lock().unwrap().push(request.clone());
        if let Prompt::Raw(text) = &request.prompt {
            match text.as_str() {
                "panic" => panic!("an engine that panics"),
                "fail" => return Err(Error::Engine("out of memory".into())),
                "schema" => return Err(Error::Constraint("unknown type".into())),
                "fail late" => {
                    on_text("so far");
                    return Err(Error::Engine("out of memory".into()));
                }
                _ => {}
            }
        }
        on_text("ok");
        let (text, stop) = ("ok".into(), StopReason::Stop);
        Ok(Completion {
            text,
            tokens_in: 10,
            tokens_out: 1,
            stop,
            mean_logprob: None,
            tokens: Vec::new(),
        })
    }
}

/// Waits until `true`, at most ten seconds.
pub(crate) fn eventually(what: &str, check: impl Fn() -> bool) {
    let start = Instant::now();
    while !check() {
        assert!(start.elapsed() < Duration::from_secs(10), "never happened: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}
