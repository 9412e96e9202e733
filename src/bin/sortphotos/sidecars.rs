//! Texts that are written beside pictures: dates, places and keywords for other programs.

use std::fs;
use std::path::{Path, PathBuf};

use journal::{Planned, Way};
use metadata::{Edit, Gps, Part, Sidecar, SidecarStyle, Source};

use crate::destination::{Decision, Fate};
use crate::item::{All, Item};
use crate::output::Label;
use crate::read::small;

/// What is written.
#[derive(Clone, Copy)]
pub(crate) struct Writing {
    /// Dates and places.
    pub(crate) back: bool,
    /// Keywords.
    pub(crate) labels: bool,
    pub(crate) style: SidecarStyle,
}

/// What is to be done for a unit: its files, and the text beside it.
pub(crate) struct Tasks {
    pub(crate) planned: Vec<Planned>,
    /// Where a sidecar is written.
    pub(crate) sidecar: Option<PathBuf>,
    /// Why none is, though it was asked for.
    pub(crate) trouble: Option<String>,
}

impl Tasks {
    /// What follows from the decision on a unit.
    pub(crate) fn new(
        all: &All,
        unit: usize,
        decision: &Decision,
        way: Way,
        writing: Option<&Writing>,
    ) -> Self {
        let members = &all.units[unit].members;
        let mut tasks = Self { planned: Vec::new(), sidecar: None, trouble: None };
        for (member, fate) in members.iter().zip(&decision.fates) {
            if let Fate::Goes(to) = fate {
                let path = all.items[member.file].path.clone();
                tasks.planned.push(Planned::File { path, to: to.clone() });
            }
        }
        let main = match (writing, decision.fates.first()) {
            (Some(writing), Some(Fate::Goes(_) | Fate::Stays)) => {
                decision.main.as_ref().map(|main| (writing, main))
            }
            _ => None,
        };
        if let Some((writing, main)) = main
            && let Err(trouble) = tasks.write(all, unit, decision, way, writing, main)
        {
            tasks.trouble = Some(trouble);
        }
        tasks
    }

    fn write(
        &mut self,
        all: &All,
        unit: usize,
        decision: &Decision,
        way: Way,
        writing: &Writing,
        main: &Path,
    ) -> Result<(), String> {
        let place = writing.style.path(main);
        // The sidecar that goes with the picture: by the name that is asked for, or any.
        let members = all.units[unit].members.iter().zip(&decision.fates);
        let sidecars = members.filter(|(m, _)| m.part == Part::Xmp).filter_map(|(m, fate)| {
            let path = &all.items[m.file].path;
            match fate {
                Fate::Goes(to) => Some((path, to.clone())),
                Fate::Stays => Some((path, path.clone())),
                _ => None,
            }
        });
        let sidecars: Vec<(&PathBuf, PathBuf)> = sidecars.collect();
        let found = sidecars.iter().find(|(_, to)| *to == place);
        let found = found.or_else(|| sidecars.first().filter(|_| !writing.labels));
        let text = match found {
            Some((path, _)) => Some(small(path)?),
            None => None,
        };
        let new = writing.text(all.main(unit), text.as_deref())?;
        let Some(new) = new.filter(|new| Some(new.as_bytes()) != text.as_deref()) else {
            return Ok(());
        };
        let place = found.map_or(place, |(_, to)| to.clone());
        match found {
            Some((path, to)) => self.put_aside(path, to, way),
            None if fs::symlink_metadata(&place).is_ok() => {
                return Err(format!("{} is there already", place.display()));
            }
            None => {}
        }
        self.planned.push(Planned::Text { to: place.clone(), text: new });
        self.sidecar = Some(place);
        Ok(())
    }

    /// A sidecar that is written anew: with a copy the old one stays where it was, with a move it
    /// is kept beside the new one.
    fn put_aside(&mut self, path: &Path, to: &Path, way: Way) {
        self.planned.retain(|planned| !matches!(planned, Planned::File { to: t, .. } if t == to));
        if way == Way::Move || path == to {
            let mut kept = to.as_os_str().to_owned();
            kept.push(".orig");
            self.planned.push(Planned::File { path: path.to_owned(), to: kept.into() });
        }
    }
}

impl Writing {
    /// The text of the sidecar of a picture; none where there is nothing to say.
    fn text(&self, item: &Item, existing: Option<&[u8]>) -> Result<Option<String>, String> {
        let photo = &item.photo;
        let taken = item.taken.as_ref().filter(|t| self.back && t.from != Source::Sidecar);
        let place = photo.place.as_ref();
        let labels = if self.labels { labels(item) } else { Vec::new() };
        let gps = photo.gps.as_ref().filter(|_| self.back).map(|gps| Gps {
            latitude: gps.latitude,
            longitude: gps.longitude,
            altitude: gps.altitude,
        });
        if taken.is_none() && place.is_none() && labels.is_empty() {
            return Ok(None);
        }

        let edit = Edit {
            taken,
            gps,
            labels: &labels,
            rating: None,
            city: place.map(|p| p.city.as_str()),
            region: place.filter(|p| !p.region.is_empty()).map(|p| p.region.as_str()),
            country: place.map(|p| p.country.as_str()),
            country_code: place.map(|p| p.country_code.as_str()),
        };
        Sidecar::merge(existing, &edit, self.style).map(Some).map_err(|e| e.to_string())
    }
}

/// Labels of a model with a smaller score are no keywords.
const SURE: f64 = 0.3;

/// Keywords that tell what was found out.
fn labels(item: &Item) -> Vec<String> {
    let sure = |label: &&Label| label.score.is_some_and(|score| score >= SURE);
    let sure = item.photo.labels.iter().filter(sure);
    let mut labels: Vec<String> = sure.map(|label| label.name.clone()).collect();
    if let Some(kind @ ("screenshot" | "document")) = item.photo.kind {
        labels.push(kind.to_owned());
    }
    if let Some(burst) = &item.photo.burst {
        labels.push("burst".to_owned());
        if burst.is_best {
            labels.push("best of burst".to_owned());
        }
    }
    labels
}
