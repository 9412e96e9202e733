//! The ZIP file that an office document or a book is (ECMA-376 part 2, ODF part 3, OCF).

use std::io::{Cursor, Read};

use zip::ZipArchive;
use zip::result::ZipError;

use crate::error::ExtractError;
use crate::limits::Budget;
use crate::text;

/// Parts of one package may together expand to this many times what one of them may.
const PARTS: u64 = 8;

/// An open package.
pub(crate) struct Package<'a> {
    archive: ZipArchive<Cursor<&'a [u8]>>,
    /// Bytes that one part may expand to.
    limit: u64,
    /// Bytes that all that is still to be read may expand to.
    left: u64,
    /// A part was cut.
    pub(crate) truncated: bool,
}

impl<'a> Package<'a> {
    /// # Errors
    /// [`ExtractError::Corrupt`] when the directory cannot be read, [`ExtractError::TooLarge`] when
    /// it lists too much.
    pub(crate) fn open(bytes: &'a [u8], budget: &Budget) -> Result<Self, ExtractError> {
        let archive = ZipArchive::new(Cursor::new(bytes)).map_err(ExtractError::corrupt)?;
        let most = budget.limits.max_objects;
        if archive.len() > most {
            return Err(ExtractError::TooLarge { what: "members", limit: most as u64 });
        }
        let limit = budget.limits.max_stream as u64;
        Ok(Self { archive, limit, left: limit.saturating_mul(PARTS), truncated: false })
    }

    /// The content of a part, its end cut where it exceeds the limits; `None` when there is none.
    ///
    /// # Errors
    /// [`ExtractError::Corrupt`] and [`ExtractError::Encrypted`].
    pub(crate) fn part(&mut self, name: &str) -> Result<Option<Vec<u8>>, ExtractError> {
        let index = self.archive.index_for_name(name).or_else(|| {
            // Names of parts are the same in any case (ECMA-376 part 2, 6.2.2).
            let same = |n: &str| n.replace('\\', "/").eq_ignore_ascii_case(name);
            self.archive.file_names().position(|n| n.is_ok_and(|n| same(&n)))
        });
        let Some(index) = index else { return Ok(None) };
        let member = self.archive.by_index(index).map_err(damage)?;
        let room = self.limit.min(self.left);
        let mut bytes = Vec::new();
        let read = member.take(room.saturating_add(1)).read_to_end(&mut bytes);
        if bytes.len() as u64 > room {
            bytes.truncate(room as usize);
            self.truncated = true;
        }
        self.left -= bytes.len() as u64;
        match read {
            // What is damaged further down can still be read to there.
            Err(_) if !bytes.is_empty() => self.truncated = true,
            Err(error) => return Err(ExtractError::corrupt(error)),
            Ok(_) => {}
        }
        Ok(Some(bytes))
    }

    /// A part that is text, by its mark or in UTF-8.
    ///
    /// # Errors
    /// As [`Package::part`].
    pub(crate) fn text(&mut self, name: &str) -> Result<Option<String>, ExtractError> {
        let bytes = self.part(name)?;
        Ok(bytes.map(|bytes| text::decode(&bytes, Some(encoding_rs::UTF_8)).0.into_owned()))
    }

    /// A part that a document cannot be without.
    ///
    /// # Errors
    /// As [`Package::part`], and [`ExtractError::Corrupt`] when there is none.
    pub(crate) fn required(&mut self, name: &str) -> Result<String, ExtractError> {
        self.text(name)?.ok_or_else(|| ExtractError::corrupt(format_args!("it has no {name}")))
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.archive.index_for_name(name).is_some()
    }
}

/// Why a member cannot be read.
pub(crate) fn damage(error: ZipError) -> ExtractError {
    match error {
        ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) => ExtractError::Encrypted,
        error => ExtractError::corrupt(error),
    }
}

/// The part that `target` means, seen from the part `base`.
pub(crate) fn resolve(base: &str, target: &str) -> String {
    let target = target.split(['#', '?']).next().unwrap_or_default().replace('\\', "/");
    let folder = base.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut path: Vec<&str> =
        if target.starts_with('/') { Vec::new() } else { folder.split('/').collect() };
    for step in target.split('/') {
        match step {
            "" | "." => {}
            ".." => drop(path.pop()),
            step => path.push(step),
        }
    }
    path.retain(|step| !step.is_empty());
    path.join("/")
}

#[cfg(test)]
mod tests {
    use super::resolve;

    #[test]
    fn targets_stay_inside() {
        assert_eq!(resolve("word/document.xml", "footnotes.xml"), "word/footnotes.xml");
        assert_eq!(resolve("ppt/slides/s1.xml", "../notes/n1.xml"), "ppt/notes/n1.xml");
        assert_eq!(resolve("word/document.xml", "/docProps/core.xml"), "docProps/core.xml");
        assert_eq!(resolve("a.xml", "../../../etc/passwd"), "etc/passwd");
        assert_eq!(resolve("OEBPS/c.opf", "t/one.xhtml#part"), "OEBPS/t/one.xhtml");
    }
}
