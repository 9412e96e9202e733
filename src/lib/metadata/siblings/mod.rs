//! Files that belong together and move as one.

mod burst;
mod joined;
mod name;
#[cfg(test)]
mod tests;

use std::path::Path;

use name::{Kind, Name};

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
    /// of the stem `IMG_1` has 8 (`.JPG.xmp`). Put it behind the new stem. Of a name that does
    /// not begin with the stem (`IMG_E1.JPG`) the extension with its dot: two members may then
    /// have the same.
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

/// Groups files that belong together.
///
/// Within one folder, without regard to case: a Live Photo's picture and video (by Apple's
/// identifier, else by name when the video is short), a raw picture and its JPEG, the same picture
/// in another format, edited copies (`IMG_E1234`, `-edited`, `~2`), sidecars (XMP, AAE, THM, LRV,
/// WAV) and the JSON of Google Takeout, also where it cut the name short or put the number of a
/// double elsewhere (`IMG_1.JPG(1).json`). Over folders: halves of a Live Photo whose identifier
/// no other file has.
///
/// Groups come in the order of their leading members in `files`. A sidecar without a picture is
/// a group of its own.
#[must_use]
pub fn group(files: &[File<'_>]) -> Vec<Group> {
    let names: Vec<Name> = files.iter().map(|file| Name::of(file)).collect();
    let sets = joined::join(files, &names);
    let mut groups: Vec<Group> = sets.into_iter().map(|set| assemble(files, &names, set)).collect();
    groups.sort_by_key(|group| group.members[0].file);
    groups
}

/// One group, its leading member found and the others named for what they are to it.
fn assemble(files: &[File<'_>], names: &[Name], mut set: Vec<usize>) -> Group {
    set.sort_by_key(|&i| (names[i].rank(), i));
    let lead = set[0];
    let still = names[lead].kind == Kind::Picture || names[lead].kind == Kind::Raw;
    let stem = &names[lead].stem;
    let mut members = Vec::with_capacity(set.len());
    for (place, &file) in set.iter().enumerate() {
        let name = &names[file];
        let part = match name.kind {
            Kind::Raw if set.len() > 1 && place > 0 => Part::Raw,
            _ if place == 0 => Part::Main,
            Kind::Video if still => Part::LiveVideo,
            Kind::Picture | Kind::Raw | Kind::Video | Kind::Other => Part::Variant,
            Kind::Xmp => Part::Xmp,
            Kind::Aae => Part::Aae,
            Kind::Thumbnail => Part::Thumbnail,
            Kind::Json => Part::Takeout,
            Kind::Audio => Part::Audio,
        };
        members.push(Member { file, part, suffix: name.suffix(stem) });
    }
    Group { members, burst: burst::key(&files[lead], &names[lead]) }
}
