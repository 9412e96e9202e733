//! Which place each file gets: what stays, what is there already, what needs a number.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::candidates::{Comparer, Contents, NUMBERS, Wish};
use crate::gather::folder_of;
use crate::item::All;
use crate::names::folded;
use crate::template::{Template, Undated};

/// What becomes of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It goes here.
    Goes(PathBuf),
    /// It is in its place.
    Stays,
    /// Its content is here already.
    Repeats(PathBuf),
    /// It is left where it is.
    Left,
}

/// What becomes of the files of a unit, and why.
#[derive(Clone, Debug)]
pub(crate) struct Decision {
    /// In the order of its members.
    pub(crate) fates: Vec<Fate>,
    pub(crate) why: String,
    /// Where the leading file is in the end.
    pub(crate) main: Option<PathBuf>,
}

impl Decision {
    fn left(count: usize, why: impl Into<String>) -> Self {
        Self { fates: vec![Fate::Left; count], why: why.into(), main: None }
    }
}

/// Decides for every unit; `condition` says why one is not to be sorted.
pub(crate) fn decide(
    all: &All,
    template: &Template,
    comparer: &Comparer<'_>,
    condition: &dyn Fn(usize) -> Option<String>,
) -> Vec<Decision> {
    let mut decisions: Vec<Option<Decision>> = Vec::new();
    let mut wishes = Vec::new();
    for unit in 0..all.units.len() {
        let count = all.units[unit].members.len();
        let wish = wish(all, template, unit);
        let refused = unsortable(all, unit).or_else(|| condition(unit));
        decisions.push(match (refused, wish) {
            (Some(why), _) => Some(Decision::left(count, why)),
            (None, Err(Undated(why))) => Some(Decision::left(count, why)),
            (None, Ok(wish)) => {
                wishes.push(wish);
                None
            }
        });
    }
    // The order in which numbers are given: by time, so that it is the same on every run.
    wishes.sort_by(|a, b| {
        let key = |wish: &Wish| {
            let main = all.main(wish.unit);
            (main.taken.is_none(), main.taken.as_ref().map(|t| t.local), main.path.clone())
        };
        key(a).cmp(&key(b))
    });
    let contents = Contents::new(all, &wishes, comparer);
    let mut assigner = Assigner { all, contents, claimed: HashMap::new(), kept: HashMap::new() };
    wishes.retain(|wish| {
        let stays = assigner.stay(wish);
        let going_on = stays.is_none();
        if let Some(decision) = stays {
            decisions[wish.unit] = Some(decision);
        }
        going_on
    });
    for wish in &wishes {
        decisions[wish.unit] = Some(assigner.assign(wish));
    }
    let bug = || Decision::left(0, "");
    decisions.into_iter().map(|decision| decision.unwrap_or_else(bug)).collect()
}

/// Why a unit has no place, whatever the template.
fn unsortable(all: &All, unit: usize) -> Option<String> {
    let main = all.main(unit);
    if main.is_media() {
        return None;
    }
    Some(match &main.failure {
        Some(failure) => failure.message.clone(),
        None => "neither a picture nor a video, nor the sidecar of one".to_owned(),
    })
}

fn wish(all: &All, template: &Template, unit: usize) -> Result<Wish, Undated> {
    let rendered = template.render(&all.known(unit))?;
    let mut folders = rendered.folders;
    // The shots of a burst stay in one folder, also over midnight: that of the first one.
    if let Some(burst) = all.units[unit].burst {
        let first = all.bursts[burst].0.first().copied().unwrap_or(unit);
        if !template.names(crate::template::Field::Spare)
            && let Ok(first) = template.render(&all.known(first))
        {
            folders = first.folders;
        }
    }
    let mut folder = template.root().to_owned();
    folder.extend(folders);
    Ok(Wish { unit, folder, stem: rendered.stem })
}

struct Assigner<'a> {
    all: &'a All,
    contents: Contents,
    /// Places that are given away, as a file system that folds case sees them.
    claimed: HashMap<String, usize>,
    /// The unit that keeps each content, by the class of its leading file.
    kept: HashMap<u32, usize>,
}

impl Assigner<'_> {
    /// The decision on a unit that is in its place already, with or without a number.
    fn stay(&mut self, wish: &Wish) -> Option<Decision> {
        let main = self.all.main(wish.unit);
        let folder = fs::canonicalize(folder_of(&main.path)).ok()?;
        if fs::canonicalize(&wish.folder).ok()? != folder {
            return None;
        }
        let name = main.path.file_name()?.to_str()?;
        let rest = name.strip_prefix(wish.stem.as_str())?;
        let digits =
            rest.strip_prefix('-').map(|rest| rest.bytes().take_while(u8::is_ascii_digit).count());
        let k = digits.and_then(|d| rest[1..=d].parse().ok()).filter(|k| *k >= 2).unwrap_or(1);
        let names = wish.names(self.all, k);
        let members = &self.all.units[wish.unit].members;
        let is_there = |(member, name): (&crate::item::Member, &PathBuf)| {
            self.all.items[member.file].path.file_name() == name.file_name()
                && folder_of(&self.all.items[member.file].path) == folder_of(&main.path)
        };
        if !members.iter().zip(&names).all(is_there) {
            return None;
        }
        for name in &names {
            self.claimed.insert(folded(name), wish.unit);
        }
        self.kept.entry(self.contents.class(members[0].file)).or_insert(wish.unit);
        Some(Decision {
            fates: vec![Fate::Stays; members.len()],
            why: "it is in its place".to_owned(),
            main: Some(main.path.clone()),
        })
    }

    fn assign(&mut self, wish: &Wish) -> Decision {
        if let Some(decision) = self.repeats(wish) {
            return decision;
        }
        let count = self.all.units[wish.unit].members.len();
        for k in 1..NUMBERS {
            let names = wish.names(self.all, k);
            if let Some(fates) = self.fits(wish.unit, &names) {
                let main = self.all.units[wish.unit].main();
                self.kept.entry(self.contents.class(main)).or_insert(wish.unit);
                for name in &names {
                    self.claimed.entry(folded(name)).or_insert(wish.unit);
                }
                let why = self.why(wish.unit, &fates, k);
                return Decision { fates, why, main: names.into_iter().next() };
            }
        }
        Decision::left(count, "no free name was found")
    }

    /// The decision on a unit whose content another unit of this run has.
    fn repeats(&self, wish: &Wish) -> Option<Decision> {
        let unit = &self.all.units[wish.unit];
        let other = *self.kept.get(&self.contents.class(unit.main()))?;
        if !self.contents.repeats(self.all, unit, &self.all.units[other]) {
            return None;
        }
        let kept = self.all.main(other).path.clone();
        let mut fates = vec![Fate::Left; unit.members.len()];
        fates[0] = Fate::Repeats(kept);
        Some(Decision {
            fates,
            why: "the same content comes with another file".to_owned(),
            main: None,
        })
    }

    /// What becomes of the files of a unit under these names; none where they are not free.
    fn fits(&self, unit: usize, names: &[PathBuf]) -> Option<Vec<Fate>> {
        let members = &self.all.units[unit].members;
        let mut fates = Vec::with_capacity(members.len());
        let mut sidecars_differ = false;
        for (member, name) in members.iter().zip(names) {
            let item = &self.all.items[member.file];
            let claimed = self.claimed.get(&folded(name)).is_some_and(|by| *by != unit);
            let there = self.contents.at(name);
            fates.push(match there {
                _ if is_itself(&item.path, name) => Fate::Stays,
                Some(class) if class == self.contents.class(member.file) => {
                    Fate::Repeats(name.clone())
                }
                None if !claimed && fs::symlink_metadata(name).is_err() => Fate::Goes(name.clone()),
                _ if item.is_media() => return None,
                _ => {
                    sidecars_differ = true;
                    Fate::Left
                }
            });
        }
        // A picture that is there keeps the sidecar that it has there; one that is new does not
        // get a foreign one.
        let is_there = !matches!(fates.first(), Some(Fate::Goes(_)));
        (is_there || !sidecars_differ).then_some(fates)
    }

    fn why(&self, unit: usize, fates: &[Fate], k: u32) -> String {
        let photo = &self.all.main(unit).photo;
        if let Some(Fate::Repeats(_)) = fates.first() {
            return "a file with this content is in its place already".to_owned();
        }
        let mut why = match (&photo.taken, photo.taken_from) {
            (Some(taken), Some(from)) => format!("taken {taken} ({from})"),
            _ => "no date is needed for its place".to_owned(),
        };
        if let Some(place) = &photo.place {
            why.push_str(&format!(", {} km from {}", place.distance, place.city));
        }
        if k > 1 {
            why.push_str(&format!("; number {k}, since another file has this name"));
        }
        why
    }
}

/// Whether a path names the same entry as another, by the same name.
fn is_itself(path: &Path, other: &Path) -> bool {
    let state = |path: &Path| {
        fs::symlink_metadata(path).map(|m| {
            use std::os::unix::fs::MetadataExt as _;
            (m.dev(), m.ino())
        })
    };
    let same = state(path).ok().zip(state(other).ok()).is_some_and(|(a, b)| a == b);
    let name = |path: &Path| path.file_name().map(|name| folded(Path::new(name)));
    let folder = |path: &Path| fs::canonicalize(folder_of(path)).ok();
    same && name(path) == name(other) && folder(path) == folder(other)
}
