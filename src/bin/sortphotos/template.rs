//! Where a file goes, as the user wrote it: `{year}/{month:02}-{place}/{taken:%Y%m%d}{ext}`.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::str::FromStr;

use jiff::fmt::strtime::BrokenDownTime;
use metadata::{Precision, Taken};

use crate::names;

/// What a template can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
    Taken,
    Place,
    Region,
    Country,
    CountryCode,
    Camera,
    Make,
    Model,
    Kind,
    Apart,
    Spare,
    Name,
    Folder,
}

/// Every field with its name, in the order of the documentation.
const FIELDS: [(&str, Field); 20] = [
    ("year", Field::Year),
    ("month", Field::Month),
    ("day", Field::Day),
    ("hour", Field::Hour),
    ("minute", Field::Minute),
    ("second", Field::Second),
    ("taken", Field::Taken),
    ("place", Field::Place),
    ("city", Field::Place),
    ("region", Field::Region),
    ("country", Field::Country),
    ("country_code", Field::CountryCode),
    ("camera", Field::Camera),
    ("make", Field::Make),
    ("model", Field::Model),
    ("kind", Field::Kind),
    ("apart", Field::Apart),
    ("spare", Field::Spare),
    ("name", Field::Name),
    ("folder", Field::Folder),
];

impl Field {
    fn is_date(self) -> bool {
        matches!(
            self,
            Self::Year
                | Self::Month
                | Self::Day
                | Self::Hour
                | Self::Minute
                | Self::Second
                | Self::Taken
        )
    }
}

/// What is known of a file, for the fields that are not dates.
pub(crate) trait Values {
    /// When it was taken.
    fn taken(&self) -> Option<&Taken>;
    /// The value of a field that is no date.
    fn text(&self, field: Field) -> Option<String>;
}

/// A part of a name.
#[derive(Clone, Debug, PartialEq)]
enum Piece {
    Text(String),
    /// The first of the choices that is known; with none known nothing is written.
    Choice(Vec<Choice>),
}

/// One way to fill a placeholder.
#[derive(Clone, Debug, PartialEq)]
enum Choice {
    Field(Field, Format),
    Text(String),
}

/// How a value is written.
#[derive(Clone, Debug, Default, PartialEq)]
struct Format {
    /// Digits, at least.
    width: usize,
    /// Filled up with zeros rather than spaces.
    zeros: bool,
    /// For `taken`.
    time: String,
}

/// A template that was understood.
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    /// The folders before the first one with a placeholder, as they were written.
    root: PathBuf,
    /// Folders and, last, the name.
    segments: Vec<Vec<Piece>>,
}

/// Why there is no place for a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Undated(pub(crate) &'static str);

/// A place below the root: folders, and the name without its extension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rendered {
    pub(crate) folders: Vec<String>,
    pub(crate) stem: String,
}

impl Template {
    /// The folder that everything goes below.
    pub(crate) fn root(&self) -> &std::path::Path {
        &self.root
    }

    /// Whether a field is named anywhere.
    pub(crate) fn names(&self, field: Field) -> bool {
        self.segments.iter().flatten().any(|piece| match piece {
            Piece::Text(_) => false,
            Piece::Choice(choices) => {
                choices.iter().any(|choice| matches!(choice, Choice::Field(f, _) if *f == field))
            }
        })
    }

    /// The place of a file. Values that are not known leave nothing, nor the separators around
    /// them; folders of which nothing is left are left out.
    pub(crate) fn render(&self, values: &dyn Values) -> Result<Rendered, Undated> {
        let mut rendered = Vec::with_capacity(self.segments.len());
        for segment in &self.segments {
            rendered.push(render(segment, values)?);
        }
        let stem = rendered.pop().flatten();
        // A name of which nothing is left: the old one is better than none.
        let stem = stem.or_else(|| names::component(&values.text(Field::Name)?));
        let folders = rendered.into_iter().flatten().collect();
        Ok(Rendered { folders, stem: stem.unwrap_or_else(|| "unnamed".to_owned()) })
    }
}

fn render(segment: &[Piece], values: &dyn Values) -> Result<Option<String>, Undated> {
    let mut out = String::new();
    // Where the last value that is missing would stand: separators around it are dropped.
    let mut gap = false;
    for piece in segment {
        match piece {
            Piece::Text(text) if gap && out.is_empty() => {
                out.push_str(text.trim_start_matches(names::is_separator));
            }
            Piece::Text(text) => out.push_str(text),
            Piece::Choice(choices) => match choose(choices, values)? {
                Some(value) => {
                    out.push_str(&value);
                    gap = false;
                }
                None => {
                    out.truncate(out.trim_end_matches(names::is_separator).len());
                    gap = true;
                }
            },
        }
    }
    Ok(names::component(&out))
}

fn choose(choices: &[Choice], values: &dyn Values) -> Result<Option<String>, Undated> {
    for choice in choices {
        let value = match choice {
            Choice::Text(text) => Some(text.clone()),
            Choice::Field(field, format) if field.is_date() => {
                values.taken().and_then(|taken| date(*field, format, taken))
            }
            Choice::Field(field, _) => {
                values.text(*field).map(|v| names::value(&v)).filter(|v| !v.is_empty())
            }
        };
        if value.is_some() {
            return Ok(value);
        }
    }
    let needs_date = choices.iter().all(|c| matches!(c, Choice::Field(f, _) if f.is_date()));
    if needs_date && values.taken().is_none() {
        return Err(Undated("no date is known; a fallback, as {year|undated}, would place it"));
    }
    Ok(None)
}

fn date(field: Field, format: &Format, taken: &Taken) -> Option<String> {
    let time = taken.local;
    let (number, needs) = match field {
        Field::Year => (i64::from(time.year()), Precision::Year),
        Field::Month => (time.month().into(), Precision::Month),
        Field::Day => (time.day().into(), Precision::Day),
        Field::Hour => (time.hour().into(), Precision::Minute),
        Field::Minute => (time.minute().into(), Precision::Minute),
        Field::Second => (time.second().into(), Precision::Second),
        _ => return clock(&format.time, taken),
    };
    let Format { width, zeros, .. } = *format;
    (taken.precision >= needs).then(|| {
        let width = if field == Field::Year { width.max(4) } else { width };
        if zeros || field == Field::Year {
            format!("{number:0width$}")
        } else {
            format!("{number:width$}").trim_start().to_owned()
        }
    })
}

/// How much of a date a directive of `strftime` needs; none for one that is not known here.
fn needs(directive: char) -> Option<Precision> {
    Some(match directive {
        'Y' | 'y' | 'C' | 'G' => Precision::Year,
        'm' | 'B' | 'b' | 'h' => Precision::Month,
        'd' | 'e' | 'j' | 'F' | 'a' | 'A' | 'u' | 'w' | 'U' | 'W' | 'V' => Precision::Day,
        'H' | 'I' | 'M' | 'p' | 'P' | 'R' | 'z' => Precision::Minute,
        'S' | 'T' | 's' => Precision::Second,
        'f' | 'N' => Precision::Second,
        _ => return None,
    })
}

/// The text before a directive of `strftime`, the directive, and its letter.
type Directive = (String, String, char);

/// The directives of a format, and the text behind the last one.
fn directives(format: &str) -> Result<(Vec<Directive>, String), String> {
    let mut found = Vec::new();
    let mut text = String::new();
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            text.push(c);
            continue;
        }
        let mut directive = String::from("%");
        let name = loop {
            let Some(c) = chars.next() else { return Err("% stands at the end".into()) };
            directive.push(c);
            if !(c.is_ascii_digit() || "-_0^#.".contains(c)) {
                break c;
            }
        };
        if name == '%' {
            text.push('%');
        } else if needs(name).is_none() {
            return Err(format!("{directive} is no part of a date"));
        } else {
            found.push((std::mem::take(&mut text), directive, name));
        }
    }
    Ok((found, text))
}

/// A date by a format; parts finer than what is known are left out with what stands before them.
fn clock(format: &str, taken: &Taken) -> Option<String> {
    let mut time = BrokenDownTime::from(taken.local);
    time.set_offset(taken.offset);
    if let Some(instant) = taken.instant() {
        time = BrokenDownTime::from(&instant.to_zoned(jiff::tz::TimeZone::fixed(taken.offset?)));
    }
    let (parts, rest) = directives(format).ok()?;
    let mut out = String::new();
    let mut whole = true;
    for (before, directive, name) in &parts {
        let known = needs(*name).is_some_and(|needs| taken.precision >= needs);
        match time.to_string(directive).ok().filter(|_| known) {
            Some(value) => {
                let _ = write!(out, "{before}{value}");
            }
            None => whole = false,
        }
    }
    if whole {
        out.push_str(&rest);
    }
    let out = names::value(&out);
    (!out.is_empty()).then_some(out)
}

impl FromStr for Template {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.strip_suffix("{ext}").unwrap_or(text);
        if text.contains("{ext}") {
            return Err("{ext} can only stand at the end".into());
        }
        let mut segments: Vec<Vec<Piece>> = vec![Vec::new()];
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            if let Some(after) = rest.strip_prefix("{{").or_else(|| rest.strip_prefix("}}")) {
                literal(&mut segments, if c == '{' { "{" } else { "}" });
                rest = after;
            } else if c == '{' {
                let (inside, after) =
                    rest[1..].split_once('}').ok_or("a { without its }; {{ is a { itself")?;
                let choices = inside.split('|').enumerate().map(|(n, c)| choice(c, n == 0));
                let piece = Piece::Choice(choices.collect::<Result<_, _>>()?);
                segments.last_mut().ok_or("nothing")?.push(piece);
                rest = after;
            } else if c == '}' {
                return Err("a } without its {; }} is a } itself".into());
            } else {
                if c == '/' {
                    segments.push(Vec::new());
                } else {
                    literal(&mut segments, &rest[..c.len_utf8()]);
                }
                rest = &rest[c.len_utf8()..];
            }
        }
        divide(segments)
    }
}

/// Takes the folders without placeholders off the front.
fn divide(mut segments: Vec<Vec<Piece>>) -> Result<Template, String> {
    let fixed = segments.iter().take(segments.len() - 1);
    let fixed = fixed.take_while(|s| s.iter().all(|p| matches!(p, Piece::Text(_)))).count();
    let mut root = String::new();
    for segment in segments.drain(..fixed) {
        for piece in segment {
            if let Piece::Text(text) = piece {
                root.push_str(&text);
            }
        }
        root.push('/');
    }
    for segment in &segments {
        if let [Piece::Text(text)] = segment.as_slice()
            && (text == ".." || text == ".")
        {
            return Err(format!("{text:?} cannot stand behind a placeholder"));
        }
    }
    if segments.last().is_none_or(Vec::is_empty) {
        return Err("it ends in a folder: the name of the file is missing".into());
    }
    segments.retain(|s| !s.is_empty());
    Ok(Template { root: root.into(), segments })
}

fn literal(segments: &mut [Vec<Piece>], text: &str) {
    let Some(segment) = segments.last_mut() else { return };
    match segment.last_mut() {
        Some(Piece::Text(before)) => before.push_str(text),
        _ => segment.push(Piece::Text(text.to_owned())),
    }
}

fn choice(text: &str, first: bool) -> Result<Choice, String> {
    let (name, format) = text.split_once(':').unwrap_or((text, ""));
    let Some((_, field)) = FIELDS.iter().find(|(known, _)| *known == name) else {
        if first {
            let known: Vec<&str> = FIELDS.iter().map(|(name, _)| *name).collect();
            return Err(format!("{{{name}}} is none of {}, ext", known.join(", ")));
        }
        return Ok(Choice::Text(names::value(text)));
    };
    let mut parsed = Format::default();
    match field {
        Field::Taken => {
            let format = if format.is_empty() { "%Y%m%d-%H%M%S" } else { format };
            directives(format).map_err(|e| format!("{{{text}}}: {e}"))?;
            format.clone_into(&mut parsed.time);
        }
        _ if format.is_empty() => {}
        field if field.is_date() => {
            parsed.zeros = format.starts_with('0');
            let width = format.parse().ok().filter(|width| *width <= 9);
            parsed.width = width.ok_or_else(|| format!("{{{text}}}: a width such as 02"))?;
        }
        _ => return Err(format!("{{{text}}}: only dates have a format")),
    }
    Ok(Choice::Field(*field, parsed))
}

#[cfg(test)]
#[path = "template_tests.rs"]
mod tests;
