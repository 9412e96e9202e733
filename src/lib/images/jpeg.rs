//! JPEG, decoded at reduced size: the inverse cosine transform of a block gives 1, 2, 4 or 8
//! pixels a side, and the 1/8 picture of one with 200 megapixels is a small one.

use std::io::{self, Read};

use image::metadata::Orientation;
use jpeg_decoder::{CodingProcess, Decoder, Error, PixelFormat};

use crate::decode::{Decoded, Size};
use crate::error::LookError;
use crate::look::Format;
use crate::pixels::Rgb;

/// Scans of a progressive picture: cameras and editors write about ten; each visits every block.
const SCANS: u32 = 128;

/// Decodes so that the longest side has at least `longest` pixels, if the picture has them.
pub(crate) fn decode(
    source: &mut dyn Read,
    longest: u16,
    memory: u64,
) -> Result<Decoded, LookError> {
    let mut state = State::default();
    let result = read(Closed::new(source, &mut state), longest, memory);
    match result {
        Ok(mut decoded) => {
            decoded.truncated = state.ended;
            Ok(decoded)
        }
        Err(_) if state.too_many => Err(LookError::Damaged("too many scans".into())),
        Err(LookError::Damaged(_)) if state.ended => Err(LookError::Truncated),
        Err(error) => Err(error),
    }
}

/// The size of a JPEG that holds pixels this module can decode.
pub(crate) fn size(source: &mut dyn Read) -> Option<Size> {
    let mut state = State::default();
    let mut decoder = Decoder::new(Closed::new(source, &mut state));
    decoder.read_info().ok()?;
    let info = decoder.info()?;
    let size = Size { width: info.width.into(), height: info.height.into() };
    (info.coding_process != CodingProcess::Lossless).then_some(size)
}

fn read(source: Closed<'_>, longest: u16, memory: u64) -> Result<Decoded, LookError> {
    let mut decoder = Decoder::new(source);
    decoder.read_info().map_err(damage)?;
    let info = decoder.info().ok_or(LookError::Truncated)?;
    let orientation = decoder.exif_data().and_then(Orientation::from_exif_chunk);
    let size = Size { width: info.width.into(), height: info.height.into() };
    let (width, height) = (info.width, info.height);
    let wanted = if width >= height { (longest, u16::MAX) } else { (u16::MAX, longest) };
    let scaled = decoder.scale(wanted.0, wanted.1).map_err(damage)?;
    // Planes and interleaved rows; of a progressive picture all coefficients, 16 bits each.
    let channels = info.pixel_format.pixel_bytes() as u64;
    let mut needed = u64::from(scaled.0) * u64::from(scaled.1) * channels * 2;
    if info.coding_process == CodingProcess::DctProgressive {
        needed += u64::from(width) * u64::from(height) * channels * 2;
    }
    if needed > memory {
        return Err(LookError::TooLarge { width: size.width, height: size.height, memory });
    }
    decoder.set_max_decoding_buffer_size(usize::try_from(memory).unwrap_or(usize::MAX));
    let bytes = decoder.decode().map_err(damage)?;
    // Lossless pictures, and those of a size given after the first scan.
    let info = decoder.info().ok_or(LookError::Truncated)?;
    let (width, height) = match info.coding_process {
        CodingProcess::Lossless => (info.width, info.height),
        _ => scaled,
    };
    let bytes = rgb(bytes, info.pixel_format);
    if bytes.len() != usize::from(width) * usize::from(height) * 3 {
        return Err(LookError::Damaged("the number of pixels is not that of its size".into()));
    }
    let pixels = Rgb { width: width.into(), height: height.into(), bytes };
    let orientation = orientation.map_or(1, Orientation::to_exif);
    Ok(Decoded { orientation, ..Decoded::new(Format::Jpeg, size, pixels) })
}

fn rgb(bytes: Vec<u8>, format: PixelFormat) -> Vec<u8> {
    match format {
        PixelFormat::RGB24 => bytes,
        PixelFormat::L8 => bytes.iter().flat_map(|&l| [l; 3]).collect(),
        PixelFormat::L16 => bytes
            .as_chunks::<2>()
            .0
            .iter()
            .flat_map(|&l| [(u16::from_ne_bytes(l) >> 8) as u8; 3])
            .collect(),
        // The decoder has undone Adobe's inversion: what is left is the share of light.
        PixelFormat::CMYK32 => {
            let ink = |c: u8, k: u8| (u16::from(255 - c) * u16::from(255 - k) / 255) as u8;
            let pixels = bytes.as_chunks::<4>().0.iter();
            pixels.flat_map(|&[c, m, y, k]| [ink(c, k), ink(m, k), ink(y, k)]).collect()
        }
    }
}

fn damage(error: Error) -> LookError {
    match error {
        Error::Unsupported(feature) => {
            LookError::Unsupported(format!("a JPEG with what is not decoded here: {feature:?}"))
        }
        Error::Io(error) if error.kind() != io::ErrorKind::UnexpectedEof => LookError::Io(error),
        other => LookError::Damaged(other.to_string()),
    }
}

#[derive(Default)]
struct State {
    ended: bool,
    too_many: bool,
}

/// Bytes of a JPEG that end with the mark of the end, whether they do or not: a decoder then fills
/// up what is missing, rather than to throw away what there is.
struct Closed<'a> {
    source: &'a mut dyn Read,
    buffer: Vec<u8>,
    at: usize,
    last: u8,
    scans: u32,
    /// Bytes made up so far: a decoder that wants more than a few goes round in circles.
    made_up: u32,
    state: &'a mut State,
}

impl<'a> Closed<'a> {
    fn new(source: &'a mut dyn Read, state: &'a mut State) -> Self {
        Self { source, buffer: Vec::new(), at: 0, last: 0, scans: 0, made_up: 0, state }
    }

    fn fill(&mut self) -> io::Result<()> {
        self.buffer.clear();
        self.at = 0;
        if !self.state.ended {
            (&mut self.source).take(1 << 16).read_to_end(&mut self.buffer)?;
        }
        if self.buffer.is_empty() {
            self.state.ended = true;
            self.made_up += 1;
            if self.made_up <= 64 {
                self.buffer.extend_from_slice(&[0xff, 0xd9]);
            }
        }
        for &byte in &self.buffer {
            self.scans += u32::from(self.last == 0xff && byte == 0xda);
            self.last = byte;
        }
        if self.scans > SCANS {
            self.state.too_many = true;
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(())
    }
}

impl Read for Closed<'_> {
    #[inline]
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if self.at == self.buffer.len() {
            self.fill()?;
        }
        let length = to.len().min(self.buffer.len() - self.at);
        to[..length].copy_from_slice(&self.buffer[self.at..self.at + length]);
        self.at += length;
        Ok(length)
    }

    /// Decoders of entropy codes ask for one byte after the other.
    #[inline]
    fn read_exact(&mut self, mut to: &mut [u8]) -> io::Result<()> {
        if let ([to], Some(byte)) = (&mut *to, self.buffer.get(self.at)) {
            *to = *byte;
            self.at += 1;
            return Ok(());
        }
        while !to.is_empty() {
            match self.read(to)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                read => to = &mut to[read..],
            }
        }
        Ok(())
    }
}
