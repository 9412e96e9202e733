use std::cmp::Ordering;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::str::FromStr;

use globset::{Glob, GlobMatcher};
use store::FileState;

/// Which file of a group stays.
#[derive(Clone, Debug)]
pub enum Keep {
    /// The first in the order of the input.
    First,
    /// The one that was changed longest ago.
    Oldest,
    /// The one that was changed last.
    Newest,
    /// The one with the shortest path.
    Shortest,
    /// One whose path matches.
    Path(GlobMatcher),
    /// Of pictures, the one with the most pixels, and of those the sharpest.
    Best,
}

impl FromStr for Keep {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(match text {
            "first" => Self::First,
            "oldest" => Self::Oldest,
            "newest" => Self::Newest,
            "shortest" => Self::Shortest,
            "best" => Self::Best,
            _ => {
                let glob = text.strip_prefix("path:");
                let glob =
                    glob.ok_or("not one of first, oldest, newest, shortest, path:GLOB, best")?;
                Self::Path(Glob::new(glob).map_err(|e| e.to_string())?.compile_matcher())
            }
        })
    }
}

/// A file among others with the same content.
pub(crate) struct Candidate<'a> {
    pub(crate) path: &'a Path,
    pub(crate) state: FileState,
    /// In a folder that is not touched.
    pub(crate) reference: bool,
    /// Its place in the input.
    pub(crate) place: u64,
    pub(crate) quality: Quality,
}

/// How good a picture is: the first difference decides. All zero for what is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Quality {
    pub(crate) pixels: u64,
    /// In steps of a tenth: less is what encoders make of it.
    pub(crate) sharpness: i32,
    /// Of the file.
    pub(crate) bytes: u64,
}

/// `Less` for the one that rather stays: what is never touched first, then by `keep` in its order,
/// then by place.
pub(crate) fn rather(keep: &[Keep], a: &Candidate<'_>, b: &Candidate<'_>) -> Ordering {
    let by_rule = |rule: &Keep| match rule {
        Keep::First => a.place.cmp(&b.place),
        Keep::Oldest => a.state.mtime.cmp(&b.state.mtime),
        Keep::Newest => b.state.mtime.cmp(&a.state.mtime),
        Keep::Shortest => {
            let length = |c: &Candidate<'_>| c.path.as_os_str().as_bytes().len();
            length(a).cmp(&length(b))
        }
        Keep::Best => b.quality.cmp(&a.quality),
        Keep::Path(glob) => glob.is_match(b.path).cmp(&glob.is_match(a.path)),
    };
    let rules = keep.iter().map(by_rule).find(|order| order.is_ne());
    b.reference.cmp(&a.reference).then(rules.unwrap_or(Ordering::Equal)).then(a.place.cmp(&b.place))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(keep: &[&str]) -> usize {
        let keep: Vec<Keep> = keep.iter().map(|k| k.parse().unwrap()).collect();
        let file = |place, path, mtime, reference| Candidate {
            path: Path::new(path),
            state: FileState { dev: 1, ino: place, size: 5, mtime, ctime: 9 },
            reference,
            place,
            quality: Quality { pixels: 100 * (place & 1), sharpness: 0, bytes: place },
        };
        let all = [
            file(0, "new/long-name.jpg", 300, false),
            file(1, "new/x.jpg", 500, false),
            file(2, "old/keep/y.jpg", 100, false),
            file(3, "old/z.jpg", 100, false),
        ];
        (0..4).min_by(|a, b| rather(&keep, &all[*a], &all[*b])).unwrap()
    }

    #[test]
    fn rules_apply_in_their_order() {
        assert_eq!(kept(&[]), 0);
        assert_eq!(kept(&["first"]), 0);
        assert_eq!(kept(&["oldest"]), 2);
        assert_eq!(kept(&["oldest", "shortest"]), 3);
        assert_eq!(kept(&["newest"]), 1);
        assert_eq!(kept(&["path:**/keep/*"]), 2);
        assert_eq!(kept(&["path:nowhere/*", "shortest"]), 1);
        assert_eq!(kept(&["best"]), 3);
        assert!("path:[".parse::<Keep>().is_err() && "biggest".parse::<Keep>().is_err());
    }
}
