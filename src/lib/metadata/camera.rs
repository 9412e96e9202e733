//! What one file tells.

use crate::dating::Refused;
use crate::format::Format;
use crate::stamp::Stamp;

/// What was read from one file.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Metadata {
    /// Format of the content, whatever the name says.
    pub format: Format,
    /// Width in pixels as stored, before [`orientation`](Self::orientation) is applied.
    pub width: Option<u32>,
    /// Height in pixels as stored.
    pub height: Option<u32>,
    /// EXIF orientation, 1 to 8; 1 is upright.
    pub orientation: Option<u8>,
    /// Length of a video in seconds.
    pub duration: Option<f64>,
    /// The camera.
    pub camera: Camera,
    /// How it was exposed.
    pub exposure: Exposure,
    /// Where it was taken. Absent when impossible or 0, 0, see [`warnings`](Self::warnings).
    pub gps: Option<Gps>,
    /// Apple's identifier that both halves of a Live Photo carry.
    pub content_identifier: Option<String>,
    /// Identifier that all frames of one burst carry (Apple, Google).
    pub burst_id: Option<String>,
    /// Whether a short video is inside the picture (Google Motion Photo).
    pub motion_photo: bool,
    /// EXIF user comment: `Screenshot` on Apple's devices.
    pub comment: Option<String>,
    /// Caption or description.
    pub description: Option<String>,
    /// Rating, -1 (rejected) to 5.
    pub rating: Option<i8>,
    /// Keywords.
    pub labels: Vec<String>,
    /// Embedded JPEG pictures, largest first; for raw files the way to look at them.
    pub previews: Vec<Preview>,
    /// Every date found, in the order found.
    pub stamps: Vec<Stamp>,
    /// Dates that are no dates (`0000:00:00 00:00:00`, month 13).
    pub refused: Vec<Refused>,
    /// What was damaged or impossible, for people.
    pub warnings: Vec<String>,
}

impl Metadata {
    /// Nothing known but the format.
    #[must_use]
    pub fn new(format: Format) -> Self {
        Self {
            format,
            width: None,
            height: None,
            orientation: None,
            duration: None,
            camera: Camera::default(),
            exposure: Exposure::default(),
            gps: None,
            content_identifier: None,
            burst_id: None,
            motion_photo: false,
            comment: None,
            description: None,
            rating: None,
            labels: Vec::new(),
            previews: Vec::new(),
            stamps: Vec::new(),
            refused: Vec::new(),
            warnings: Vec::new(),
        }
    }
}

/// A camera, phone or scanner, as it names itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Camera {
    /// Maker: `Apple`, `Canon`.
    pub make: Option<String>,
    /// Model: `iPhone 12`, `Canon EOS 70D`.
    pub model: Option<String>,
    /// Lens.
    pub lens: Option<String>,
    /// Serial number of the body.
    pub serial: Option<String>,
    /// Program or firmware that wrote the file.
    pub software: Option<String>,
}

impl Camera {
    /// Maker and model as one name, the maker only where the model does not start with it.
    #[must_use]
    pub fn name(&self) -> Option<String> {
        match (self.make.as_deref(), self.model.as_deref()) {
            (Some(make), Some(model)) => {
                let brand = make.split_whitespace().next().unwrap_or(make);
                let named = model.to_lowercase().starts_with(&brand.to_lowercase());
                Some(if named { model.to_owned() } else { format!("{make} {model}") })
            }
            (make, model) => model.or(make).map(ToOwned::to_owned),
        }
    }
}

/// Exposure.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Exposure {
    /// Exposure time in seconds.
    pub seconds: Option<f64>,
    /// f-number.
    pub aperture: Option<f64>,
    /// ISO speed.
    pub iso: Option<u32>,
    /// Focal length in millimetres.
    pub focal_length: Option<f64>,
    /// Whether the flash fired.
    pub flash: Option<bool>,
}

/// A position on Earth (WGS 84).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gps {
    /// Degrees, north positive.
    pub latitude: f64,
    /// Degrees, east positive.
    pub longitude: f64,
    /// Metres above sea level.
    pub altitude: Option<f64>,
}

/// A JPEG picture inside the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preview {
    /// First byte, counted from the start of the file.
    pub offset: u64,
    /// Length in bytes.
    pub length: u64,
}
