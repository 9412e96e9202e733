//! A file's name taken apart.

use std::path::PathBuf;

use super::File;
use crate::format::Format;

/// What a file is by its content or, unread, by its extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Picture,
    Raw,
    Video,
    Xmp,
    Aae,
    Thumbnail,
    Json,
    Audio,
    Other,
}

/// A file's name in lower case, taken apart.
#[derive(Debug)]
pub(super) struct Name {
    pub(super) folder: PathBuf,
    /// The whole name.
    pub(super) full: String,
    /// The name without its last extension.
    pub(super) stem: String,
    pub(super) kind: Kind,
    /// The stem of the picture that this one was made from by editing.
    pub(super) edited_from: Option<String>,
    /// Length of the name in the bytes of the file system, and of its extension with the dot.
    length: usize,
    extension: usize,
    utf8: bool,
}

/// What Google Photos puts behind the name of an edited copy, in the languages known.
const EDITED: [&str; 9] = [
    "-edited",
    "-bearbeitet",
    "-modifi\u{e9}",
    "-editado",
    "-editada",
    "-modificato",
    "-bewerkt",
    "-edytowane",
    "-redigerad",
];

impl Name {
    pub(super) fn of(file: &File<'_>) -> Self {
        let raw = file.path.file_name().unwrap_or_default();
        let full = raw.to_string_lossy().to_lowercase();
        let extension = file.path.extension().unwrap_or_default();
        let lower = extension.to_string_lossy().to_lowercase();
        let dot = usize::from(file.path.extension().is_some());
        let stem = file.path.file_stem().unwrap_or_default().to_string_lossy().to_lowercase();
        let kind = kind(&lower, file);
        Self {
            folder: file.path.parent().unwrap_or_else(|| "".as_ref()).to_path_buf(),
            edited_from: if matches!(kind, Kind::Picture | Kind::Raw | Kind::Video) {
                edited_from(&stem)
            } else {
                None
            },
            stem,
            kind,
            length: raw.len(),
            extension: extension.len() + dot,
            utf8: raw.to_str().is_some_and(|name| name.to_lowercase().len() == name.len()),
            full,
        }
    }

    /// Which member leads: an unedited picture, a raw one, an edited one, a video, the rest.
    pub(super) fn rank(&self) -> u8 {
        match (self.kind, &self.edited_from) {
            (Kind::Picture, None) => 0,
            (Kind::Raw, _) => 1,
            (Kind::Picture, Some(_)) => 2,
            (Kind::Video, None) => 3,
            (Kind::Video, Some(_)) => 4,
            _ => 5,
        }
    }

    /// Length of what follows `stem` in the name; of a name that does not begin with it, of the
    /// extension.
    pub(super) fn suffix(&self, stem: &str) -> usize {
        match self.full.strip_prefix(stem) {
            Some(rest) if self.utf8 && rest.starts_with('.') => rest.len(),
            _ => self.extension.min(self.length),
        }
    }
}

fn kind(extension: &str, file: &File<'_>) -> Kind {
    match extension {
        "xmp" => return Kind::Xmp,
        "aae" => return Kind::Aae,
        "thm" | "lrv" => return Kind::Thumbnail,
        "json" => return Kind::Json,
        "wav" => return Kind::Audio,
        _ => {}
    }
    let format = file.metadata.map(|m| m.format).or_else(|| Format::from_extension(extension));
    match format {
        Some(format) if format.is_raw() => Kind::Raw,
        Some(format) if format.is_video() => Kind::Video,
        Some(_) => Kind::Picture,
        None => Kind::Other,
    }
}

/// `img_e1234` was made from `img_1234`, `a-edited` and `a~2` from `a`.
fn edited_from(stem: &str) -> Option<String> {
    if let Some(number) = stem.strip_prefix("img_e")
        && !number.is_empty()
        && number.bytes().all(|b| b.is_ascii_digit())
    {
        return Some(format!("img_{number}"));
    }
    // The number of a double stays behind: `a-edited(1)` is of `a(1)`.
    let (name, double) = match stem.rfind('(') {
        Some(at) if stem.ends_with(')') => stem.split_at(at),
        _ => (stem, ""),
    };
    if let Some(name) = EDITED.iter().find_map(|mark| name.strip_suffix(mark)) {
        return Some(format!("{name}{double}"));
    }
    let (name, number) = stem.rsplit_once('~')?;
    let counted = (1..=2).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit());
    counted.then(|| name.to_owned())
}
