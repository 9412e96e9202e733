//! Bursts that cameras mark: by an identifier, or by names.

use super::File;
use super::name::Name;

/// The key that all frames of a burst share, unique to their folder where the name gives it.
pub(super) fn key(file: &File<'_>, name: &Name) -> Option<String> {
    if let Some(id) = file.metadata.and_then(|m| m.burst_id.clone()) {
        return Some(id);
    }
    let stem = in_name(&name.stem)?;
    Some(name.folder.join(stem).to_string_lossy().into_owned())
}

/// The part of a name that the frames share: `00000IMG_00001_BURST20190721123005123_COVER`,
/// `IMG_20190721_123005_BURST002`, `20190721_123005_Burst01`.
fn in_name(stem: &str) -> Option<&str> {
    let at = stem.find("burst")?;
    let rest = &stem[at + 5..];
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    match digits {
        // A frame's number: what stands before it is shared.
        1..=4 => Some(stem[..at].trim_end_matches(['_', '-'])).filter(|s| !s.is_empty()),
        // The burst's own date.
        14.. => Some(&stem[at..at + 5 + digits]),
        _ => None,
    }
}
