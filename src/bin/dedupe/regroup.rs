//! Another threshold over a report, without looking at the texts again.

use std::collections::HashMap;

use records::{Code, Failure, Record, Text};
use serde::Deserialize;

use crate::output::{Dup, Kind, Nearest};

/// What is needed of a `dup` in a report.
#[derive(Deserialize)]
struct Reported {
    group: Option<String>,
    of: Option<Text>,
    similarity: Option<f64>,
    kind: String,
    why: Option<String>,
    nearest: Option<Nearest>,
}

/// The group of each record so far, by id.
pub(crate) struct Regroup {
    threshold: f64,
    key: String,
    groups: HashMap<String, String>,
}

impl Regroup {
    /// Reads what a report has under `key`.
    pub(crate) fn new(threshold: f64, key: &str) -> Self {
        Self { threshold, key: key.to_owned(), groups: HashMap::new() }
    }

    /// Where the next record of the report stands now.
    pub(crate) fn place(&mut self, record: &Record) -> Result<Dup, Failure> {
        let missing = |e: &dyn std::fmt::Display| Failure::new(Code::MissingField, e);
        let reported: Reported = record
            .get(&self.key)
            .map_err(|e| missing(&e))?
            .ok_or_else(|| missing(&format!("no '{}': this is no report", self.key)))?;
        let id = record.id();
        let edge = match (reported.of, reported.similarity, reported.nearest) {
            (Some(Text::Utf8(of)), Some(similarity), _) => Some(Nearest { of, similarity }),
            (_, _, nearest) => nearest,
        };
        let Some(edge) = edge else {
            let group = reported.group.unwrap_or_else(|| id.clone());
            self.groups.insert(id, group.clone());
            return Ok(Dup::first(group));
        };
        if edge.similarity < self.threshold {
            self.groups.insert(id.clone(), id.clone());
            return Ok(Dup { nearest: Some(edge), ..Dup::first(id) });
        }
        let group = self.groups.get(&edge.of).cloned().ok_or_else(|| {
            let message = format!("the report lacks {}, which this repeats", edge.of);
            Failure::new(Code::MissingField, message)
        })?;
        self.groups.insert(id, group.clone());
        Ok(Dup {
            group: Some(group),
            of: Some(Text::Utf8(edge.of)),
            kind: if reported.kind == "exact" { Kind::Exact } else { Kind::Near },
            similarity: Some(edge.similarity),
            why: reported.why,
            nearest: None,
        })
    }
}
