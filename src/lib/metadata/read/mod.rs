//! Reading of files: one module for each container, one for each kind of metadata in it.

mod avi;
mod bmff;
mod exif;
mod gps;
mod heif;
mod input;
mod iptc;
mod jpeg;
mod matroska;
mod movie;
mod movie_text;
mod mts;
mod png;
mod raster;
mod raw;
mod sniff;
mod tiff;
mod webp;
pub(crate) mod xmp;

use std::io::{self, Read, Seek};
use std::path::Path;

pub(crate) use gps::iso_6709;
use input::Input;

use crate::camera::{Gps, Metadata};
use crate::datetime::Written;
use crate::dating::Refused;
use crate::error::Error;
use crate::format::Format;
use crate::source::Source;
use crate::stamp::Stamp;

/// The longest XMP packet that is read.
const MAX_XMP: usize = 4 << 20;
/// Warnings that are kept of one file.
const MAX_WARNINGS: usize = 20;

/// What was found so far.
struct Found {
    metadata: Metadata,
    /// Size by EXIF, for when the container does not tell.
    exif_size: (Option<u32>, Option<u32>),
    /// The largest picture of a TIFF structure.
    tiff_size: Option<(u32, u32)>,
}

impl Found {
    fn new(format: Format) -> Self {
        Self { metadata: Metadata::new(format), exif_size: (None, None), tiff_size: None }
    }

    fn warn(&mut self, text: &str) {
        let warnings = &mut self.metadata.warnings;
        if warnings.len() < MAX_WARNINGS && !warnings.iter().any(|w| w == text) {
            warnings.push(text.to_owned());
        }
    }

    fn warn_if(&mut self, condition: bool, text: &str) {
        if condition {
            self.warn(text);
        }
    }

    fn stamp(&mut self, source: Source, written: Written) {
        let Written { time, clock, precision } = written;
        let stamp = Stamp { source, time, clock, precision };
        if !self.metadata.stamps.contains(&stamp) && self.metadata.stamps.len() < 100 {
            self.metadata.stamps.push(stamp);
        }
    }

    fn refuse(&mut self, source: Source, text: &str, why: &'static str) {
        let text: String = text.chars().filter(|c| !c.is_control()).take(60).collect();
        let refused = Refused { source, text, why };
        if !self.metadata.refused.contains(&refused) && self.metadata.refused.len() < 100 {
            self.metadata.refused.push(refused);
        }
    }

    /// Reads a date of a text and keeps it or why it is none.
    fn date(&mut self, source: Source, text: &str) {
        match crate::datetime::parse(text) {
            Ok(written) => self.stamp(source, written),
            Err(why) => self.refuse(source, text, why),
        }
    }

    fn label(&mut self, label: &str) {
        let label = label.trim();
        let labels = &mut self.metadata.labels;
        if !label.is_empty() && labels.len() < 1000 && !labels.iter().any(|l| l == label) {
            labels.push(label.to_owned());
        }
    }

    fn position(&mut self, latitude: f64, longitude: f64, altitude: Option<f64>) {
        match checked_position(latitude, longitude, altitude) {
            Ok(gps) => exif::set(&mut self.metadata.gps, Some(gps)),
            Err(why) => self.warn(why),
        }
    }

    fn size(&mut self, width: u32, height: u32) {
        if width > 0 && height > 0 && self.metadata.width.is_none() {
            self.metadata.width = Some(width);
            self.metadata.height = Some(height);
        }
    }

    fn finish(mut self) -> Metadata {
        if let Some((width, height)) = self.tiff_size {
            let by_exif = u64::from(self.exif_size.0.unwrap_or(0));
            // A raw file's main directory may hold nothing but a small preview.
            if self.metadata.format == Format::Tiff || u64::from(width) >= by_exif {
                self.size(width, height);
            }
        }
        if let (Some(width), Some(height)) = self.exif_size {
            self.size(width, height);
        }
        self.metadata.previews.sort_by_key(|p| std::cmp::Reverse(p.length));
        self.metadata.previews.dedup();
        self.metadata
    }
}

/// A position on Earth that can be one: not 0, 0, where a receiver without a fix writes zeros.
pub(crate) fn checked_position(
    latitude: f64,
    longitude: f64,
    altitude: Option<f64>,
) -> Result<Gps, &'static str> {
    let on_earth = latitude.abs() <= 90.0 && longitude.abs() <= 180.0;
    if !on_earth {
        return Err("position beyond the globe");
    }
    if latitude.abs() < 1e-6 && longitude.abs() < 1e-6 {
        return Err("position 0, 0: the receiver had no fix");
    }
    Ok(Gps { latitude, longitude, altitude })
}

/// Adds what an XMP packet tells.
fn xmp(found: &mut Found, bytes: &[u8]) {
    match xmp::parse(bytes) {
        Ok(packet) => packet.add_to(found),
        Err(why) => found.warn(why),
    }
}

/// Reads the metadata of a picture or video.
///
/// The format is told from the content; `path` only tells raw formats apart that look alike.
/// A damaged file gives what could be read, with [`Metadata::warnings`].
///
/// # Errors
/// [`Error::Unsupported`] for what is no picture or video, [`Error::Empty`] for an empty file,
/// [`Error::Read`] when reading fails.
pub fn read<R: Read + Seek>(path: &Path, reader: &mut R) -> Result<Metadata, Error> {
    let mut input = Input::new(reader)?;
    if input.length() == 0 {
        return Err(Error::Empty);
    }
    let head = input.up_to(0, 4096)?.to_vec();
    let format = sniff::format(&head, path).ok_or(Error::Unsupported)?;
    let mut found = Found::new(format);
    contents(&mut found, &mut input)?;
    found.warn_if(input.exhausted(), "too many pieces: the rest was not read");
    Ok(found.finish())
}

fn contents(found: &mut Found, input: &mut Input<'_>) -> io::Result<()> {
    match found.metadata.format {
        Format::Jpeg => jpeg::read(found, input, 0),
        Format::Heic | Format::Heif | Format::Avif => heif::read(found, input),
        Format::Jxl => raster::jxl(found, input),
        Format::Png => png::read(found, input),
        Format::Webp => webp::read(found, input),
        Format::Gif => raster::gif(found, input),
        Format::Bmp => raster::bmp(found, input),
        Format::Raf => raw::raf(found, input),
        Format::Cr3 | Format::Mov | Format::Mp4 => movie::read(found, input),
        Format::Mts => mts::read(found, input),
        Format::Avi => avi::read(found, input),
        Format::Mkv => matroska::read(found, input),
        Format::Tiff
        | Format::Dng
        | Format::Cr2
        | Format::Nef
        | Format::Arw
        | Format::Orf
        | Format::Rw2
        | Format::Pef
        | Format::Srw => raw::tiff(found, input),
    }
}
