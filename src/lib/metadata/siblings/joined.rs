//! Which files belong together.

use std::collections::HashMap;
use std::path::Path;

use super::File;
use super::name::{Kind, Name};
use crate::camera::Metadata;
use crate::source::Source;

/// A Live Photo's video is about three seconds long.
const LIVE_SECONDS: f64 = 10.0;
/// Google Takeout cuts names (without `.json`) to this many characters.
const TAKEOUT_LENGTH: usize = 46;
const SUPPLEMENT: &str = ".supplemental-metadata";

/// Sets of files that are joined pair by pair (union-find).
struct Sets(Vec<usize>);

impl Sets {
    fn root(&mut self, mut file: usize) -> usize {
        while self.0[file] != file {
            self.0[file] = self.0[self.0[file]];
            file = self.0[file];
        }
        file
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        self.0[a.max(b)] = a.min(b);
    }
}

type ByName<'a> = HashMap<(&'a Path, &'a str), Vec<usize>>;

/// The sets of files that belong together.
pub(super) fn join(files: &[File<'_>], names: &[Name]) -> Vec<Vec<usize>> {
    let mut sets = Sets((0..files.len()).collect());
    let mut by_stem: ByName<'_> = HashMap::new();
    let mut by_full: ByName<'_> = HashMap::new();
    for (index, name) in names.iter().enumerate() {
        if is_media(name) {
            by_stem.entry((&name.folder, &name.stem)).or_default().push(index);
            by_full.entry((&name.folder, &name.full)).or_default().push(index);
        }
    }
    for same in by_stem.values() {
        pairs(files, names, same, &mut sets);
    }
    for (index, name) in names.iter().enumerate() {
        if let Some(original) = &name.edited_from
            && let Some(found) = by_stem.get(&(name.folder.as_path(), original.as_str()))
            && let Some(&first) = found.iter().min_by_key(|&&i| names[i].rank())
        {
            sets.join(index, first);
        }
        if let Some(owner) = owner(name, names, &by_stem, &by_full) {
            sets.join(index, owner);
        }
    }
    live_photos(files, names, &mut sets);
    let mut gathered: HashMap<usize, Vec<usize>> = HashMap::new();
    for file in 0..files.len() {
        gathered.entry(sets.root(file)).or_default().push(file);
    }
    gathered.into_values().collect()
}

fn is_media(name: &Name) -> bool {
    matches!(name.kind, Kind::Picture | Kind::Raw | Kind::Video)
}

/// Pictures and videos of one stem.
fn pairs(files: &[File<'_>], names: &[Name], same: &[usize], sets: &mut Sets) {
    let Some(&first) = same.iter().min_by_key(|&&i| (names[i].rank(), i)) else { return };
    for &other in same.iter().filter(|&&i| i != first) {
        let (a, b) = (files[first].metadata, files[other].metadata);
        let together = match (names[first].kind, names[other].kind) {
            (Kind::Picture | Kind::Raw, Kind::Video) => is_live(a, b),
            (Kind::Video, Kind::Video) => false,
            _ => same_moment(a, b),
        };
        if together {
            sets.join(first, other);
        }
    }
}

/// Whether a video of the same name is the other half of a Live Photo.
fn is_live(still: Option<&Metadata>, video: Option<&Metadata>) -> bool {
    let id = |m: Option<&Metadata>| m.and_then(|m| m.content_identifier.clone());
    match (id(still), id(video)) {
        (Some(a), Some(b)) => a == b,
        _ => video.and_then(|m| m.duration).is_none_or(|seconds| seconds <= LIVE_SECONDS),
    }
}

/// Whether two pictures of the same name may be of one moment: cameras count from one again.
fn same_moment(a: Option<&Metadata>, b: Option<&Metadata>) -> bool {
    let original = |m: Option<&Metadata>| {
        let stamp = m?.stamps.iter().find(|s| s.source == Source::ExifOriginal)?;
        Some(stamp.time)
    };
    match (original(a), original(b)) {
        (Some(a), Some(b)) => a.duration_since(b).abs().as_secs() <= 2,
        _ => true,
    }
}

/// The picture or video that a sidecar is of.
fn owner(name: &Name, names: &[Name], by_stem: &ByName<'_>, by_full: &ByName<'_>) -> Option<usize> {
    let folder = name.folder.as_path();
    let full = |wanted: &str| by_full.get(&(folder, wanted))?.first().copied();
    let stem = |wanted: &str| {
        by_stem.get(&(folder, wanted))?.iter().copied().min_by_key(|&i| names[i].rank())
    };
    match name.kind {
        Kind::Xmp => full(&name.stem).or_else(|| stem(&name.stem)),
        Kind::Aae => {
            // `IMG_O1234.AAE` is of `IMG_1234`, from before it was edited.
            let plain = name.stem.strip_prefix("img_o").map(|number| format!("img_{number}"));
            stem(&name.stem).or_else(|| stem(&plain?))
        }
        Kind::Audio => stem(&name.stem),
        Kind::Thumbnail => stem(&name.stem).or_else(|| {
            // GoPro: `GL010001.LRV` is the small copy of `GH010001.MP4` or `GX010001.MP4`.
            let number = name.stem.strip_prefix("gl")?;
            stem(&format!("gh{number}")).or_else(|| stem(&format!("gx{number}")))
        }),
        Kind::Json => takeout(name, &full, &stem, by_full),
        _ => None,
    }
}

/// Google Takeout: `NAME.EXT.json`, `NAME.EXT.supplemental-metadata.json`, both cut at 46
/// characters, with the number of a double behind (`NAME.EXT(1).json` is of `NAME(1).EXT`).
fn takeout(
    name: &Name,
    full: &dyn Fn(&str) -> Option<usize>,
    stem: &dyn Fn(&str) -> Option<usize>,
    by_full: &ByName<'_>,
) -> Option<usize> {
    let (base, double) = match name.stem.rfind('(') {
        Some(at) if name.stem.ends_with(')') => name.stem.split_at(at),
        _ => (name.stem.as_str(), ""),
    };
    // A double's picture has the number before its extension.
    let numbered = |whole: &str| match whole.rsplit_once('.') {
        Some((stem, extension)) => format!("{stem}{double}.{extension}"),
        None => format!("{whole}{double}"),
    };
    if let Some(found) = full(&numbered(base)).or_else(|| full(&name.stem)) {
        return Some(found);
    }
    // `.supplemental-metadata` whole or cut anywhere.
    for (at, _) in base.rmatch_indices('.') {
        if SUPPLEMENT.starts_with(&base[at..])
            && let Some(found) = full(&numbered(&base[..at]))
        {
            return Some(found);
        }
    }
    if base.chars().count() >= TAKEOUT_LENGTH {
        let mut cut = by_full.iter().filter(|((folder, whole), _)| {
            *folder == name.folder && format!("{whole}{SUPPLEMENT}").starts_with(base)
        });
        if let (Some((_, found)), None) = (cut.next(), cut.next()) {
            return found.first().copied();
        }
    }
    stem(&name.stem)
}

/// Halves of Live Photos that lie apart or have different names: where exactly one picture and
/// one video carry an identifier.
fn live_photos(files: &[File<'_>], names: &[Name], sets: &mut Sets) {
    let mut by_id: HashMap<&str, Vec<usize>> = HashMap::new();
    for (index, file) in files.iter().enumerate() {
        if let Some(id) = file.metadata.and_then(|m| m.content_identifier.as_deref()) {
            by_id.entry(id).or_default().push(index);
        }
    }
    for found in by_id.values() {
        let (videos, stills): (Vec<usize>, Vec<usize>) =
            found.iter().partition(|&&i| names[i].kind == Kind::Video);
        let one = |all: &[usize], folder: &Path| {
            let mut near = all.iter().filter(|&&i| names[i].folder == folder);
            match (near.next(), near.next()) {
                (Some(&only), None) => Some(only),
                _ => None,
            }
        };
        if let ([still], [video]) = (stills.as_slice(), videos.as_slice()) {
            sets.join(*still, *video);
            continue;
        }
        for &video in &videos {
            let folder = names[video].folder.as_path();
            if let (Some(still), Some(_)) = (one(&stills, folder), one(&videos, folder)) {
                sets.join(still, video);
            }
        }
    }
}
