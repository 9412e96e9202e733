//! `--stream`: what is said is written as soon as it was said.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use audio::Decoder;
use cli::{Emit, Halt, Stop};
use engine::{Cancel, LANGUAGE_AUTO};
use records::{Failure, content_id};
use whisper::{Chunk, SAMPLE_RATE, Utterances};

use crate::detector::Detector;
use crate::error::TranscribeError;
use crate::listen::{Asked, Stretch};

/// Samples of a block: 0.1 s.
pub(crate) const BLOCK: usize = SAMPLE_RATE / 10;
/// Blocks that may wait while an utterance is transcribed: 30 s. When they are full, the sound
/// waits in the pipe.
const QUEUE: usize = 300;

type Blocks = Result<Vec<Vec<f32>>, audio::Error>;

/// An utterance of one channel, and its number in the stream, from 1.
pub(crate) struct Utterance {
    pub(crate) number: u64,
    pub(crate) lane: usize,
    pub(crate) chunk: Chunk,
}

impl Utterance {
    /// An id made from its sound.
    pub(crate) fn id(&self) -> String {
        let sample = |x: &f32| ((x * 32_767.0) as i16).to_le_bytes();
        let bytes: Vec<u8> = self.chunk.samples.iter().flat_map(sample).collect();
        content_id(&bytes)
    }
}

/// Hands each utterance to `handle` when it has ended; the last ones at the end of the stream, and
/// when there is a reason to stop.
///
/// Sound is read on a thread of its own, so that none is lost while an utterance is handled.
///
/// # Errors
/// Those of `handle`; a stream of which nothing can be decoded.
pub(crate) fn listen(
    decoder: Decoder,
    (vad, asked): (&Detector, &Asked),
    stop: &Stop,
    out: &mut Emit<'_>,
    mut handle: impl FnMut(Utterance, &mut Emit<'_>) -> Result<(), Halt>,
) -> Result<Option<audio::Error>, Halt> {
    std::thread::scope(|scope| {
        let (sender, blocks) = sync_channel(QUEUE);
        scope.spawn(move || read(decoder, &sender, stop));
        let mut lanes = Lanes { detector: vad, open: Vec::new(), number: 0, offset: asked.offset };
        let ended = lanes.run(&blocks, asked, stop, &mut |utterance| handle(utterance, out));
        // The reader ends with its next block.
        drop(blocks);
        ended
    })
}

fn read(mut decoder: Decoder, sender: &SyncSender<Blocks>, stop: &Stop) {
    while !stop.is_set() {
        let blocks = match decoder.next_blocks() {
            Ok(Some(blocks)) => Ok(blocks),
            Ok(None) => return,
            Err(e) => Err(e),
        };
        let last = blocks.is_err();
        if sender.send(blocks).is_err() || last {
            return;
        }
    }
}

/// The channels of a stream.
struct Lanes<'d> {
    detector: &'d Detector,
    open: Vec<Utterances<Detector>>,
    number: u64,
    offset: u64,
}

impl Lanes<'_> {
    fn run(
        &mut self,
        blocks: &Receiver<Blocks>,
        asked: &Asked,
        stop: &Stop,
        handle: &mut dyn FnMut(Utterance) -> Result<(), Halt>,
    ) -> Result<Option<audio::Error>, Halt> {
        let mut stretch = Stretch::new(asked);
        let mut problem = None;
        while let Ok(next) = blocks.recv() {
            let mut next = match next {
                Ok(next) => next,
                // Woken to stop: what was said until then is still written.
                Err(audio::Error::Unreadable(_)) if stop.is_set() => break,
                Err(e) if self.open.is_empty() => return Err(failure(e).into()),
                Err(e) => {
                    problem = Some(e);
                    break;
                }
            };
            let more = stretch.clip(&mut next);
            for (lane, block) in next.iter().enumerate() {
                if self.open.len() == lane {
                    let mut utterances = Utterances::new(self.detector.clone());
                    utterances.skip(self.offset);
                    self.open.push(utterances);
                }
                for chunk in self.open[lane].push(block).map_err(engine_failure)? {
                    self.emit(lane, chunk, handle)?;
                }
            }
            if !more {
                break;
            }
        }
        for lane in 0..self.open.len() {
            if let Some(chunk) = self.open[lane].finish().map_err(engine_failure)? {
                self.emit(lane, chunk, handle)?;
            }
        }
        Ok(problem)
    }

    fn emit(
        &mut self,
        lane: usize,
        chunk: Chunk,
        handle: &mut dyn FnMut(Utterance) -> Result<(), Halt>,
    ) -> Result<(), Halt> {
        self.number += 1;
        handle(Utterance { number: self.number, lane, chunk })
    }
}

fn failure(error: audio::Error) -> Failure {
    TranscribeError::Audio(error).into()
}

fn engine_failure(error: engine::Error) -> Failure {
    TranscribeError::Engine(error).into()
}

/// What an utterance is transcribed with: not given up when there is a reason to stop, because
/// it is what the user just said and takes a moment.
pub(crate) fn unhurried() -> Cancel {
    Cancel::default()
}

/// The language that is known from here on.
pub(crate) fn settled(language: &mut String, heard: &str) {
    if language == LANGUAGE_AUTO && !heard.is_empty() && heard != LANGUAGE_AUTO {
        heard.clone_into(language);
    }
}
