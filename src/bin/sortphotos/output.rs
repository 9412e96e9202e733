//! What `sortphotos` writes under `photo` and `plan`.

use metadata::Metadata;
use records::Text;
use serde::Serialize;

use crate::sight::Sighted;

/// The object under `photo`. What is not known is left out.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Photo {
    /// RFC 3339, only as long as it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) taken: Option<String>,
    /// Where the date comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) taken_from: Option<&'static str>,
    /// How sure the date is, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) confidence: Option<f64>,
    /// Why this date.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) why: Option<String>,
    /// Other dates, and dates that cannot be true.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) conflicts: Vec<Conflict>,
    /// MIME type of the content.
    pub(crate) format: &'static str,
    /// Pixels as shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) width: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) height: Option<u32>,
    /// Seconds of a video.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) duration: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) camera: Option<Camera>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) gps: Option<Gps>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) place: Option<Place>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rating: Option<i8>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) labels: Vec<Label>,
    /// Where they were looked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) faces: Option<Vec<Face>>,
    /// photo, screenshot, document or video.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) kind: Option<&'static str>,
    /// How sure that is, 0 to 1, where the picture was looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) kind_confidence: Option<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) kind_why: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sharpness: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) exposure: Option<images::Exposure>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) contrast: Option<f64>,
    /// A perceptual hash.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hash: Option<images::Hash>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) burst: Option<Burst>,
    /// What was damaged, or could not be looked at.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) warnings: Vec<String>,
}

/// A word for what is shown.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Label {
    pub(crate) name: String,
    /// How sure a model is, 0 to 1; none for what people wrote.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) score: Option<f64>,
}

impl Label {
    /// What the file, its sidecars or its albums say.
    pub(crate) fn written(name: &str) -> Self {
        Self { name: name.to_owned(), score: None }
    }
}

/// A face: shares of the picture's width and height.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Face {
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) width: f64,
    pub(crate) height: f64,
    pub(crate) confidence: f64,
    /// How clearly its eyes are seen; to be compared between shots of one face only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) eyes: Option<f64>,
}

/// A date that was not taken.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Conflict {
    pub(crate) from: &'static str,
    pub(crate) date: String,
    /// By how many seconds it is later than the one taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) seconds: Option<i64>,
    pub(crate) why: String,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Camera {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) make: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) lens: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) serial: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Gps {
    pub(crate) latitude: f64,
    pub(crate) longitude: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) altitude: Option<f64>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Place {
    pub(crate) city: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) region: String,
    pub(crate) country: String,
    pub(crate) country_code: String,
    pub(crate) zone: String,
    /// Kilometres to the middle of the city.
    pub(crate) distance: f64,
}

/// The burst that a picture is of.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Burst {
    /// The path of the best one: the same for all of them.
    pub(crate) best: Text,
    pub(crate) is_best: bool,
    /// How many there are.
    pub(crate) of: usize,
    /// 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) score: Option<f64>,
    pub(crate) why: String,
}

/// What is to be done with a file, or was.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Plan {
    /// copy, move, link, reflink; stay, duplicate or leave, where nothing is done.
    pub(crate) action: &'static str,
    /// Where it goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) to: Option<Text>,
    /// The file with the same content.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) of: Option<Text>,
    pub(crate) why: String,
    /// What the file is to its group: main, raw, live-video, xmp, ….
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) part: Option<&'static str>,
    /// The path of the leading file of its group, for the others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) group: Option<Text>,
    /// For the leading one: files that go with it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) with: Vec<Text>,
    /// For the leading one: the sidecar that is written beside it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sidecar: Option<Text>,
    pub(crate) done: bool,
}

impl Photo {
    /// What the file itself tells; dates and looks are added.
    pub(crate) fn of(metadata: &Metadata) -> Self {
        let turned = metadata.orientation.is_some_and(|o| (5..=8).contains(&o));
        let (width, height) = if turned {
            (metadata.height, metadata.width)
        } else {
            (metadata.width, metadata.height)
        };
        let camera = &metadata.camera;
        let named = camera.make.is_some() || camera.model.is_some();
        Self {
            format: metadata.format.mime(),
            width,
            height,
            duration: metadata.duration,
            camera: named.then(|| Camera {
                make: camera.make.clone(),
                model: camera.model.clone(),
                lens: camera.lens.clone(),
                serial: camera.serial.clone(),
            }),
            description: metadata.description.clone(),
            rating: metadata.rating,
            labels: metadata.labels.iter().map(|name| Label::written(name)).collect(),
            warnings: metadata.warnings.clone(),
            ..Self::default()
        }
    }

    /// Adds what a look showed.
    pub(crate) fn look(&mut self, look: &images::Look) {
        self.width = Some(look.width);
        self.height = Some(look.height);
        self.sharpness = Some(rounded(look.sharpness));
        self.exposure = Some(images::Exposure {
            mean: rounded(look.exposure.mean),
            shadows: rounded(look.exposure.shadows),
            highlights: rounded(look.exposure.highlights),
        });
        self.contrast = Some(rounded(look.contrast));
        self.hash = Some(look.hash);
        if look.truncated {
            self.warnings.push("the picture ends too early".to_owned());
        }
    }
}

impl Photo {
    /// Adds what models saw.
    pub(crate) fn see(&mut self, sighted: &Sighted) {
        let rounded = |number: f32| rounded(number.into());
        let face = |face: &vision::Face| Face {
            x: rounded(face.x),
            y: rounded(face.y),
            width: rounded(face.width),
            height: rounded(face.height),
            confidence: rounded(face.confidence),
            eyes: face.eyes.map(rounded),
        };
        self.faces = sighted.faces.as_ref().map(|faces| faces.iter().map(face).collect());
        let label = |label: &vision::Label| Label {
            name: label.name.clone(),
            score: Some(rounded(label.score)),
        };
        self.labels.extend(sighted.labels.iter().flatten().map(label));
        self.warnings.extend(sighted.troubles.iter().cloned());
    }
}

/// A measure with four decimals: more would pretend to something.
pub(crate) fn rounded(measure: f64) -> f64 {
    (measure * 1e4).round() / 1e4
}
