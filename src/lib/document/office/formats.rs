//! Formats of numbers in a workbook (ECMA-376 part 1, 18.8.30): which are dates.

use std::collections::HashMap;

use jiff::ToSpan as _;
use jiff::civil::{DateTime, date};

use super::xml::{Event, Xml};
use crate::error::ExtractError;
use crate::limits::Budget;

/// What a format makes of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Number,
    Percent,
    Date,
    Time,
    DateTime,
}

/// The formats of a workbook's cell styles.
#[derive(Debug, Default)]
pub(crate) struct Formats {
    styles: Vec<Kind>,
    /// Days are counted from 1904, as they once were on the Macintosh.
    pub(crate) since_1904: bool,
}

impl Formats {
    /// A number as the cell style of this index shows it, nearly.
    pub(crate) fn number(&self, value: &str, style: usize) -> String {
        let Ok(number) = value.trim().parse::<f64>() else { return value.trim().to_owned() };
        let kind = self.styles.get(style).copied().unwrap_or(Kind::Number);
        let shown = match kind {
            Kind::Number => None,
            Kind::Percent => Some(format!("{}%", rounded(number * 100.0))),
            kind => self.moment(number).map(|moment| match kind {
                Kind::Date if moment.time() == jiff::civil::Time::midnight() => {
                    moment.date().to_string()
                }
                Kind::Time if number < 1.0 => moment.time().to_string(),
                _ => format!("{} {}", moment.date(), moment.time()),
            }),
        };
        shown.unwrap_or_else(|| rounded(number))
    }

    /// The moment that a count of days means; Excel's calendar has a 29 February 1900 as day 60.
    fn moment(&self, days: f64) -> Option<DateTime> {
        if !(0.0..2_958_466.0).contains(&days) {
            return None;
        }
        let start = match (self.since_1904, days < 60.0) {
            (true, _) => date(1904, 1, 1),
            (false, true) => date(1899, 12, 31),
            (false, false) => date(1899, 12, 30),
        };
        let seconds = (days.fract() * 86_400.0).round() as i64;
        let day = start.checked_add((days.trunc() as i64).days()).ok()?;
        day.to_datetime(jiff::civil::Time::midnight()).checked_add(seconds.seconds()).ok()
    }
}

/// A number with the 15 digits that count.
fn rounded(number: f64) -> String {
    let digits = format!("{number:.14e}");
    digits.parse::<f64>().map_or(digits, |number| number.to_string())
}

/// Reads the formats from the part with the styles.
pub(crate) fn formats(source: &str, budget: &Budget) -> Result<Formats, ExtractError> {
    let mut xml = Xml::new(source, budget);
    let mut own: HashMap<u32, Kind> = HashMap::new();
    let (mut formats, mut inside) = (Formats::default(), false);
    while let Some(event) = xml.next()? {
        match event {
            Event::Start(tag) => {
                let id = || tag.attribute("numFmtId").and_then(|id| id.parse::<u32>().ok());
                match tag.local() {
                    "numFmt" => {
                        if let (Some(id), Some(code)) = (id(), tag.attribute("formatCode")) {
                            own.insert(id, kind(&code));
                        }
                    }
                    "cellXfs" => inside = true,
                    "xf" if inside => {
                        let id = id().unwrap_or_default();
                        formats.styles.push(own.get(&id).copied().unwrap_or(built_in(id)));
                    }
                    _ => {}
                }
            }
            Event::End(tag) if tag.local() == "cellXfs" => inside = false,
            _ => {}
        }
    }
    Ok(formats)
}

/// Formats that files do not spell out.
fn built_in(id: u32) -> Kind {
    match id {
        9 | 10 => Kind::Percent,
        14..=17 | 27..=31 | 36 | 50..=54 | 57 | 58 => Kind::Date,
        18..=21 | 32..=35 | 45..=47 | 55 | 56 => Kind::Time,
        22 => Kind::DateTime,
        _ => Kind::Number,
    }
}

/// What a format's code makes of a number: its first section decides.
fn kind(code: &str) -> Kind {
    let (mut day, mut time, mut percent, mut month) = (false, false, false, false);
    let mut chars = code.chars();
    while let Some(char) = chars.next() {
        match char.to_ascii_lowercase() {
            ';' => break,
            '"' => drop(chars.by_ref().find(|c| *c == '"')),
            '\\' | '_' | '*' => drop(chars.next()),
            '[' => {
                let inside: String = chars.by_ref().take_while(|c| *c != ']').collect();
                // Elapsed time; colours, conditions and languages are no units.
                let units = inside.to_ascii_lowercase();
                time |= !units.is_empty() && units.chars().all(|c| "hms".contains(c));
            }
            'y' | 'd' => day = true,
            'h' | 's' => time = true,
            'm' => month = true,
            '%' => percent = true,
            'g' if code.eq_ignore_ascii_case("general") => return Kind::Number,
            _ => {}
        }
    }
    match (day || (month && !time), time) {
        (true, true) => Kind::DateTime,
        (true, false) => Kind::Date,
        (false, true) => Kind::Time,
        (false, false) if percent => Kind::Percent,
        (false, false) => Kind::Number,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_dates_are_told_from_numbers() {
        assert_eq!(kind("dd/mm/yyyy"), Kind::Date);
        assert_eq!(kind("[$-409]mmmm d, yyyy;@"), Kind::Date);
        assert_eq!(kind("h:mm AM/PM"), Kind::Time);
        assert_eq!(kind("[h]:mm:ss"), Kind::Time);
        assert_eq!(kind("yyyy-mm-dd hh:mm"), Kind::DateTime);
        assert_eq!(kind("#,##0.00\" days\""), Kind::Number);
        assert_eq!(kind("[Red]0.00"), Kind::Number);
        assert_eq!(kind("General"), Kind::Number);
        assert_eq!(kind("0.0%"), Kind::Percent);
    }

    #[test]
    fn numbers_are_shown_as_their_cells_say() {
        let formats = Formats {
            styles: vec![Kind::Number, Kind::Date, Kind::Time, Kind::DateTime, Kind::Percent],
            since_1904: false,
        };
        assert_eq!(formats.number("0.30000000000000004", 0), "0.3");
        assert_eq!(formats.number("1", 1), "1900-01-01");
        assert_eq!(formats.number("46347", 1), "2026-11-21");
        assert_eq!(formats.number("0.75", 2), "18:00:00");
        assert_eq!(formats.number("46347.5", 3), "2026-11-21 12:00:00");
        assert_eq!(formats.number("0.125", 4), "12.5%");
        assert_eq!(formats.number("1e300", 1), rounded(1e300));
        assert_eq!(formats.number("-5", 1), "-5");
        assert_eq!(formats.number("text", 9), "text");
    }
}
