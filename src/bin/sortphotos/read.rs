//! What files and what stands around them tell: dates, cameras, places.

use std::fs::{self, File};
use std::io::{BufReader, Read as _};
use std::path::Path;

use metadata::{
    Conflict, Dating, Error, Metadata, Options, Part, Refused, Shift, Sidecar, Source, Stamp,
    Taken, Takeout,
};
use places::Places;
use records::{Code, Failure};

use crate::item::{All, Item, Member, Unit};
use crate::output::{self, Label, Photo, rounded};
use crate::spread::Spread;

/// Largest sidecar that is read.
const MAX_SIDECAR: u64 = 4 << 20;
/// Kilometres to a city, beyond which a place has no name.
const NEAR: f64 = 50.0;

/// What decides about dates.
pub(crate) struct Reader {
    pub(crate) places: Option<Places>,
    pub(crate) shifts: Vec<Shift>,
    pub(crate) home: Option<jiff::tz::TimeZone>,
    pub(crate) file_time: bool,
    pub(crate) now: jiff::Timestamp,
}

/// What sidecars tell of the files they belong to.
#[derive(Default)]
struct Beside {
    stamps: Vec<Stamp>,
    gps: Option<metadata::Gps>,
    rating: Option<i8>,
    labels: Vec<String>,
    description: Option<String>,
    warnings: Vec<String>,
}

impl Reader {
    /// Reads all files, and groups them.
    pub(crate) fn read(&self, mut items: Vec<Item>, spread: &Spread<'_>) -> All {
        let read = spread.over(items.len(), |n| self.read_one(&items[n].path));
        for (item, read) in items.iter_mut().zip(read) {
            match read {
                Some(Ok(metadata)) => item.metadata = metadata,
                Some(Err(failure)) => item.failure = Some(failure),
                None => item.failure = Some(Failure::new(Code::Bug, "it could not be read")),
            }
        }
        let files: Vec<metadata::File<'_>> = items
            .iter()
            .map(|item| metadata::File { path: &item.path, metadata: item.metadata.as_ref() })
            .collect();
        let mut units = Vec::new();
        for group in metadata::group(&files) {
            let member =
                |m: &metadata::Member| Member { file: m.file, part: m.part, suffix: m.suffix };
            let members: Vec<Member> = group.members.iter().map(member).collect();
            // Files that nobody named are there only for the sake of the others.
            if members.iter().any(|m| items[m.file].place.is_some()) {
                units.push(Unit { members, burst_key: group.burst, burst: None });
            }
        }
        let described = spread.over(units.len(), |n| self.describe(&units[n], &items));
        for (file, photo, taken) in described.into_iter().flatten().flatten() {
            items[file].photo = photo;
            items[file].taken = taken;
        }
        All { items, units, bursts: Vec::new() }
    }

    /// None for a file that is neither a picture nor a video, and does not say so.
    fn read_one(&self, path: &Path) -> Result<Option<Metadata>, Failure> {
        let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        if matches!(extension.as_str(), "xmp" | "aae" | "json") {
            return Ok(None);
        }
        let unreadable = |e: std::io::Error| Failure::new(Code::Unreadable, e).retryable();
        let mut file = BufReader::with_capacity(1 << 14, File::open(path).map_err(unreadable)?);
        match metadata::read(path, &mut file) {
            Ok(mut metadata) => {
                metadata.stamps.extend(metadata::name_stamps(path));
                metadata.stamps.extend(metadata::folder_stamps(path));
                for shift in &self.shifts {
                    shift.apply(&mut metadata);
                }
                Ok(Some(metadata))
            }
            Err(Error::Read(e)) => Err(unreadable(e)),
            Err(error) if metadata::Format::from_extension(&extension).is_some() => {
                Err(Failure::new(Code::Unsupported, error))
            }
            Err(_) => Ok(None),
        }
    }

    /// The pictures and videos of a unit, with what all of it tells.
    fn describe(&self, unit: &Unit, items: &[Item]) -> Vec<(usize, Photo, Option<Taken>)> {
        let beside = beside(unit, items);
        let media = unit.members.iter().map(|m| m.file).filter(|f| items[*f].is_media());
        let metadata = |file: usize| items[file].metadata.as_ref();
        let any_gps = media.clone().find_map(|f| metadata(f)?.gps);
        let mut described = Vec::new();
        for file in media.clone() {
            let Some(own) = metadata(file) else { continue };
            let mut photo = Photo::of(own);
            let gps = own.gps.or(beside.gps).or(any_gps);
            photo.place = self.place(&mut photo, gps);
            let mut stamps = own.stamps.clone();
            stamps.extend(&beside.stamps);
            if self.file_time {
                let modified = fs::metadata(&items[file].path).and_then(|m| m.modified());
                stamps.extend(modified.ok().and_then(metadata::file_stamp));
            }
            let mut dating = self.date(&stamps, &photo);
            if dating.taken.is_none() {
                // The other half may know.
                stamps.extend(media.clone().filter_map(metadata).flat_map(|m| m.stamps.clone()));
                dating = self.date(&stamps, &photo);
            }
            let taken = note(&mut photo, own, dating);
            photo.rating = photo.rating.or(beside.rating);
            photo.labels.extend(beside.labels.iter().map(|name| Label::written(name)));
            photo.labels.sort_by(|a, b| a.name.cmp(&b.name));
            photo.labels.dedup();
            photo.description = photo.description.or_else(|| beside.description.clone());
            photo.warnings.extend(beside.warnings.iter().cloned());
            described.push((file, photo, taken));
        }
        described
    }

    fn place(&self, photo: &mut Photo, gps: Option<metadata::Gps>) -> Option<output::Place> {
        let gps = gps?;
        photo.gps = Some(output::Gps {
            latitude: gps.latitude,
            longitude: gps.longitude,
            altitude: gps.altitude,
        });
        let place = self.places.as_ref()?.nearest(gps.latitude, gps.longitude, NEAR)?;
        Some(output::Place {
            city: place.city.to_owned(),
            region: place.region.to_owned(),
            country: place.country.to_owned(),
            country_code: place.country_code.to_owned(),
            zone: place.zone.to_owned(),
            distance: (place.distance * 10.0).round() / 10.0,
        })
    }

    fn date(&self, stamps: &[Stamp], photo: &Photo) -> Dating {
        let zone = photo.place.as_ref().and_then(|place| places::zone(&place.zone));
        let options = Options {
            zone: zone.as_ref(),
            home: self.home.as_ref(),
            file_time: self.file_time,
            ..Options::at(self.now)
        };
        metadata::date(stamps, &options)
    }
}

/// Writes a decision down.
fn note(photo: &mut Photo, metadata: &Metadata, dating: Dating) -> Option<Taken> {
    let mut refusals: Vec<&Refused> = metadata.refused.iter().chain(&dating.refused).collect();
    let mut known = Vec::new();
    refusals.retain(|refused| {
        let new = !known.contains(refused);
        known.push(*refused);
        new
    });
    for refused in refusals {
        photo.conflicts.push(output::Conflict {
            from: refused.source.name(),
            date: refused.text.clone(),
            seconds: None,
            why: refused.why.to_owned(),
        });
    }
    let taken = dating.taken?;
    photo.taken = Some(taken.to_rfc3339());
    photo.taken_from = Some(taken.from.name());
    photo.confidence = Some(rounded(taken.confidence));
    photo.why = Some(taken.why.clone());
    photo.conflicts.extend(taken.conflicts.iter().map(conflict));
    Some(taken)
}

fn conflict(conflict: &Conflict) -> output::Conflict {
    output::Conflict {
        from: conflict.stamp.source.name(),
        date: conflict.stamp.time.to_string(),
        seconds: Some(conflict.seconds),
        why: conflict.why.clone(),
    }
}

/// Reads the sidecars of a unit.
fn beside(unit: &Unit, items: &[Item]) -> Beside {
    let mut beside = Beside::default();
    for member in &unit.members {
        let path = &items[member.file].path;
        let read = match member.part {
            Part::Xmp => small(path).and_then(|text| beside.xmp(&text)),
            Part::Takeout => small(path).and_then(|text| beside.takeout(&text)),
            _ => continue,
        };
        if let Err(error) = read {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            beside.warnings.push(format!("{name}: {error}"));
        }
    }
    beside
}

impl Beside {
    fn xmp(&mut self, text: &[u8]) -> Result<(), String> {
        let sidecar = Sidecar::parse(text).map_err(|e| e.to_string())?;
        self.stamps.extend(sidecar.stamps.into_iter().filter(|s| s.source == Source::Sidecar));
        self.gps = self.gps.or(sidecar.gps);
        self.rating = self.rating.or(sidecar.rating);
        self.labels.extend(sidecar.labels);
        self.description = self.description.take().or(sidecar.description);
        Ok(())
    }

    fn takeout(&mut self, text: &[u8]) -> Result<(), String> {
        let takeout = Takeout::parse(text).map_err(|e| e.to_string())?;
        self.stamps.extend(takeout.stamp);
        self.gps = self.gps.or(takeout.gps);
        self.labels.extend(takeout.people);
        self.description = self.description.take().or(takeout.description);
        Ok(())
    }
}

/// All of a small file.
pub(crate) fn small(path: &Path) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|e| e.to_string())?;
    file.take(MAX_SIDECAR + 1).read_to_end(&mut bytes).map_err(|e| e.to_string())?;
    if bytes.len() as u64 > MAX_SIDECAR {
        return Err(format!("larger than {MAX_SIDECAR} bytes"));
    }
    Ok(bytes)
}
