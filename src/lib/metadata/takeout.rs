//! Google Takeout's JSON beside each picture.

use jiff::Timestamp;
use jiff::tz::Offset;
use serde_json::Value;

use crate::camera::Gps;
use crate::error::SidecarError;
use crate::read::checked_position;
use crate::source::Source;
use crate::stamp::{Clock, Precision, Stamp};

/// The largest description that is read.
const MAX: usize = 4 << 20;

/// What Google Takeout tells of a picture.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Takeout {
    /// `photoTakenTime`, in UTC.
    pub stamp: Option<Stamp>,
    /// The picture's full name, which the file's own may have lost.
    pub title: Option<String>,
    /// Position: what a person set (`geoData`), else the camera's; 0, 0 is none.
    pub gps: Option<Gps>,
    /// Caption.
    pub description: Option<String>,
    /// Names of people on it.
    pub people: Vec<String>,
}

impl Takeout {
    /// Reads the JSON.
    ///
    /// # Errors
    /// [`SidecarError`] when it is no description of a picture, as that of an album is none.
    pub fn parse(text: &[u8]) -> Result<Self, SidecarError> {
        if text.len() > MAX {
            return Err(SidecarError::TooLarge(MAX));
        }
        let value: Value =
            serde_json::from_slice(text).map_err(|e| SidecarError::Takeout(e.to_string()))?;
        let Some(time) = value.get("photoTakenTime") else {
            return Err(SidecarError::Takeout("it has no photoTakenTime".into()));
        };
        let own = |key: &str| {
            let text = value.get(key).and_then(Value::as_str).unwrap_or_default();
            (!text.is_empty()).then(|| text.to_owned())
        };
        let people = value.get("people").and_then(Value::as_array).into_iter().flatten();
        let names = people.filter_map(|p| p.get("name")?.as_str().map(ToOwned::to_owned));
        Ok(Self {
            stamp: stamp(time),
            title: own("title"),
            gps: position(&value, "geoData").or_else(|| position(&value, "geoDataExif")),
            description: own("description"),
            people: names.collect(),
        })
    }
}

fn stamp(time: &Value) -> Option<Stamp> {
    let seconds = match time.get("timestamp")? {
        Value::String(text) => text.parse().ok()?,
        Value::Number(number) => number.as_i64()?,
        _ => return None,
    };
    let time = Offset::UTC.to_datetime(Timestamp::from_second(seconds).ok()?);
    let (clock, precision) = (Clock::Utc, Precision::Second);
    Some(Stamp { source: Source::Takeout, time, clock, precision })
}

fn position(value: &Value, key: &str) -> Option<Gps> {
    let data = value.get(key)?;
    let number = |key: &str| data.get(key).and_then(Value::as_f64);
    let altitude = number("altitude").filter(|metres| *metres != 0.0);
    checked_position(number("latitude")?, number("longitude")?, altitude).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_gives_the_date_in_utc_the_place_and_the_people() {
        let text = br#"{"title": "IMG_1.jpg", "description": "",
            "creationTime": {"timestamp": "1600000000"},
            "photoTakenTime": {"timestamp": "1563712205", "formatted": "21.07.2019, 12:30:05 UTC"},
            "geoData": {"latitude": 0.0, "longitude": 0.0, "altitude": 0.0},
            "geoDataExif": {"latitude": 41.9, "longitude": 12.5, "altitude": 21.0},
            "people": [{"name": "Anna"}]}"#;
        let takeout = Takeout::parse(text).expect("a description");
        let stamp = takeout.stamp.expect("a date");
        assert_eq!(stamp.time.to_string(), "2019-07-21T12:30:05");
        assert_eq!(stamp.clock, Clock::Utc);
        let gps = takeout.gps.expect("a position");
        assert_eq!((gps.latitude, gps.altitude), (41.9, Some(21.0)));
        assert_eq!((takeout.title.as_deref(), takeout.description), (Some("IMG_1.jpg"), None));
        assert_eq!(takeout.people, ["Anna"]);
    }

    #[test]
    fn what_describes_no_picture_is_an_error() {
        for text in [&b"{"[..], b"[]", br#"{"title": "Album"}"#, b""] {
            assert!(Takeout::parse(text).is_err(), "{}", String::from_utf8_lossy(text));
        }
        let odd = Takeout::parse(br#"{"photoTakenTime": {"timestamp": "soon"}}"#);
        assert_eq!(odd.expect("a description").stamp, None);
    }
}
