use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error as Symphonia;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, Track, TrackType};
use symphonia::core::io::{MediaSourceStream, MediaSourceStreamOptions};
use symphonia::core::meta::MetadataOptions;
use symphonia::core::packet::Packet;
use symphonia::core::units::{Duration, TimeBase};

use crate::blocks::{Blocks, RATES, check};
use crate::external::Ffmpeg;
use crate::formats::{CODECS, PROBE, codec_name, normalised};
use crate::pcm::{Pcm, Raw};
use crate::source::{Source, Witness};
use crate::{Channels, Error, Stream};

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

/// Decodes one audio track to 16 kHz: all channels as one, or each alone.
///
/// Damaged packets in the middle are left out and counted, as players do; an input of which
/// nothing can be decoded is an error.
pub struct Decoder {
    input: Input,
    blocks: Blocks,
    /// What is told after the last block.
    end: Option<Result<(), Error>>,
    /// The process whose output is decoded.
    pub(crate) by: Option<Ffmpeg>,
}

enum Input {
    Container(Box<Container>),
    Raw(Raw, Info),
}

/// A demuxer and the decoder of one of its tracks.
struct Container {
    format: Box<dyn FormatReader>,
    witness: Witness,
    track: Active,
    interleaved: Vec<f32>,
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
    seconds_per_tick: Option<f64>,
    /// Seconds of the track that packets have covered, damaged ones included.
    reached: f64,
}

impl Decoder {
    pub(crate) fn from_source(source: Source) -> Result<Self, Error> {
        Ok(Self::of(Input::Container(Box::new(Container::open(source)?))))
    }

    /// Takes samples without a header; they end when the stream does.
    pub fn raw(stream: Stream, pcm: Pcm) -> Self {
        let info = Info {
            codec: format!("pcm_{}", pcm.name),
            sample_rate: pcm.rate,
            channels: pcm.channels,
            duration: None,
        };
        Self::of(Input::Raw(Raw::new(stream, pcm), info))
    }

    fn of(input: Input) -> Self {
        Self { input, blocks: Blocks::new(Channels::Mix), end: None, by: None }
    }

    /// How channels come out; for [`Channels::Split`] the blocks are had from
    /// [`Decoder::next_blocks`].
    #[must_use]
    pub fn with_channels(mut self, channels: Channels) -> Self {
        self.blocks.arrange(channels);
        self
    }

    /// Blocks of so many samples (at least one) in place of [`BLOCK`](crate::BLOCK): the shorter,
    /// the sooner a stream's sound is there.
    #[must_use]
    pub fn with_block(mut self, samples: usize) -> Self {
        self.blocks.size = samples.max(1);
        self
    }

    /// What the input holds.
    pub fn info(&self) -> &Info {
        match &self.input {
            Input::Container(container) => &container.track.info,
            Input::Raw(_, info) => info,
        }
    }

    /// Damaged packets left out so far.
    pub fn skipped_packets(&self) -> u64 {
        match &self.input {
            Input::Container(container) => container.skipped,
            Input::Raw(..) => 0,
        }
    }

    /// The next block of 16 kHz mono samples, −1 to 1; `None` after the last. All blocks but the
    /// last are equally long.
    ///
    /// # Errors
    /// As [`Decoder::next_blocks`].
    pub fn next_block(&mut self) -> Result<Option<Vec<f32>>, Error> {
        Ok(self.next_blocks()?.and_then(|lanes| lanes.into_iter().next()))
    }

    /// The next blocks, one of each channel, or one of all ([`Decoder::with_channels`]).
    ///
    /// # Errors
    /// Told once, after all blocks that could be decoded: [`Error::Truncated`],
    /// [`Error::Corrupt`], [`Error::Unreadable`], [`Error::Unsupported`].
    pub fn next_blocks(&mut self) -> Result<Option<Vec<Vec<f32>>>, Error> {
        while !self.blocks.is_full() && self.end.is_none() {
            let blocks = &mut self.blocks;
            let step = match &mut self.input {
                Input::Container(container) => container.step(blocks),
                Input::Raw(raw, _) => raw.step(blocks),
            };
            let step = step.and_then(|more| {
                if !more {
                    blocks.flush()?;
                }
                Ok(more)
            });
            match step {
                Ok(true) => {}
                Ok(false) => self.end = Some(self.verdict()),
                Err(e) => {
                    // What the filter still holds is good audio; the first error is the one told.
                    let _ = self.blocks.flush();
                    self.end = Some(Err(e));
                }
            }
        }
        if let Some(blocks) = self.blocks.take() {
            return Ok(Some(blocks));
        }
        match self.end.replace(Ok(())) {
            Some(Err(e)) => Err(e),
            _ => Ok(None),
        }
    }

    fn verdict(&mut self) -> Result<(), Error> {
        let seconds = self.blocks.seconds;
        if let Some(reason) = self.by.as_mut().and_then(Ffmpeg::complaint) {
            return Err(Error::Corrupt { seconds, reason });
        }
        match &self.input {
            Input::Container(container) => container.verdict(seconds),
            Input::Raw(..) if seconds == 0.0 => Err(Error::Empty),
            Input::Raw(..) => Ok(()),
        }
    }
}

impl Container {
    fn open(source: Source) -> Result<Self, Error> {
        let witness = source.witness();
        let stream = MediaSourceStream::new(Box::new(source), MediaSourceStreamOptions::default());
        let format = PROBE
            .probe(&Hint::new(), stream, FormatOptions::default(), MetadataOptions::default())
            .map_err(|e| unopened(e, &witness))?;
        let track = Active::choose(format.as_ref())?;
        let interleaved = Vec::new();
        Ok(Self { format, witness, track, interleaved, skipped: 0, bad_reads: 0, cut: false })
    }

    /// Decodes one packet; false at the end of the input.
    fn step(&mut self, blocks: &mut Blocks) -> Result<bool, Error> {
        match self.format.next_packet() {
            Ok(Some(packet)) => {
                self.bad_reads = 0;
                if packet.track_id == self.track.id {
                    self.decode(&packet, blocks)?;
                }
                Ok(true)
            }
            Ok(None) => match self.witness.take() {
                Some(error) => Err(Error::Unreadable(error)),
                None => Ok(false),
            },
            Err(Symphonia::ResetRequired) => {
                self.track = Active::choose(self.format.as_ref())?;
                Ok(true)
            }
            Err(Symphonia::DecodeError(_)) if self.bad_reads < MAX_BAD_READS => {
                self.bad_reads += 1;
                self.skipped += 1;
                Ok(true)
            }
            Err(e) => self.failed_read(e, blocks.seconds),
        }
    }

    fn failed_read(&mut self, error: Symphonia, seconds: f64) -> Result<bool, Error> {
        if let Some(error) = self.witness.take() {
            return Err(Error::Unreadable(error));
        }
        match error {
            // Also how some readers find the end of an input of unknown length: see the verdict.
            Symphonia::IoError(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => {
                self.cut = true;
                Ok(false)
            }
            e => Err(Error::Corrupt { seconds, reason: e.to_string() }),
        }
    }

    fn decode(&mut self, packet: &Packet, blocks: &mut Blocks) -> Result<(), Error> {
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
            Err(e) => {
                return Err(Error::Corrupt { seconds: blocks.seconds, reason: e.to_string() });
            }
        };
        let (rate, channels) = (buffer.spec().rate(), buffer.spec().channels().count());
        if buffer.frames() == 0 {
            return Ok(());
        }
        check(rate, channels)?;
        (self.track.info.sample_rate, self.track.info.channels) = (rate, channels);
        buffer.copy_to_vec_interleaved(&mut self.interleaved);
        blocks.push(&self.interleaved, rate, channels)
    }

    /// What to say at the end of the input.
    fn verdict(&self, seconds: f64) -> Result<(), Error> {
        let declared = self.track.info.duration;
        if seconds == 0.0 && self.skipped > 0 {
            let reason = "nothing could be decoded".to_owned();
            return Err(Error::Corrupt { seconds, reason });
        }
        if seconds == 0.0 && self.cut {
            return Err(Error::Truncated { seconds, declared });
        }
        let reached = self.track.reached;
        let declared = declared.filter(|declared| reached + SLACK + declared * 0.01 < *declared);
        if declared.is_some() || (seconds > 0.0 && self.witness.is_unclosed()) {
            return Err(Error::Truncated { seconds, declared });
        }
        Ok(())
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
        Ok(Self { codec, id: track.id, info, seconds_per_tick, reached: 0.0 })
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
