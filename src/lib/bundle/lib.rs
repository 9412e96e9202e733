//! ONNX graphs with what is needed to use them, in one file: what the model store keeps.
//!
//! | bytes | content |
//! |---|---|
//! | 8 | `HWBUNDL1` |
//! | 4 | length of the header (u32, little-endian) |
//! | … | [`Header`] in JSON |
//! | … | the graphs, one after the other, in the order of the header |
//!
//! A file is hostile until it is read: every length is held against the file before anything is
//! allocated. Whether the graphs run is for those to find out who run them.

#![forbid(unsafe_code)]

#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

/// What a file starts with.
pub const MAGIC: &[u8; 8] = b"HWBUNDL1";
/// Bytes that a header may have.
const MAX_HEADER: u32 = 4 << 20;
/// Bytes that all graphs together may have.
const MAX_GRAPHS: u64 = 1 << 30;
/// Graphs in one file.
const MAX_COUNT: usize = 16;
/// Labels of a classifier.
const MAX_LABELS: usize = 100_000;

/// What the graphs do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Finds faces: the graphs `pnet`, `rnet` and `onet` of MTCNN.
    Faces,
    /// Says what a picture shows: one graph, `classifier`, and its labels.
    Labels,
}

/// What a graph takes for the brightness of a pixel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scale {
    /// 0 to 1, less the mean and over the deviation of ImageNet's pictures (torchvision, timm).
    #[default]
    Imagenet,
    /// -1 to 1 (TensorFlow's models).
    Signed,
    /// 0 to 1.
    Unit,
    /// 0 to 255.
    Byte,
}

/// A graph of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Graph {
    /// Its name.
    pub name: String,
    /// Its length.
    pub bytes: u64,
}

/// What a file says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// What the graphs do.
    pub kind: Kind,
    /// The graphs, in their order.
    pub graphs: Vec<Graph>,
    /// Of a classifier: what its outputs stand for, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// Of a classifier: how pixels are given to it.
    #[serde(default)]
    pub scale: Scale,
}

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Reading or writing failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It is no such file, or damaged.
    #[error("not a bundle of ONNX graphs: {0}")]
    Format(String),
}

/// An open file.
#[derive(Debug)]
pub struct Bundle<R> {
    header: Header,
    source: R,
    /// Where the first graph starts.
    start: u64,
}

impl Bundle<File> {
    /// Opens the file at `path`.
    ///
    /// # Errors
    /// It cannot be read, or is no bundle.
    pub fn open(path: &Path) -> Result<Self, Error> {
        // A FIFO would block on open.
        if !std::fs::metadata(path)?.is_file() {
            return Err(Error::Format("not a file".into()));
        }
        Self::read(File::open(path)?)
    }
}

impl<R: Read + Seek> Bundle<R> {
    /// Reads the header of what `source` has from its start to its end.
    ///
    /// # Errors
    /// As [`Bundle::open`].
    pub fn read(mut source: R) -> Result<Self, Error> {
        let wrong = |what: &str| Error::Format(what.to_owned());
        let end = source.seek(SeekFrom::End(0))?;
        source.rewind()?;
        let mut head = [0; 12];
        source.read_exact(&mut head).map_err(|_| wrong("too short"))?;
        let [magic @ .., a, b, c, d] = &head;
        let length = u32::from_le_bytes([*a, *b, *c, *d]);
        if magic != MAGIC {
            return Err(wrong("it does not start as one"));
        }
        if length > MAX_HEADER || u64::from(length) + 12 > end {
            return Err(wrong("the header is longer than it can be"));
        }
        let mut json = vec![0; length as usize];
        source.read_exact(&mut json)?;
        let header: Header = serde_json::from_slice(&json)
            .map_err(|error| Error::Format(format!("the header: {error}")))?;
        let start = 12 + u64::from(length);
        header.check()?;
        if start + header.size() != end {
            return Err(wrong("its length is not what it says"));
        }
        Ok(Self { header, source, start })
    }

    /// What the file says of itself.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The graph with this name, an ONNX file as a whole.
    ///
    /// # Errors
    /// There is none, or reading failed.
    pub fn graph(&mut self, name: &str) -> Result<Vec<u8>, Error> {
        let mut at = self.start;
        for graph in &self.header.graphs {
            if graph.name == name {
                self.source.seek(SeekFrom::Start(at))?;
                // The length was held against the file's.
                let mut bytes = Vec::with_capacity(graph.bytes as usize);
                (&mut self.source).take(graph.bytes).read_to_end(&mut bytes)?;
                return Ok(bytes);
            }
            at += graph.bytes;
        }
        Err(Error::Format(format!("it has no graph '{name}'")))
    }
}

impl Header {
    /// Bytes of all graphs.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.graphs.iter().map(|graph| graph.bytes).fold(0, u64::saturating_add)
    }

    fn check(&self) -> Result<(), Error> {
        let wrong = |what: &str| Err(Error::Format(what.to_owned()));
        let names: HashSet<&str> = self.graphs.iter().map(|graph| graph.name.as_str()).collect();
        if names.len() != self.graphs.len() || self.graphs.len() > MAX_COUNT {
            return wrong("graphs with one name, or too many of them");
        }
        if self.size() > MAX_GRAPHS {
            return wrong("its graphs are too large");
        }
        let due: &[&str] = match self.kind {
            Kind::Faces => &["pnet", "rnet", "onet"],
            Kind::Labels => &["classifier"],
        };
        if !due.iter().all(|name| names.contains(name)) {
            return wrong("a graph is missing");
        }
        let labelled = (2..=MAX_LABELS).contains(&self.labels.len());
        if labelled != (self.kind == Kind::Labels) {
            return wrong("labels are missing, or out of place");
        }
        Ok(())
    }
}

/// Writes a file; `graphs` are the contents of [`Header::graphs`], whose lengths are set.
///
/// # Errors
/// The header breaks a rule of the format, or writing failed.
pub fn write(mut header: Header, graphs: &[Vec<u8>], out: &mut impl Write) -> Result<(), Error> {
    if header.graphs.len() != graphs.len() {
        return Err(Error::Format("there are not as many graphs as names".into()));
    }
    for (graph, bytes) in header.graphs.iter_mut().zip(graphs) {
        graph.bytes = bytes.len() as u64;
    }
    header.check()?;
    let json = serde_json::to_vec(&header).map_err(io::Error::from)?;
    let length = u32::try_from(json.len()).ok().filter(|length| *length <= MAX_HEADER);
    let length = length.ok_or_else(|| Error::Format("the labels are too long".into()))?;
    out.write_all(MAGIC)?;
    out.write_all(&length.to_le_bytes())?;
    out.write_all(&json)?;
    graphs.iter().try_for_each(|bytes| out.write_all(bytes))?;
    Ok(())
}

/// The labels in a text: one a line, in the order of the outputs; blank lines count for nothing.
///
/// What stands before them is dropped where all of them have it: a number with a colon, or
/// WordNet's `n01440764 `.
///
/// # Errors
/// There are fewer than two, or more than a classifier has.
pub fn labels(text: &str) -> Result<Vec<String>, Error> {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    if !(2..=MAX_LABELS).contains(&lines.len()) {
        return Err(Error::Format(format!("{} labels", lines.len())));
    }
    let bare = |line: &'_ str| -> Option<String> {
        let (mark, rest) = line.split_once([' ', '\t'])?;
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let wordnet = mark.strip_prefix('n').is_some_and(|n| n.len() == 8 && digits(n));
        let numbered = mark.strip_suffix(':').is_some_and(digits);
        (wordnet || numbered).then(|| rest.trim().to_owned())
    };
    let all: Option<Vec<String>> = lines.iter().map(|line| bare(line)).collect();
    Ok(all.unwrap_or_else(|| lines.iter().map(|line| (*line).to_owned()).collect()))
}
