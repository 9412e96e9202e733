//! A page to look a plan through: one file, with everything in it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Read as _, Write};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use records::{Code, Failure};

use crate::destination::{Decision, Fate};
use crate::gather::folder_of;
use crate::item::All;
use crate::thumbnails::Thumbnails;

/// How a page begins that this program wrote, and may therefore write anew.
const MARK: &str = "<!doctype html>\n<!-- contact sheet of sortphotos -->\n";

/// A page that will be written.
pub(crate) struct Sheet {
    path: PathBuf,
}

impl Sheet {
    /// A page at `path`: nothing is there, or an older page.
    pub(crate) fn new(path: &Path) -> Result<Self, cli::Error> {
        if std::fs::symlink_metadata(path).is_ok() && !is_page(path) {
            let message = format!("{} is there already, and is no contact sheet", path.display());
            return Err(cli::Error::setup(message));
        }
        Ok(Self { path: path.to_owned() })
    }

    /// Writes it.
    pub(crate) fn write(
        &self,
        all: &All,
        decisions: &[Decision],
        thumbnails: Option<&Thumbnails>,
    ) -> Result<(), Failure> {
        let failed =
            |e: io::Error| Failure::new(Code::Unreadable, format!("{}: {e}", self.path.display()));
        let page = Page { all, decisions, thumbnails };
        let mut file = tempfile::NamedTempFile::new_in(folder_of(&self.path)).map_err(failed)?;
        let mut out = BufWriter::new(file.as_file_mut());
        page.write(&mut out).and_then(|()| out.flush()).map_err(failed)?;
        drop(out);
        let readable = std::os::unix::fs::PermissionsExt::from_mode(0o644);
        file.as_file().set_permissions(readable).map_err(failed)?;
        let written = if is_page(&self.path) {
            file.persist(&self.path)
        } else {
            file.persist_noclobber(&self.path)
        };
        written.map(drop).map_err(|e| failed(e.error))
    }
}

fn is_page(path: &Path) -> bool {
    let mut start = vec![0; MARK.len()];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut start));
    read.is_ok() && start == MARK.as_bytes()
}

struct Page<'a> {
    all: &'a All,
    decisions: &'a [Decision],
    thumbnails: Option<&'a Thumbnails>,
}

/// Where a unit is shown.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Section {
    Folder(PathBuf),
    Stays,
    Repeats,
    Left,
}

impl Page<'_> {
    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut sections: BTreeMap<Section, Vec<usize>> = BTreeMap::new();
        for (unit, decision) in self.decisions.iter().enumerate() {
            sections.entry(section(decision)).or_default().push(unit);
        }
        for units in sections.values_mut() {
            units.sort_by_key(|unit| (&self.decisions[*unit].main, *unit));
        }
        write!(
            out,
            "{MARK}<html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" \
             content=\"width=device-width\"><meta http-equiv=\"Content-Security-Policy\" \
             content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">\
             <title>Contact sheet</title><style>{}</style>\n<h1>{} files in {} folders</h1>\n",
            include_str!("sheet.css"),
            self.all.items.iter().filter(|item| item.place.is_some()).count(),
            sections.keys().filter(|s| matches!(s, Section::Folder(_))).count(),
        )?;
        for (section, units) in &sections {
            let title = match section {
                Section::Folder(folder) => folder.to_string_lossy(),
                Section::Stays => "In their places already".into(),
                Section::Repeats => "Duplicates, left where they are".into(),
                Section::Left => "Left where they are".into(),
            };
            let title = escaped(&title);
            writeln!(out, "<h2>{title} ({})</h2>\n<div class=\"grid\">", units.len())?;
            for unit in units {
                self.card(*unit, out)?;
            }
            writeln!(out, "</div>")?;
        }
        writeln!(out, "</html>")
    }

    fn card(&self, unit: usize, out: &mut dyn Write) -> io::Result<()> {
        let item = self.all.main(unit);
        let decision = &self.decisions[unit];
        let photo = &item.photo;
        let class = match &photo.burst {
            Some(burst) if burst.is_best => "burst best",
            Some(_) => "burst",
            None => "",
        };
        write!(out, "<article class=\"{class}\">")?;
        match item.thumbnail.zip(self.thumbnails) {
            Some((number, thumbnails)) => {
                let bytes = STANDARD.encode(thumbnails.get(number)?);
                write!(
                    out,
                    "<img loading=\"lazy\" alt=\"\" src=\"data:image/jpeg;base64,{bytes}\">"
                )?;
            }
            None => {
                let kind = photo.kind.unwrap_or("no preview");
                write!(out, "<div class=\"none\">{}</div>", escaped(kind))?;
            }
        }
        let name =
            |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let new = match decision.fates.first() {
            Some(Fate::Goes(to)) => name(to),
            _ => name(&item.path),
        };
        write!(out, "<b>{}</b>", escaped(&new))?;
        write!(out, "<small>{}</small>", escaped(&item.path.to_string_lossy()))?;
        for line in self.lines(unit) {
            write!(out, "<small>{}</small>", escaped(&line))?;
        }
        let warnings = photo.warnings.iter().cloned();
        let conflicts = photo.conflicts.iter().map(|c| format!("{} {}: {}", c.from, c.date, c.why));
        for warning in conflicts.chain(warnings) {
            write!(out, "<small class=\"warn\">{}</small>", escaped(&warning))?;
        }
        writeln!(out, "</article>")
    }

    /// Reasons, in the order in which people ask for them.
    fn lines(&self, unit: usize) -> Vec<String> {
        let photo = &self.all.main(unit).photo;
        let decision = &self.decisions[unit];
        let mut lines = vec![decision.why.clone()];
        if let Some(Fate::Repeats(of)) = decision.fates.first() {
            lines.push(format!("the same as {}", of.display()));
        }
        if let (Some(why), Some(sure)) = (&photo.why, photo.confidence) {
            lines.push(format!("{why} ({:.0} % sure)", sure * 100.0));
        }
        if let Some(burst) = &photo.burst {
            let what = if burst.is_best { "best" } else { "one" };
            lines.push(format!("{what} of a burst of {}: {}", burst.of, burst.why));
        }
        if let Some(kind @ ("screenshot" | "document")) = photo.kind {
            lines.push(format!("{kind}: {}", photo.kind_why.join(", ")));
        }
        let others = self.all.units[unit].members.iter().skip(1);
        let others: Vec<&str> = others.map(|member| member.part.name()).collect();
        if !others.is_empty() {
            lines.push(format!("with {}", others.join(", ")));
        }
        lines
    }
}

fn section(decision: &Decision) -> Section {
    match decision.fates.first() {
        Some(Fate::Goes(to)) => Section::Folder(folder_of(to).to_owned()),
        Some(Fate::Stays) => Section::Stays,
        Some(Fate::Repeats(_)) => Section::Repeats,
        Some(Fate::Left) | None => Section::Left,
    }
}

/// Text as it can stand in a page, whoever wrote it.
fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(|c: char| c.is_control() || "&<>\"'".contains(c)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn no_name_becomes_markup() {
        let odd = "<img src=x onerror='a()'>&\"\n";
        assert_eq!(escaped(odd), "&lt;img src=x onerror=&#39;a()&#39;&gt;&amp;&quot;\u{fffd}");
        assert_eq!(escaped("plain é"), "plain é");
    }
}
