//! From decoded frames to blocks of 16 kHz, for all channels together or for each alone.

use crate::resample::Resampler;
use crate::{BLOCK, Channels, Error};

/// Rates outside are lies of a damaged header: the lowest in use is 4 kHz, the highest 768 kHz.
pub(crate) const RATES: std::ops::RangeInclusive<u32> = 1_000..=768_000;
/// More channels than any layout in use (22.2 has 24).
pub(crate) const MAX_CHANNELS: usize = 64;
/// The most channels that are told apart: each costs a window of sound.
const MAX_SPLIT: usize = 8;

/// Whether a rate and a number of channels are believed.
///
/// # Errors
/// [`Error::Unsupported`].
pub(crate) fn check(rate: u32, channels: usize) -> Result<(), Error> {
    if !RATES.contains(&rate) {
        return Err(Error::Unsupported(format!("a sample rate of {rate} Hz")));
    }
    if !(1..=MAX_CHANNELS).contains(&channels) {
        return Err(Error::Unsupported(format!("{channels} channels")));
    }
    Ok(())
}

/// What comes out of a decoder, on its way to blocks.
pub(crate) struct Blocks {
    channels: Channels,
    /// Samples of a block.
    pub(crate) size: usize,
    rate: u32,
    lanes: Vec<Lane>,
    /// Seconds taken so far.
    pub(crate) seconds: f64,
}

/// One channel, or the mean of all.
struct Lane {
    resampler: Resampler,
    taken: Vec<f32>,
    ready: Vec<f32>,
}

impl Blocks {
    pub(crate) fn new(channels: Channels) -> Self {
        Self { channels, size: BLOCK, rate: 0, lanes: Vec::new(), seconds: 0.0 }
    }

    /// Only before the first frame.
    pub(crate) fn arrange(&mut self, channels: Channels) {
        self.channels = channels;
    }

    /// Takes interleaved frames. Channels that come or go later join or leave the mean; alone,
    /// new ones are left out and missing ones silent.
    ///
    /// # Errors
    /// [`Error::Unsupported`].
    pub(crate) fn push(&mut self, frames: &[f32], rate: u32, channels: usize) -> Result<(), Error> {
        check(rate, channels)?;
        if self.lanes.is_empty() {
            self.open(channels)?;
        }
        if rate != self.rate {
            self.flush()?;
            for lane in &mut self.lanes {
                lane.resampler = resampler(rate)?;
            }
            self.rate = rate;
        }
        let share = 1.0 / channels as f32;
        let sane = |x: f32| if x.is_finite() { x.clamp(-1.0, 1.0) } else { 0.0 };
        for (at, lane) in self.lanes.iter_mut().enumerate() {
            lane.taken.clear();
            let frames = frames.chunks_exact(channels);
            match self.channels {
                Channels::Mix => {
                    lane.taken.extend(frames.map(|f| sane(f.iter().sum::<f32>() * share)));
                }
                Channels::Split => {
                    lane.taken.extend(frames.map(|f| sane(f.get(at).copied().unwrap_or(0.0))));
                }
            }
            lane.resampler.push(&lane.taken, &mut lane.ready).map_err(Error::Unsupported)?;
        }
        self.seconds += (frames.len() / channels) as f64 / f64::from(rate);
        Ok(())
    }

    fn open(&mut self, channels: usize) -> Result<(), Error> {
        let lanes = match self.channels {
            Channels::Mix => 1,
            Channels::Split if channels > MAX_SPLIT => {
                let message = format!("{channels} channels cannot be told apart, {MAX_SPLIT} can");
                return Err(Error::Unsupported(message));
            }
            Channels::Split => channels,
        };
        let lane = || Lane { resampler: Resampler::Same, taken: Vec::new(), ready: Vec::new() };
        self.lanes.resize_with(lanes, lane);
        Ok(())
    }

    /// Lets out what the filters still hold.
    ///
    /// # Errors
    /// [`Error::Unsupported`].
    pub(crate) fn flush(&mut self) -> Result<(), Error> {
        for lane in &mut self.lanes {
            lane.resampler.finish(&mut lane.ready).map_err(Error::Unsupported)?;
        }
        Ok(())
    }

    /// Whether a whole block waits.
    pub(crate) fn is_full(&self) -> bool {
        self.lanes.first().is_some_and(|lane| lane.ready.len() >= self.size)
    }

    /// The next block of each lane; nothing where none waits.
    pub(crate) fn take(&mut self) -> Option<Vec<Vec<f32>>> {
        let size = self.size;
        let take = |lane: &mut Lane| {
            let rest = lane.ready.split_off(lane.ready.len().min(size));
            let mut block = std::mem::replace(&mut lane.ready, rest);
            // The resampling filter overshoots at edges of full scale.
            block.iter_mut().for_each(|x| *x = x.clamp(-1.0, 1.0));
            block
        };
        let waits = self.lanes.first().is_some_and(|lane| !lane.ready.is_empty());
        waits.then(|| self.lanes.iter_mut().map(take).collect())
    }
}

fn resampler(rate: u32) -> Result<Resampler, Error> {
    Resampler::new(rate).map_err(|e| Error::Unsupported(format!("{rate} Hz: {e}")))
}
