use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Indexing, Resampler as _, WindowFunction};

use crate::SAMPLE_RATE;

/// Frames of input transformed at once, about; the filter is as long.
const CHUNK: usize = 2048;

/// Mono samples of one rate turned into [`SAMPLE_RATE`], without delay: the filter's start-up is
/// cut off, and its tail is flushed by [`Resampler::finish`].
pub(crate) enum Resampler {
    /// The rate is right already.
    Same,
    /// By FFT.
    Fft(Box<Stage>),
}

/// The state of a conversion.
pub(crate) struct Stage {
    fft: Fft<f32>,
    rate: u32,
    waiting: Vec<f32>,
    scratch: Vec<f32>,
    /// Output samples of the start-up still to be dropped.
    delay: usize,
    taken: u64,
    given: u64,
}

impl Resampler {
    /// From `rate` hertz.
    ///
    /// # Errors
    /// What the library says of a rate it cannot convert.
    pub(crate) fn new(rate: u32) -> Result<Self, String> {
        if rate == SAMPLE_RATE {
            return Ok(Self::Same);
        }
        let (from, to) = (rate as usize, SAMPLE_RATE as usize);
        let window = WindowFunction::BlackmanHarris2;
        // An odd length would delay by half a sample, which cannot be cut off.
        let unit = from / gcd(from, to);
        let chunk = unit * CHUNK.div_ceil(unit).next_multiple_of(2);
        let fft = Fft::<f32>::new_custom(from, to, chunk, 1, 1, window, FixedSync::Both)
            .map_err(|e| e.to_string())?;
        let scratch = vec![0.0; fft.output_frames_max()];
        let delay = fft.output_delay();
        let waiting = Vec::new();
        Ok(Self::Fft(Box::new(Stage { fft, rate, waiting, scratch, delay, taken: 0, given: 0 })))
    }

    /// Appends to `out` what `samples` make complete.
    pub(crate) fn push(&mut self, samples: &[f32], out: &mut Vec<f32>) -> Result<(), String> {
        match self {
            Self::Same => out.extend_from_slice(samples),
            Self::Fft(stage) => {
                stage.taken += samples.len() as u64;
                stage.waiting.extend_from_slice(samples);
                stage.drain(out)?;
            }
        }
        Ok(())
    }

    /// Appends the tail, so that input and output last equally long.
    pub(crate) fn finish(&mut self, out: &mut Vec<f32>) -> Result<(), String> {
        match self {
            Self::Same => Ok(()),
            Self::Fft(stage) => stage.finish(out),
        }
    }
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

impl Stage {
    fn drain(&mut self, out: &mut Vec<f32>) -> Result<(), String> {
        let mut done = 0;
        while self.waiting.len() - done >= self.fft.input_frames_next() {
            done += self.convert(done, None, out)?;
        }
        self.waiting.drain(..done);
        Ok(())
    }

    /// Converts one chunk from `waiting[at..]`; the number of frames taken.
    fn convert(
        &mut self,
        at: usize,
        partial: Option<usize>,
        out: &mut Vec<f32>,
    ) -> Result<usize, String> {
        let input = &self.waiting[at..];
        let input = InterleavedSlice::new(input, 1, input.len()).map_err(|e| e.to_string())?;
        let room = self.scratch.len();
        let mut output =
            InterleavedSlice::new_mut(&mut self.scratch, 1, room).map_err(|e| e.to_string())?;
        let mut indexing = Indexing::new();
        indexing.partial_len = partial;
        let (taken, given) = self
            .fft
            .process_into_buffer(&input, &mut output, Some(&indexing))
            .map_err(|e| e.to_string())?;
        let dropped = self.delay.min(given);
        self.delay -= dropped;
        self.given += (given - dropped) as u64;
        out.extend_from_slice(&self.scratch[dropped..given]);
        Ok(taken)
    }

    fn finish(&mut self, out: &mut Vec<f32>) -> Result<(), String> {
        let due = (self.taken * u64::from(SAMPLE_RATE)).div_ceil(u64::from(self.rate));
        while self.given < due {
            let left = self.waiting.len();
            self.convert(0, Some(left), out)?;
            self.waiting.clear();
        }
        let over = usize::try_from(self.given - due).unwrap_or(usize::MAX);
        out.truncate(out.len().saturating_sub(over));
        self.given = due;
        Ok(())
    }
}
