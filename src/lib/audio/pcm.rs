//! Sound without a header: what `arecord -t raw` and telephones send.

use std::io::{self, Read};
use std::str::FromStr;

use crate::blocks::{Blocks, MAX_CHANNELS, RATES};
use crate::{Error, Stream};

/// Bytes read at once, at most.
const BUFFER: usize = 1 << 16;

/// How a sample is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    U8,
    S8,
    S16,
    S24,
    S32,
    F32,
    F64,
    MuLaw,
    ALaw,
}

/// What raw samples are: encoding, rate and channels, as in `s16le:16000:1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pcm {
    encoding: Encoding,
    big_endian: bool,
    pub(crate) name: String,
    /// Frames a second.
    pub(crate) rate: u32,
    pub(crate) channels: usize,
}

impl FromStr for Pcm {
    type Err = String;

    /// # Errors
    /// A message for people.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.split(':');
        let (Some(name), Some(rate), Some(channels), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err("is not ENCODING:RATE:CHANNELS, such as s16le:16000:1".into());
        };
        let plain = name.strip_suffix("le").or_else(|| name.strip_suffix("be")).unwrap_or(name);
        let has_order = plain != name;
        let encoding = match (plain, has_order) {
            ("u8", false) => Encoding::U8,
            ("s8", false) => Encoding::S8,
            ("s16", true) => Encoding::S16,
            ("s24", true) => Encoding::S24,
            ("s32", true) => Encoding::S32,
            ("f32", true) => Encoding::F32,
            ("f64", true) => Encoding::F64,
            ("mulaw", false) => Encoding::MuLaw,
            ("alaw", false) => Encoding::ALaw,
            _ => {
                return Err(
                    "knows the encodings u8, s8, s16le, s24le, s32le, f32le, f64le (or be), \
                     mulaw, alaw"
                        .into(),
                );
            }
        };
        let rate = rate.parse().ok().filter(|rate| RATES.contains(rate));
        let channels = channels.parse().ok().filter(|n| (1..=MAX_CHANNELS).contains(n));
        let rate =
            rate.ok_or_else(|| format!("takes a rate of {} to {} Hz", RATES.start(), RATES.end()))?;
        let channels = channels.ok_or_else(|| format!("takes 1 to {MAX_CHANNELS} channels"))?;
        Ok(Self { encoding, big_endian: name.ends_with("be"), name: name.into(), rate, channels })
    }
}

impl Pcm {
    fn bytes(&self) -> usize {
        match self.encoding {
            Encoding::U8 | Encoding::S8 | Encoding::MuLaw | Encoding::ALaw => 1,
            Encoding::S16 => 2,
            Encoding::S24 => 3,
            Encoding::S32 | Encoding::F32 => 4,
            Encoding::F64 => 8,
        }
    }

    /// One sample, −1 to 1 where it is a number in range.
    fn sample(&self, bytes: &[u8]) -> f32 {
        // The most significant byte first, the rest zero.
        let mut high = [0; 8];
        for (to, from) in high.iter_mut().zip(0..bytes.len()) {
            *to = bytes[if self.big_endian { from } else { bytes.len() - 1 - from }];
        }
        let whole = i32::from_be_bytes([high[0], high[1], high[2], high[3]]);
        match self.encoding {
            Encoding::U8 => (f32::from(high[0]) - 128.0) / 128.0,
            Encoding::S8 | Encoding::S16 | Encoding::S24 | Encoding::S32 => {
                (f64::from(whole) / 2_147_483_648.0) as f32
            }
            Encoding::F32 => f32::from_be_bytes([high[0], high[1], high[2], high[3]]),
            Encoding::F64 => f64::from_be_bytes(high) as f32,
            Encoding::MuLaw => mu_law(high[0]),
            Encoding::ALaw => a_law(high[0]),
        }
    }
}

/// ITU-T G.711, µ-law.
fn mu_law(byte: u8) -> f32 {
    let byte = !byte;
    let magnitude = ((i32::from(byte & 0x0F) << 3) + 0x84) << ((byte & 0x70) >> 4);
    let value = if byte & 0x80 == 0 { magnitude - 0x84 } else { 0x84 - magnitude };
    value as f32 / 32_768.0
}

/// ITU-T G.711, A-law.
fn a_law(byte: u8) -> f32 {
    let byte = byte ^ 0x55;
    let step = i32::from(byte & 0x0F) << 4;
    let magnitude = match (byte & 0x70) >> 4 {
        0 => step + 8,
        exponent => (step + 0x108) << (exponent - 1),
    };
    let value = if byte & 0x80 == 0 { -magnitude } else { magnitude };
    value as f32 / 32_768.0
}

/// A stream of raw samples.
pub(crate) struct Raw {
    pub(crate) pcm: Pcm,
    stream: Stream,
    buffer: Vec<u8>,
    /// Bytes in `buffer` of a frame that is not complete.
    kept: usize,
    frames: Vec<f32>,
}

impl Raw {
    pub(crate) fn new(stream: Stream, pcm: Pcm) -> Self {
        Self { pcm, stream, buffer: vec![0; BUFFER], kept: 0, frames: Vec::new() }
    }

    /// Takes what is there, waiting only where there is nothing; false at the end.
    ///
    /// # Errors
    /// [`Error::Unreadable`], [`Error::Unsupported`].
    pub(crate) fn step(&mut self, blocks: &mut Blocks) -> Result<bool, Error> {
        let n = loop {
            match self.stream.read(&mut self.buffer[self.kept..]) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                other => break other.map_err(Error::Unreadable)?,
            }
        };
        if n == 0 {
            return Ok(false);
        }
        let have = self.kept + n;
        let frame = self.pcm.bytes() * self.pcm.channels;
        let whole = have - have % frame;
        let pcm = &self.pcm;
        self.frames.clear();
        self.frames.extend(self.buffer[..whole].chunks_exact(pcm.bytes()).map(|b| pcm.sample(b)));
        blocks.push(&self.frames, pcm.rate, pcm.channels)?;
        self.buffer.copy_within(whole..have, 0);
        self.kept = have - whole;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pcm(text: &str) -> Pcm {
        text.parse().expect("a format")
    }

    #[test]
    fn samples_of_every_encoding_mean_the_same() {
        for (format, half) in [
            ("u8", vec![192]),
            ("s8", vec![64]),
            ("s16le", vec![0, 64]),
            ("s16be", vec![64, 0]),
            ("s24le", vec![0, 0, 64]),
            ("s24be", vec![64, 0, 0]),
            ("s32le", vec![0, 0, 0, 64]),
            ("f32le", 0.5_f32.to_le_bytes().to_vec()),
            ("f32be", 0.5_f32.to_be_bytes().to_vec()),
            ("f64le", 0.5_f64.to_le_bytes().to_vec()),
        ] {
            assert_eq!(pcm(&format!("{format}:16000:1")).sample(&half), 0.5, "{format}");
        }
        // The values of G.711's tables.
        assert_eq!(mu_law(0xFF), 0.0);
        assert_eq!(mu_law(0x80) * 32_768.0, 32_124.0);
        assert_eq!(mu_law(0x00) * 32_768.0, -32_124.0);
        assert_eq!(a_law(0xD5) * 32_768.0, 8.0);
        assert_eq!(a_law(0xAA) * 32_768.0, 32_256.0);
        assert_eq!(a_law(0x2A) * 32_768.0, -32_256.0);
    }

    #[test]
    fn formats_that_make_no_sense_are_refused() {
        for text in
            ["", "s16le", "s16le:16000", "s16:16000:1", "u8le:8000:1", "s16le:0:1", "s16le:8000:0"]
        {
            assert!(text.parse::<Pcm>().is_err(), "{text}");
        }
        assert!("s16le:8000:1:2".parse::<Pcm>().is_err());
        assert!("s16le:8000:65".parse::<Pcm>().is_err());
    }
}
