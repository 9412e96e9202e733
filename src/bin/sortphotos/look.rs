//! What pictures look like: which ones are looked at, what is kept of it, bursts.

use std::collections::{BTreeMap, HashSet};
use std::fs::{self, File};
use std::io::{BufReader, Cursor};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cli::Results;
use images::{BurstOptions, Hints, Kind, LookError, Shot};
use metadata::Precision;
use records::Text;
use serde::{Deserialize, Serialize};

use crate::args::Look;
use crate::item::{All, Item};
use crate::output::{Burst, rounded};
use crate::sight::{self, Sight, Sighted};
use crate::spread::Spread;
use crate::thumbnails::Thumbnails;

/// Larger files are read in parts.
const WHOLE: u64 = 48 << 20;

/// Looks at pictures.
pub(crate) struct Looker {
    pub(crate) which: Look,
    /// Seconds between two shots of a burst, at most.
    pub(crate) gap: f64,
    pub(crate) options: images::Options,
    pub(crate) sight: Sight,
    pub(crate) results: Option<Results>,
    /// For the contact sheet.
    pub(crate) thumbnails: Option<Mutex<Thumbnails>>,
}

/// A look as it is kept from run to run.
#[derive(Serialize, Deserialize)]
struct Kept {
    look: Result<images::Look, String>,
    /// In base64.
    thumbnail: Option<String>,
    #[serde(default)]
    sighted: Sighted,
}

/// What is new of a picture that was looked at.
struct Looked {
    look: images::Look,
    /// Its place among the thumbnails.
    thumbnail: Option<usize>,
    sighted: Sighted,
}

/// A picture that is looked at, and whether for its faces too.
#[derive(Clone, Copy)]
struct Chosen {
    file: usize,
    faces: bool,
}

impl Looker {
    /// Looks at pictures, and finds bursts and kinds.
    pub(crate) fn look(&self, all: &mut All, spread: &Spread<'_>) {
        let chosen = self.choose(all);
        let looked = spread
            .over(chosen.len(), |n| self.look_at(&all.items[chosen[n].file].path, chosen[n].faces));
        for (chosen, looked) in chosen.into_iter().zip(looked) {
            let item = &mut all.items[chosen.file];
            match looked {
                Some(Ok(Looked { look, thumbnail, sighted })) => {
                    item.photo.look(&look);
                    item.photo.see(&sighted);
                    item.faces = sighted.faces.as_deref().map(sight::faces);
                    item.look = Some(look);
                    item.thumbnail = thumbnail;
                }
                Some(Err(why)) => item.photo.warnings.push(why),
                None => item.photo.warnings.push("it could not be looked at".to_owned()),
            }
        }
        for item in &mut all.items {
            describe(item);
        }
        self.bursts(all);
    }

    /// The leading pictures that are looked at.
    fn choose(&self, all: &All) -> Vec<Chosen> {
        if self.which == Look::Never {
            return Vec::new();
        }
        let pictures: Vec<usize> = all
            .units
            .iter()
            .map(|unit| unit.main())
            .filter(|f| {
                let item = &all.items[*f];
                item.is_media() && item.metadata.as_ref().is_some_and(|m| !m.format.is_video())
            })
            .collect();
        let models = self.sight.every_face || self.sight.every_label;
        let every = self.which == Look::Always || self.thumbnails.is_some() || models;
        let near = self.near(all, &pictures);
        let is_chosen =
            |file: usize| every || near.contains(&file) || !has_camera(&all.items[file]);
        let chosen = pictures.into_iter().filter(|file| is_chosen(*file));
        let faces = |file| self.sight.every_face || near.contains(&file);
        chosen.map(|file| Chosen { file, faces: faces(file) }).collect()
    }

    /// Pictures that may be of a burst.
    fn near(&self, all: &All, pictures: &[usize]) -> HashSet<usize> {
        let mut near = HashSet::new();
        let mut shots: Vec<(Option<String>, f64, usize)> = pictures
            .iter()
            .filter_map(|f| Some((camera(&all.items[*f]), moment(&all.items[*f])?, *f)))
            .collect();
        shots.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        for pair in shots.windows(2) {
            if pair[0].0 == pair[1].0 && pair[1].1 - pair[0].1 <= self.gap {
                near.extend([pair[0].2, pair[1].2]);
            }
        }
        let marked = all.units.iter().filter(|unit| unit.burst_key.is_some());
        near.extend(marked.map(|unit| unit.main()));
        let pictures: HashSet<usize> = pictures.iter().copied().collect();
        near.retain(|file| pictures.contains(file));
        near
    }

    /// Looks at a picture, or finds what was seen before of the same content; gives why it
    /// cannot be looked at otherwise.
    fn look_at(&self, path: &Path, faces: bool) -> Result<Looked, String> {
        let size = fs::metadata(path).map_err(|e| e.to_string())?.len();
        let kept = if size <= WHOLE {
            let bytes = fs::read(path).map_err(|e| e.to_string())?;
            let key = self.key(faces, || Ok(blake3::hash(&bytes)))?;
            self.find(key.as_ref(), faces, |options| images::look(Cursor::new(&bytes), options))?
        } else {
            let open = || File::open(path).map_err(|e| e.to_string());
            let hash = || {
                let mut hasher = blake3::Hasher::new();
                hasher.update_reader(open()?).map_err(|e| e.to_string())?;
                Ok(hasher.finalize())
            };
            let key = self.key(faces, hash)?;
            let reader = BufReader::with_capacity(1 << 16, open()?);
            self.find(key.as_ref(), faces, |options| images::look(reader, options))?
        };
        let look = kept.look?;
        let thumbnail = kept.thumbnail.and_then(|text| STANDARD.decode(text).ok());
        let thumbnail = match (&self.thumbnails, thumbnail) {
            (Some(thumbnails), Some(bytes)) => {
                let mut thumbnails = thumbnails.lock().unwrap_or_else(PoisonError::into_inner);
                Some(thumbnails.push(&bytes).map_err(|e| format!("thumbnail: {e}"))?)
            }
            _ => None,
        };
        Ok(Looked { look, thumbnail, sighted: kept.sighted })
    }

    fn key(
        &self,
        faces: bool,
        hash: impl FnOnce() -> Result<blake3::Hash, String>,
    ) -> Result<Option<cli::ResultKey>, String> {
        let Some(results) = &self.results else { return Ok(None) };
        Ok(Some(results.key(&[hash()?.as_bytes(), &[u8::from(faces)]])))
    }

    fn find(
        &self,
        key: Option<&cli::ResultKey>,
        faces: bool,
        look: impl FnOnce(&images::Options) -> Result<images::Look, LookError>,
    ) -> Result<Kept, String> {
        let known = self.results.as_ref().zip(key);
        if let Some((results, key)) = known
            && let Some(kept) = results.find(key)
            && let Ok(kept) = serde_json::from_slice(&kept)
        {
            return Ok(kept);
        }
        let pixels = self.sight.is_wanted(faces);
        let mut looked = look(&images::Options { pixels, ..self.options.clone() });
        let shown = looked.as_mut().ok().and_then(|look| look.pixels.take());
        let sighted = shown.map(|shown| self.sight.see(&shown, faces)).unwrap_or_default();
        let permanent = looked.as_ref().err().is_none_or(LookError::is_permanent);
        let thumbnail = looked.as_ref().ok().and_then(|look| look.thumbnail.as_ref());
        let thumbnail = thumbnail.map(|bytes| STANDARD.encode(bytes));
        let look = looked.map_err(|e| e.to_string()).map(|mut look| {
            look.thumbnail = None;
            look
        });
        let kept = Kept { look, thumbnail, sighted };
        if let Some((results, key)) = known
            && permanent
            && let Ok(bytes) = serde_json::to_vec(&kept)
        {
            results.keep(key, &bytes);
        }
        Ok(kept)
    }

    /// Finds bursts, by looks and by what cameras say.
    fn bursts(&self, all: &mut All) {
        let mut units = Vec::new();
        let mut cameras = Vec::new();
        // The same picture twice is no burst.
        let mut seen = HashSet::new();
        for (number, unit) in all.units.iter().enumerate() {
            let item = &all.items[unit.main()];
            let picture = |look: &images::Look| {
                seen.insert((item.state.size, look.hash, look.sharpness.to_bits()))
            };
            if item.look.as_ref().is_some_and(picture) {
                units.push(number);
                cameras.push(camera(&all.items[unit.main()]));
            }
        }
        let mut shots = Vec::new();
        for (number, camera) in units.iter().zip(&cameras) {
            let unit = &all.units[*number];
            let item = &all.items[unit.main()];
            let Some(look) = &item.look else { continue };
            shots.push(Shot {
                taken: moment(item),
                camera: camera.as_deref(),
                burst: unit.burst_key.as_deref(),
                look,
                faces: item.faces,
            });
        }
        let options = BurstOptions { gap: self.gap, ..BurstOptions::default() };
        for burst in images::bursts(&shots, &options) {
            let members: Vec<usize> = burst.members.iter().map(|m| units[*m]).collect();
            let best = units[burst.best];
            let ratings = burst.ratings.iter().map(|r| (Some(rounded(r.score)), r.why.clone()));
            settle(all, members, best, ratings.collect());
        }
        // What was not looked at, but bears the mark of a burst.
        let mut marked: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (number, unit) in all.units.iter().enumerate() {
            if let (Some(key), None) = (&unit.burst_key, unit.burst) {
                marked.entry(key).or_default().push(number);
            }
        }
        let marked: Vec<Vec<usize>> = marked.into_values().filter(|m| m.len() > 1).collect();
        for members in marked {
            let why = "the camera says that it is of this burst".to_owned();
            let ratings = vec![(None, why); members.len()];
            let best = members[0];
            settle(all, members, best, ratings);
        }
    }
}

/// Writes a burst down.
fn settle(all: &mut All, members: Vec<usize>, best: usize, ratings: Vec<(Option<f64>, String)>) {
    let number = all.bursts.len();
    let path = Text::from_os(all.main(best).path.as_os_str());
    for (unit, (score, why)) in members.iter().zip(ratings) {
        all.units[*unit].burst = Some(number);
        let main = all.units[*unit].main();
        all.items[main].photo.burst = Some(Burst {
            best: path.clone(),
            is_best: *unit == best,
            of: members.len(),
            score,
            why,
        });
    }
    all.bursts.push((members, best));
}

/// What kind of picture it is, as well as is known.
fn describe(item: &mut Item) {
    let Some(metadata) = &item.metadata else { return };
    if metadata.format.is_video() {
        item.photo.kind = Some("video");
        return;
    }
    let hints = hints(item);
    let Some(look) = &item.look else {
        let (kind, why) = match hints {
            Hints { screenshot: true, .. } => ("screenshot", "its name or metadata say so"),
            Hints { camera: true, .. } => ("photo", "a camera took it"),
            _ => return,
        };
        item.photo.kind = Some(kind);
        item.photo.kind_why = vec![why.to_owned()];
        return;
    };
    let guess = images::kind(look, &hints);
    item.photo.kind = Some(match guess.kind {
        Kind::Photo => "photo",
        Kind::Screenshot => "screenshot",
        Kind::Document => "document",
    });
    item.photo.kind_confidence = Some(rounded(guess.confidence));
    item.photo.kind_why = guess.why;
}

fn hints(item: &Item) -> Hints {
    const SCREEN: [&str; 5] =
        ["screenshot", "screen shot", "bildschirmfoto", "capture d", "captura de pantalla"];
    let name = item.path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let metadata = item.metadata.as_ref();
    let comment = metadata.and_then(|m| m.comment.as_deref()).unwrap_or_default().to_lowercase();
    let software =
        metadata.and_then(|m| m.camera.software.as_deref()).unwrap_or_default().to_lowercase();
    Hints {
        camera: has_camera(item),
        screenshot: SCREEN.iter().any(|word| name.contains(word)) || comment == "screenshot",
        scan: name.starts_with("scan") || software.contains("scan"),
    }
}

fn has_camera(item: &Item) -> bool {
    let metadata = item.metadata.as_ref();
    metadata.is_some_and(|m| {
        m.camera.make.is_some() || m.camera.model.is_some() || m.exposure.seconds.is_some()
    })
}

/// The camera, told from others of its make by its number where that is known.
fn camera(item: &Item) -> Option<String> {
    let camera = &item.metadata.as_ref()?.camera;
    let name = camera.name()?;
    Some(camera.serial.as_ref().map_or_else(|| name.clone(), |serial| format!("{name} {serial}")))
}

/// Seconds, by the clock of the place.
fn moment(item: &Item) -> Option<f64> {
    let taken = item.taken.as_ref().filter(|t| t.precision >= Precision::Second)?;
    let seconds = jiff::tz::Offset::UTC.to_timestamp(taken.local).ok()?;
    Some(seconds.as_duration().as_secs_f64())
}
