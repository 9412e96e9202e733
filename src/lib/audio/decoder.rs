use symphonia::core::audio::GenericAudioBufferRef;
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error as Symphonia;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, Track, TrackType};
use symphonia::core::io::{MediaSourceStream, MediaSourceStreamOptions};
use symphonia::core::meta::MetadataOptions;
use symphonia::core::packet::Packet;
use symphonia::core::units::{Duration, TimeBase};

use crate::formats::{CODECS, PROBE, codec_name, has_exact_length, normalised};
use crate::resample::Resampler;
use crate::source::{Source, Witness};
use crate::{BLOCK, Error};

/// Rates outside are lies of a damaged header: the lowest in use is 4 kHz, the highest 768 kHz.
const RATES: std::ops::RangeInclusive<u32> = 1_000..=768_000;
/// More channels than any layout in use (22.2 has 24).
const MAX_CHANNELS: usize = 64;
/// Packets in a row that the container reader may fail on before it is given up.
const MAX_BAD_READS: u32 = 32;
/// How much shorter than declared an input may be before it counts as cut off, in seconds:
/// encoder delay and rounding explain this much.
const SLACK: f64 = 0.25;
/// A RIFF data size from here on is a placeholder of a program that wrote to a pipe.
const PLACEHOLDER_BYTES: f64 = 2_147_400_000.0;

/// What an input holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Info {
    /// Short name of the codec, such as `pcm_s16le`, `flac`, `mp3`.
    pub codec: String,
    /// Samples a second in the input.
    pub sample_rate: u32,
    /// Channels in the input.
    pub channels: usize,
    /// Seconds, where the input says.
    pub duration: Option<f64>,
}

/// Decodes one audio track to 16 kHz mono.
///
/// Damaged packets in the middle are left out and counted, as players do; an input of which
/// nothing can be decoded is an error.
pub struct Decoder {
    format: Box<dyn FormatReader>,
    witness: Witness,
    track: Active,
    resampler: Resampler,
    mono: Vec<f32>,
    ready: Vec<f32>,
    /// What is told after the last block.
    end: Option<Result<(), Error>>,
    decoded: f64,
    skipped: u64,
    bad_reads: u32,
    /// The input ended within a packet.
    cut: bool,
}

/// The track that is being decoded.
struct Active {
    codec: Box<dyn AudioDecoder>,
    id: u32,
    info: Info,
    exact: bool,
    seconds_per_tick: Option<f64>,
    /// Seconds of the track that packets have covered, damaged ones included.
    reached: f64,
}

impl Decoder {
    pub(crate) fn from_source(source: Source) -> Result<Self, Error> {
        let witness = source.witness();
        let stream = MediaSourceStream::new(Box::new(source), MediaSourceStreamOptions::default());
        let format = PROBE
            .probe(&Hint::new(), stream, FormatOptions::default(), MetadataOptions::default())
            .map_err(|e| unopened(e, &witness))?;
        let track = Active::choose(format.as_ref())?;
        let resampler = new_resampler(track.info.sample_rate)?;
        Ok(Self {
            format,
            witness,
            track,
            resampler,
            mono: Vec::new(),
            ready: Vec::with_capacity(2 * BLOCK),
            end: None,
            decoded: 0.0,
            skipped: 0,
            bad_reads: 0,
            cut: false,
        })
    }

    /// What the input holds.
    pub fn info(&self) -> &Info {
        &self.track.info
    }

    /// Damaged packets left out so far.
    pub fn skipped_packets(&self) -> u64 {
        self.skipped
    }

    /// The next block of 16 kHz mono samples, −1 to 1; `None` after the last. All blocks but the
    /// last have [`BLOCK`] samples.
    ///
    /// # Errors
    /// Told once, after all blocks that could be decoded: [`Error::Truncated`],
    /// [`Error::Corrupt`], [`Error::Unreadable`], [`Error::Unsupported`].
    pub fn next_block(&mut self) -> Result<Option<Vec<f32>>, Error> {
        while self.ready.len() < BLOCK && self.end.is_none() {
            let step = self.step().and_then(|more| {
                if !more {
                    self.flush()?;
                }
                Ok(more)
            });
            match step {
                Ok(true) => {}
                Ok(false) => self.end = Some(self.verdict()),
                Err(e) => {
                    // What the filter still holds is good audio; the first error is the one told.
                    let _ = self.flush();
                    self.end = Some(Err(e));
                }
            }
        }
        if self.ready.is_empty() {
            return match self.end.replace(Ok(())) {
                Some(Err(e)) => Err(e),
                _ => Ok(None),
            };
        }
        let rest = self.ready.split_off(self.ready.len().min(BLOCK));
        let mut block = std::mem::replace(&mut self.ready, rest);
        // The resampling filter overshoots at edges of full scale.
        block.iter_mut().for_each(|x| *x = x.clamp(-1.0, 1.0));
        Ok(Some(block))
    }

    /// Decodes one packet; false at the end of the input.
    fn step(&mut self) -> Result<bool, Error> {
        match self.format.next_packet() {
            Ok(Some(packet)) => {
                self.bad_reads = 0;
                if packet.track_id == self.track.id {
                    self.decode(&packet)?;
                }
                Ok(true)
            }
            Ok(None) => match self.witness.take() {
                Some(error) => Err(Error::Unreadable(error)),
                None => Ok(false),
            },
            Err(Symphonia::ResetRequired) => {
                self.flush()?;
                self.track = Active::choose(self.format.as_ref())?;
                self.resampler = new_resampler(self.track.info.sample_rate)?;
                Ok(true)
            }
            Err(Symphonia::DecodeError(_)) if self.bad_reads < MAX_BAD_READS => {
                self.bad_reads += 1;
                self.skipped += 1;
                Ok(true)
            }
            Err(e) => self.failed_read(e),
        }
    }

    fn failed_read(&mut self, error: Symphonia) -> Result<bool, Error> {
        if let Some(error) = self.witness.take() {
            return Err(Error::Unreadable(error));
        }
        match error {
            // Also how some readers find the end of an input of unknown length: see the verdict.
            Symphonia::IoError(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => {
                self.cut = true;
                Ok(false)
            }
            e => Err(self.corrupt(e.to_string())),
        }
    }

    fn decode(&mut self, packet: &Packet) -> Result<(), Error> {
        self.track.pass(packet);
        let buffer = match self.track.codec.decode(packet) {
            Ok(buffer) => buffer,
            Err(Symphonia::DecodeError(_) | Symphonia::IoError(_)) => {
                self.skipped += 1;
                return Ok(());
            }
            Err(Symphonia::ResetRequired) => {
                self.track.codec.reset();
                self.skipped += 1;
                return Ok(());
            }
            Err(e) => return Err(self.corrupt(e.to_string())),
        };
        let (rate, channels) = (buffer.spec().rate(), buffer.spec().channels().count());
        if buffer.frames() == 0 {
            return Ok(());
        }
        check(rate, channels)?;
        downmix(&buffer, channels, &mut self.mono);
        if rate != self.track.info.sample_rate {
            self.flush()?;
            self.track.info.sample_rate = rate;
            self.resampler = new_resampler(rate)?;
        }
        self.track.info.channels = channels;
        self.decoded += self.mono.len() as f64 / f64::from(rate);
        self.resampler.push(&self.mono, &mut self.ready).map_err(Error::Unsupported)
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.resampler.finish(&mut self.ready).map_err(Error::Unsupported)
    }

    /// What to say at the end of the input.
    fn verdict(&self) -> Result<(), Error> {
        if self.decoded == 0.0 && self.skipped > 0 {
            return Err(self.corrupt("nothing could be decoded".to_owned()));
        }
        if self.decoded == 0.0 && self.cut {
            return Err(self.truncated());
        }
        let short = |declared: f64| self.track.reached + SLACK + declared * 0.01 < declared;
        match self.track.declared() {
            Some(declared) if self.track.exact && short(declared) => Err(self.truncated()),
            _ => Ok(()),
        }
    }

    fn truncated(&self) -> Error {
        Error::Truncated { seconds: self.decoded, declared: self.track.declared() }
    }

    fn corrupt(&self, reason: String) -> Error {
        Error::Corrupt { seconds: self.decoded, reason }
    }
}

impl std::fmt::Debug for Decoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decoder").field("info", self.info()).finish_non_exhaustive()
    }
}

impl Active {
    fn choose(format: &dyn FormatReader) -> Result<Self, Error> {
        let track = format.default_track(TrackType::Audio);
        let track = track.or_else(|| format.first_track(TrackType::Audio));
        let track = track.ok_or(Error::NoAudioTrack)?;
        let params = track.codec_params.as_ref().and_then(|p| p.audio());
        let params = params.ok_or(Error::NoAudioTrack)?;
        let params = &normalised(params);
        let unsupported = |e: Symphonia| match CODECS.get_audio_decoder(params.codec) {
            Some(codec) => Error::Unsupported(format!("{}: {e}", codec.codec.info.short_name)),
            None => Error::Unsupported(codec_name(params.codec)),
        };
        // A rate of zero would panic in decoders that divide by it.
        let channels = params.channels.as_ref().map(|c| c.count());
        check(params.sample_rate.unwrap_or(*RATES.start()), channels.unwrap_or(1))?;
        let codec = CODECS
            .make_audio_decoder(params, &AudioDecoderOptions::default())
            .map_err(unsupported)?;
        let name = codec.codec_info().short_name;
        let info = Info {
            codec: name.to_owned(),
            sample_rate: params.sample_rate.unwrap_or(crate::SAMPLE_RATE),
            channels: channels.unwrap_or(1),
            duration: declared_seconds(format, track, params),
        };
        let seconds_per_tick = track.time_base.map(seconds_per_tick);
        Ok(Self {
            codec,
            id: track.id,
            info,
            exact: has_exact_length(params.codec),
            seconds_per_tick,
            reached: 0.0,
        })
    }

    fn declared(&self) -> Option<f64> {
        self.info.duration
    }

    fn pass(&mut self, packet: &Packet) {
        if let Some(seconds) = self.seconds_per_tick {
            let end = packet.pts.get() as f64 + packet.block_dur().get() as f64;
            self.reached = self.reached.max(end * seconds);
        }
    }
}

/// Seconds that the track's or the file's header promises; `None` where it holds a placeholder.
fn declared_seconds(
    format: &dyn FormatReader,
    track: &Track,
    params: &AudioCodecParameters,
) -> Option<f64> {
    let rate = f64::from(params.sample_rate?);
    let ticks = |duration: Option<Duration>, base: Option<TimeBase>| {
        Some(duration?.get() as f64 * seconds_per_tick(base?))
    };
    let file = format.media_info();
    let seconds = ticks(track.duration, track.time_base)
        .or_else(|| track.num_frames.map(|n| n as f64 / rate))
        .or_else(|| ticks(file.duration, file.time_base))?;
    let channels = params.channels.as_ref().map_or(1, |c| c.count());
    let frame_bytes = params.bits_per_sample.unwrap_or(16).div_ceil(8) as usize * channels;
    (seconds > 0.0 && seconds * rate * (frame_bytes as f64) < PLACEHOLDER_BYTES).then_some(seconds)
}

fn seconds_per_tick(base: TimeBase) -> f64 {
    f64::from(base.numer.get()) / f64::from(base.denom.get())
}

fn new_resampler(rate: u32) -> Result<Resampler, Error> {
    Resampler::new(rate).map_err(|e| Error::Unsupported(format!("{rate} Hz: {e}")))
}

fn check(rate: u32, channels: usize) -> Result<(), Error> {
    if !RATES.contains(&rate) {
        return Err(Error::Unsupported(format!("a sample rate of {rate} Hz")));
    }
    if !(1..=MAX_CHANNELS).contains(&channels) {
        return Err(Error::Unsupported(format!("{channels} channels")));
    }
    Ok(())
}

/// The mean of all channels; what is not a number becomes silence.
fn downmix(buffer: &GenericAudioBufferRef<'_>, channels: usize, mono: &mut Vec<f32>) {
    let mut interleaved: Vec<f32> = Vec::new();
    buffer.copy_to_vec_interleaved(&mut interleaved);
    let share = 1.0 / channels as f32;
    mono.clear();
    mono.extend(interleaved.chunks_exact(channels).map(|frame| {
        let mean = frame.iter().sum::<f32>() * share;
        if mean.is_finite() { mean.clamp(-1.0, 1.0) } else { 0.0 }
    }));
}

fn unopened(error: Symphonia, witness: &Witness) -> Error {
    if let Some(error) = witness.take() {
        return Error::Unreadable(error);
    }
    match error {
        Symphonia::Unsupported(what) if what.contains("no suitable format reader") => {
            Error::NotAudio
        }
        // Such as MP4 whose index, at the end, was never written.
        Symphonia::Unsupported(what) if what.contains("missing") => {
            Error::Corrupt { seconds: 0.0, reason: what.to_owned() }
        }
        Symphonia::Unsupported(what) => Error::Unsupported(what.to_owned()),
        Symphonia::IoError(e) if e.kind() != std::io::ErrorKind::UnexpectedEof => {
            Error::Unreadable(e)
        }
        Symphonia::IoError(_) => Error::Truncated { seconds: 0.0, declared: None },
        e => Error::Corrupt { seconds: 0.0, reason: e.to_string() },
    }
}
