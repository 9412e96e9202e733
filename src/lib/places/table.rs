//! The table of cities: its file and the search in it.
//!
//! | bytes | content |
//! |---|---|
//! | 8 | `HWPLACE1` |
//! | 4 × 5 | number of cities, countries, regions, zones; bytes of text |
//! | 24 each | cities: latitude and longitude in 1/100,000 degree (i32), name (u32, offset in the text), inhabitants (u32), country, region, zone (u16, index; region 65535: none), 2 free |
//! | 8 each | countries: code (offset), name (offset) |
//! | 4 each | regions, zones: offset |
//! | … | text: each a length (u8) and that many bytes of UTF-8 |
//!
//! Numbers are little-endian. The cities' order is a k-d tree: the middle of a range splits it
//! along x, y or z of the unit sphere, in turn.

use std::fs;
use std::path::Path;

use crate::Error;
use crate::sphere::{self, Point};

/// What the file starts with.
pub const MAGIC: &[u8; 8] = b"HWPLACE1";

pub(crate) const HEADER: usize = 28;
pub(crate) const CITY: usize = 24;
/// The index of no region.
pub(crate) const NONE: u16 = u16::MAX;

/// A table of cities, searched by coordinate.
#[derive(Debug)]
pub struct Places {
    bytes: Vec<u8>,
    cities: usize,
    countries: usize,
    regions: usize,
    zones: usize,
}

/// The place of a coordinate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place<'a> {
    /// City, town or village: the largest of the region that reaches so far, else the nearest.
    pub city: &'a str,
    /// The nearest part or suburb of the city; empty where the city itself is the nearest.
    pub district: &'a str,
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

/// Inhabitants per square kilometre by which the reach of a city is estimated.
const DENSITY: f64 = 8000.0;
/// No city reaches farther than this, in kilometres.
const REACH: f64 = 30.0;

/// How far a city of so many inhabitants reaches, in kilometres, were it round.
fn reach(population: u32) -> f64 {
    (f64::from(population) / DENSITY / std::f64::consts::PI).sqrt().min(REACH)
}

/// The nearest city so far.
struct Best {
    city: usize,
    chord: f64,
}

impl Places {
    /// Reads the table that [`convert`](crate::convert) wrote.
    ///
    /// # Errors
    /// [`Error`] when the file cannot be read or is damaged.
    pub fn open(path: &Path) -> Result<Self, Error> {
        Self::from_bytes(fs::read(path)?)
    }

    /// The table in these bytes.
    ///
    /// # Errors
    /// [`Error::Format`] when they are none: every index and text is checked here.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, Error> {
        let wrong = |what: &str| Error::Format(what.to_owned());
        if bytes.len() < HEADER || &bytes[..8] != MAGIC {
            return Err(wrong("it does not start as one"));
        }
        let count = |at: usize| u32_at(&bytes, at) as usize;
        let (cities, countries, regions, zones) = (count(8), count(12), count(16), count(20));
        let lengths = [cities.checked_mul(CITY), countries.checked_mul(8)];
        let more = [regions.checked_mul(4), zones.checked_mul(4), Some(count(24))];
        let total = lengths.into_iter().chain(more).try_fold(HEADER, |sum, l| sum.checked_add(l?));
        if total != Some(bytes.len()) {
            return Err(wrong("its length is not what it says"));
        }
        let places = Self { bytes, cities, countries, regions, zones };
        if places.is_sound() { Ok(places) } else { Err(wrong("an index or text is damaged")) }
    }

    fn is_sound(&self) -> bool {
        let city = |city: usize| {
            let [country, region, zone] = self.indices(city);
            let known = country < self.countries
                && (region == usize::from(NONE) || region < self.regions)
                && zone < self.zones;
            known && self.checked_text(self.city(city, 8)).is_some()
        };
        let text = |at: usize| self.checked_text(u32_at(&self.bytes, at)).is_some();
        let tables = self.countries_at()..self.text_at();
        (0..self.cities).all(city) && tables.step_by(4).all(text)
    }

    /// How many cities there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.cities
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.cities == 0
    }

    /// The city of a coordinate; `None` for coordinates beyond the globe or farther than `within`
    /// kilometres from any city.
    ///
    /// Near the middle of Rome the nearest place that GeoNames knows is one of its quarters: the
    /// city is then the largest place of the same region that reaches the coordinate, were it
    /// round and as dense as cities are, and the quarter is its district.
    #[must_use]
    pub fn nearest(&self, latitude: f64, longitude: f64, within: f64) -> Option<Place<'_>> {
        if !(latitude.abs() <= 90.0 && longitude.abs() <= 180.0) {
            return None;
        }
        let mut best = Best { city: usize::MAX, chord: f64::INFINITY };
        self.search(sphere::point(latitude, longitude), 0, self.cities, 0, &mut best);
        if best.city >= self.cities || sphere::kilometres(best.chord) > within {
            return None;
        }
        let wanted = sphere::point(latitude, longitude);
        let mut largest = best.city;
        self.largest(wanted, 0, self.cities, 0, best.city, &mut largest);
        let distance = sphere::kilometres(sphere::chord(wanted, self.point(largest)));
        let mut place = self.place(largest, distance);
        if largest != best.city {
            place.district = self.checked_text(self.city(best.city, 8)).unwrap_or_default();
        }
        Some(place)
    }

    /// Searches the largest city that reaches `wanted` and is of the region of `nearest`.
    fn largest(
        &self,
        wanted: Point,
        start: usize,
        end: usize,
        axis: usize,
        nearest: usize,
        largest: &mut usize,
    ) {
        if start >= end {
            return;
        }
        let middle = start + (end - start) / 2;
        let here = self.point(middle);
        let population = self.city(middle, 12);
        let distance = sphere::kilometres(sphere::chord(wanted, here));
        if population > self.city(*largest, 12)
            && distance <= reach(population)
            && self.indices(middle)[..2] == self.indices(nearest)[..2]
        {
            *largest = middle;
        }
        let side = wanted[axis] - here[axis];
        let next = (axis + 1) % 3;
        // The straight distance is the shorter one: a little more is searched than needed.
        let near = side.abs() <= sphere::of_kilometres(REACH);
        if side < 0.0 || near {
            self.largest(wanted, start, middle, next, nearest, largest);
        }
        if side >= 0.0 || near {
            self.largest(wanted, middle + 1, end, next, nearest, largest);
        }
    }

    /// Searches the cities from `start` to `end`, of which the middle one splits along `axis`.
    fn search(&self, wanted: Point, start: usize, end: usize, axis: usize, best: &mut Best) {
        if start >= end {
            return;
        }
        let middle = start + (end - start) / 2;
        let here = self.point(middle);
        let chord = sphere::chord(wanted, here);
        if chord < best.chord {
            *best = Best { city: middle, chord };
        }
        let side = wanted[axis] - here[axis];
        let next = (axis + 1) % 3;
        let halves = [(start, middle), (middle + 1, end)];
        let (near, far) = if side < 0.0 { (halves[0], halves[1]) } else { (halves[1], halves[0]) };
        self.search(wanted, near.0, near.1, next, best);
        if side * side < best.chord {
            self.search(wanted, far.0, far.1, next, best);
        }
    }

    fn city(&self, city: usize, at: usize) -> u32 {
        u32_at(&self.bytes, HEADER + city * CITY + at)
    }

    fn point(&self, city: usize) -> Point {
        let degrees = |at| f64::from(self.city(city, at).cast_signed()) / 1e5;
        sphere::point(degrees(0), degrees(4))
    }

    /// Country, region and zone of a city.
    fn indices(&self, city: usize) -> [usize; 3] {
        let at = HEADER + city * CITY + 16;
        let index = |at: usize| u16::from_le_bytes([self.bytes[at], self.bytes[at + 1]]).into();
        [index(at), index(at + 2), index(at + 4)]
    }

    fn countries_at(&self) -> usize {
        HEADER + self.cities * CITY
    }

    fn text_at(&self) -> usize {
        self.countries_at() + self.countries * 8 + (self.regions + self.zones) * 4
    }

    fn checked_text(&self, offset: u32) -> Option<&str> {
        let at = self.text_at().checked_add(offset as usize)?;
        let length = usize::from(*self.bytes.get(at)?);
        std::str::from_utf8(self.bytes.get(at + 1..at + 1 + length)?).ok()
    }

    fn text(&self, at: usize) -> &str {
        self.checked_text(u32_at(&self.bytes, at)).unwrap_or_default()
    }

    fn place(&self, city: usize, distance: f64) -> Place<'_> {
        let [country, region, zone] = self.indices(city);
        let countries = self.countries_at();
        let regions = countries + self.countries * 8;
        let zones = regions + self.regions * 4;
        Place {
            city: self.checked_text(self.city(city, 8)).unwrap_or_default(),
            district: "",
            region: if region < self.regions { self.text(regions + region * 4) } else { "" },
            country_code: self.text(countries + country * 8),
            country: self.text(countries + country * 8 + 4),
            zone: self.text(zones + zone * 4),
            population: self.city(city, 12),
            distance,
        }
    }
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}
