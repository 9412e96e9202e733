//! A file, a group of files that belong together, and all of them.

use std::path::{Path, PathBuf};

use metadata::{Metadata, Part, Taken};
use records::{Code, Failure, Record};
use store::FileState;

use crate::output::{Burst, Photo};
use crate::template::{Field, Values};

/// A file.
pub(crate) struct Item {
    pub(crate) path: PathBuf,
    /// Its place in the input; none for one that was only found beside others.
    pub(crate) place: Option<u64>,
    /// The record, where it says more than the path.
    line: Option<Box<str>>,
    pub(crate) state: FileState,
    /// Why it cannot be handled.
    pub(crate) failure: Option<Failure>,
    pub(crate) metadata: Option<Metadata>,
    pub(crate) photo: Photo,
    pub(crate) taken: Option<Taken>,
    pub(crate) look: Option<images::Look>,
    /// Its faces, where they were looked for.
    pub(crate) faces: Option<images::Faces>,
    /// Where its thumbnail is among those of the run.
    pub(crate) thumbnail: Option<usize>,
}

impl Item {
    /// A file that nothing is known of yet.
    pub(crate) fn new(path: PathBuf, state: FileState) -> Self {
        Self {
            path,
            place: None,
            line: None,
            state,
            failure: None,
            metadata: None,
            photo: Photo::default(),
            taken: None,
            look: None,
            faces: None,
            thumbnail: None,
        }
    }

    /// The file that the record at this place of the input names.
    pub(crate) fn listed(mut self, place: u64, record: &Record) -> Self {
        self.place = Some(place);
        let plain = Record::of_path(&self.path);
        self.line = (plain.as_str() != record.as_str()).then(|| record.as_str().into());
        self
    }

    /// Its record, as it came.
    pub(crate) fn record(&self) -> Result<Record, Failure> {
        match &self.line {
            None => Ok(Record::of_path(&self.path)),
            Some(line) => Record::parse(line.as_bytes()).map_err(|e| Failure::new(Code::Bug, e)),
        }
    }

    /// Whether it is a picture or video that could be read.
    pub(crate) fn is_media(&self) -> bool {
        self.metadata.is_some() && self.failure.is_none()
    }
}

/// A file of a unit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member {
    /// Its number among all files.
    pub(crate) file: usize,
    pub(crate) part: Part,
    /// How many bytes of its name stand behind the stem that it shares with the others.
    pub(crate) suffix: usize,
}

/// Files that go together, the leading one first.
pub(crate) struct Unit {
    pub(crate) members: Vec<Member>,
    /// What a camera says about the burst that it is of.
    pub(crate) burst_key: Option<String>,
    /// The burst that it is of, by number.
    pub(crate) burst: Option<usize>,
}

impl Unit {
    /// The number of its leading file.
    pub(crate) fn main(&self) -> usize {
        self.members[0].file
    }
}

/// Everything that is known.
#[derive(Default)]
pub(crate) struct All {
    pub(crate) items: Vec<Item>,
    /// In the order of their leading files.
    pub(crate) units: Vec<Unit>,
    /// Units of each burst, in order of time, and the best one.
    pub(crate) bursts: Vec<(Vec<usize>, usize)>,
}

impl All {
    /// The leading file of a unit.
    pub(crate) fn main(&self, unit: usize) -> &Item {
        &self.items[self.units[unit].main()]
    }

    /// What a template can say of a unit.
    pub(crate) fn known(&self, unit: usize) -> Known<'_> {
        Known { item: self.main(unit) }
    }
}

/// What a template can say of a file.
pub(crate) struct Known<'a> {
    item: &'a Item,
}

impl Values for Known<'_> {
    fn taken(&self) -> Option<&Taken> {
        self.item.taken.as_ref()
    }

    fn text(&self, field: Field) -> Option<String> {
        let photo = &self.item.photo;
        let place = photo.place.as_ref();
        let some = |text: &String| (!text.is_empty()).then(|| text.clone());
        let is_spare = |burst: &Burst| !burst.is_best;
        match field {
            Field::Place => place.and_then(|p| some(&p.city)),
            Field::Region => place.and_then(|p| some(&p.region)),
            Field::Country => place.and_then(|p| some(&p.country)),
            Field::CountryCode => place.and_then(|p| some(&p.country_code)),
            Field::Camera => self.item.metadata.as_ref()?.camera.name(),
            Field::Make => photo.camera.as_ref()?.make.clone(),
            Field::Model => photo.camera.as_ref()?.model.clone(),
            Field::Kind => photo.kind.map(str::to_owned),
            Field::Apart => match photo.kind? {
                "screenshot" => Some("screenshots".to_owned()),
                "document" => Some("documents".to_owned()),
                _ => None,
            },
            Field::Spare => photo.burst.as_ref().is_some_and(is_spare).then(|| "spare".to_owned()),
            Field::Name => Some(self.item.path.file_stem()?.to_string_lossy().into_owned()),
            Field::Folder => Some(folder_name(&self.item.path)?.to_string_lossy().into_owned()),
            _ => None,
        }
    }
}

fn folder_name(path: &Path) -> Option<std::ffi::OsString> {
    let folder = std::fs::canonicalize(path.parent().filter(|f| !f.as_os_str().is_empty())?);
    Some(folder.ok()?.file_name()?.to_owned())
}
