//! The properties that an edit sets.

use super::{Edit, SidecarStyle};
use crate::camera::Gps;
use crate::read::xmp::{DC, EXIF, PHOTOSHOP, XMP};

const IPTC_CORE: &str = "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/";
const DIGIKAM: &str = "http://www.digikam.org/ns/1.0/";
const LIGHTROOM: &str = "http://ns.adobe.com/lightroom/1.0/";

/// What a property is set to.
pub(super) enum Value {
    /// A text.
    Text(String),
    /// Items that are added to those that are there; in order where `ordered`.
    Items { add: Vec<String>, ordered: bool },
}

/// A property, by its namespace, the usual prefix of that, and its name.
pub(super) struct Property {
    pub(super) namespace: &'static str,
    pub(super) prefix: &'static str,
    pub(super) name: &'static str,
    pub(super) value: Value,
}

/// The properties that an edit sets.
pub(super) fn of(edit: &Edit<'_>, style: SidecarStyle) -> Vec<Property> {
    let mut all = Vec::new();
    let mut text = |namespace, prefix, name, value: Option<String>| {
        if let Some(value) = value {
            all.push(Property { namespace, prefix, name, value: Value::Text(value) });
        }
    };
    let taken = edit.taken.map(crate::Taken::to_rfc3339);
    text(EXIF, "exif", "DateTimeOriginal", taken.clone());
    text(PHOTOSHOP, "photoshop", "DateCreated", taken.clone());
    text(XMP, "xmp", "CreateDate", taken);
    text(XMP, "xmp", "Rating", edit.rating.map(|r| r.clamp(-1, 5).to_string()));
    if let Some(Gps { latitude, longitude, altitude }) = edit.gps {
        text(EXIF, "exif", "GPSVersionID", Some("2.3.0.0".to_owned()));
        text(EXIF, "exif", "GPSLatitude", Some(angle(latitude, 'N', 'S')));
        text(EXIF, "exif", "GPSLongitude", Some(angle(longitude, 'E', 'W')));
        let metres = altitude.filter(|metres| metres.abs() < 1e6);
        let tenths = metres.map(|metres| format!("{:.0}/10", metres.abs() * 10.0));
        text(EXIF, "exif", "GPSAltitude", tenths);
        let below = metres.map(|metres| if metres < 0.0 { "1" } else { "0" }.to_owned());
        text(EXIF, "exif", "GPSAltitudeRef", below);
    }
    let own = |text: Option<&str>| text.map(ToOwned::to_owned);
    text(PHOTOSHOP, "photoshop", "City", own(edit.city));
    text(PHOTOSHOP, "photoshop", "State", own(edit.region));
    text(PHOTOSHOP, "photoshop", "Country", own(edit.country));
    text(IPTC_CORE, "Iptc4xmpCore", "CountryCode", own(edit.country_code));
    if !edit.labels.is_empty() {
        let (namespace, prefix, name, ordered) = match style {
            SidecarStyle::Digikam => (DIGIKAM, "digiKam", "TagsList", true),
            SidecarStyle::Lightroom => (LIGHTROOM, "lr", "hierarchicalSubject", false),
        };
        let add = edit.labels.to_vec();
        let value = Value::Items { add: add.clone(), ordered: false };
        all.push(Property { namespace: DC, prefix: "dc", name: "subject", value });
        all.push(Property { namespace, prefix, name, value: Value::Items { add, ordered } });
    }
    all
}

/// Degrees and minutes after XMP part 2: `52,31.200000N`.
fn angle(degrees: f64, positive: char, negative: char) -> String {
    let size = degrees.abs();
    let micro = (size * 60e6).round() as u64;
    let side = if degrees < 0.0 { negative } else { positive };
    format!(
        "{},{}.{:06}{side}",
        micro / 60_000_000,
        micro % 60_000_000 / 1_000_000,
        micro % 1_000_000
    )
}
