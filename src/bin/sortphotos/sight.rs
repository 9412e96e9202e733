//! What models see: faces, and what a picture shows.

use std::path::{Path, PathBuf};

use cli::Error;
use images::Shown;
use serde::{Deserialize, Serialize};
use vision::{Face, Faces, Label, Labels, Picture};

use crate::args::{Sortphotos, When};

/// Labels of a picture, at most.
const MOST: usize = 5;
/// Labels with a smaller score are not told.
const LEAST: f32 = 0.1;
/// Faces whose width is less than this share of the largest one's are not what a picture is of.
const BESIDE: f32 = 0.5;

/// The models that are here and wanted.
#[derive(Default)]
pub(crate) struct Sight {
    faces: Option<Faces>,
    labels: Option<Labels>,
    /// Faces are looked for in every picture, not only where there may be a burst.
    pub(crate) every_face: bool,
    /// Labels were asked for.
    pub(crate) every_label: bool,
    /// Which models these are.
    pub(crate) id: String,
}

/// What was seen in a picture. None where a model was not asked.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Sighted {
    #[serde(default)]
    pub(crate) faces: Option<Vec<Face>>,
    #[serde(default)]
    pub(crate) labels: Option<Vec<Label>>,
    /// Why a model could not say anything.
    #[serde(default)]
    pub(crate) troubles: Vec<String>,
}

impl Sight {
    /// Opens the models of the store that the arguments want.
    pub(crate) fn open(args: &Sortphotos) -> Result<Self, Error> {
        let mut sight = Self::default();
        let folder = cli::env::models_folder()?;
        if args.faces != When::Never {
            sight.every_face = args.faces == When::Always;
            let found = first(&folder, "faces");
            if found.is_none() && sight.every_face {
                let text = "no model that finds faces is here; get it with: models pull mtcnn";
                return Err(Error::setup(text));
            }
            if let Some(path) = found {
                sight.faces = Some(Faces::open(&path).map_err(|e| about(&path, &e))?);
                sight.note(&path)?;
            }
        }
        if let Some(path) = label_model(args.label_model.as_deref(), &folder)? {
            sight.every_label = args.label_model.is_some();
            sight.labels = Some(Labels::open(&path).map_err(|e| about(&path, &e))?);
            sight.note(&path)?;
        }
        Ok(sight)
    }

    /// Remembers which model it is: what it saw is kept from run to run.
    fn note(&mut self, path: &Path) -> Result<(), Error> {
        let bytes = std::fs::read(path).map_err(|e| about(path, &e))?;
        self.id.push_str(blake3::hash(&bytes).to_hex().as_str());
        Ok(())
    }

    /// Whether anything is to be seen in a picture.
    pub(crate) fn is_wanted(&self, faces: bool) -> bool {
        self.labels.is_some() || (faces && self.faces.is_some())
    }

    /// Looks at a picture, for its faces only where these are wanted.
    pub(crate) fn see(&self, shown: &Shown, faces: bool) -> Sighted {
        let mut sighted = Sighted::default();
        let Some(picture) = Picture::new(shown.width, shown.height, &shown.rgb) else {
            return sighted;
        };
        if let Some(model) = self.faces.as_ref().filter(|_| faces) {
            match model.find(&picture) {
                Ok(faces) => sighted.faces = Some(faces),
                Err(error) => sighted.troubles.push(format!("faces: {error}")),
            }
        }
        if let Some(model) = &self.labels {
            match model.of(&picture, LEAST, MOST) {
                Ok(labels) => sighted.labels = Some(labels),
                Err(error) => sighted.troubles.push(format!("labels: {error}")),
            }
        }
        sighted
    }
}

/// What counts of faces when shots are compared: the largest one, and those not much smaller.
pub(crate) fn faces(found: &[Face]) -> images::Faces {
    let largest = found.iter().map(|face| face.width).fold(0.0, f32::max);
    let main: Vec<&Face> = found.iter().filter(|face| face.width >= BESIDE * largest).collect();
    let known: Vec<f64> = main.iter().filter_map(|face| face.eyes.map(f64::from)).collect();
    let eyes = (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64);
    images::Faces { count: main.len(), eyes }
}

fn about(path: &Path, error: &dyn std::fmt::Display) -> Error {
    Error::setup(format!("{}: {error}", path.display()))
}

/// The first file of the store with that extension.
pub(crate) fn first(folder: &Path, extension: &str) -> Option<PathBuf> {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|e| e.path());
    files.filter(|path| path.extension().is_some_and(|e| e == extension)).min()
}

/// The model that was named, else the one of the store; none with `never`.
fn label_model(named: Option<&str>, folder: &Path) -> Result<Option<PathBuf>, Error> {
    match named {
        None => Ok(first(folder, "labels")),
        Some("never") => Ok(None),
        Some(path) if path.contains('/') => Ok(Some(path.into())),
        Some(name) => {
            let path = folder.join(format!("{name}.labels"));
            if path.is_file() {
                return Ok(Some(path));
            }
            let how = "take one in with: models import FILE.onnx --labels FILE";
            Err(Error::setup(format!("no model '{name}' that labels pictures is here; {how}")))
        }
    }
}
