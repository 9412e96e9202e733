//! What `changed` writes under `change`.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::field::{Fired, NEVER};
use crate::time::{Form, Nanos, write};

/// The object under `change`. The maps have one member for each field that is reported.
#[derive(Debug, Serialize)]
pub(crate) struct Change {
    /// Which rule made the report.
    rule: Map<String, Value>,
    /// Values reported before; null for the first.
    prev: Map<String, Value>,
    /// Differences of numbers.
    #[serde(skip_serializing_if = "Map::is_empty")]
    delta: Map<String, Value>,
    /// How far out of the ordinary, or how similar.
    #[serde(skip_serializing_if = "Map::is_empty")]
    score: Map<String, Value>,
    /// When the key was reported last; null if never.
    since: Value,
    /// Records of this key since then that did not pass.
    suppressed: u64,
    /// When it was, where no record came at that time.
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<Value>,
}

/// A change that is made when there is something in it: most events have nothing.
pub(crate) struct Draft {
    /// When the key was reported last.
    pub(crate) reported: Nanos,
    /// Records since then that did not pass.
    pub(crate) suppressed: u64,
    /// How times are written.
    pub(crate) form: Form,
    pub(crate) change: Option<Change>,
}

impl Draft {
    pub(crate) fn new(reported: Nanos, suppressed: u64, form: Form) -> Self {
        Self { reported, suppressed, form, change: None }
    }

    pub(crate) fn add(&mut self, field: &str, fired: &Fired<'_>) {
        let change = self.change.get_or_insert_with(|| {
            let is_first = self.reported == NEVER;
            let since = if is_first { Value::Null } else { write(self.reported, self.form) };
            let (rule, prev, delta, score) = Default::default();
            Change { rule, prev, delta, score, since, suppressed: self.suppressed, at: None }
        });
        change.add(field, fired);
    }
}

impl Change {
    /// A report that no record brought with it.
    pub(crate) fn at(mut self, time: Nanos, form: Form) -> Self {
        self.at = Some(write(time, form));
        self
    }

    fn add(&mut self, field: &str, fired: &Fired<'_>) {
        let name = || field.to_owned();
        self.rule.insert(name(), fired.why.rule.into());
        // Numbers keep all their digits; what no parser takes is shown as text.
        let prev = fired.prev.as_deref().map_or(Value::Null, |raw| {
            serde_json::from_str(raw).unwrap_or_else(|_| Value::from(raw))
        });
        self.prev.insert(name(), prev);
        if let Some(delta) = fired.delta {
            self.delta.insert(name(), number(delta));
        }
        if let Some(score) = fired.why.score {
            self.score.insert(name(), number((score * 1e4).round() / 1e4));
        }
    }
}

/// A number as people write it: 2, not 2.0.
fn number(number: f64) -> Value {
    #[expect(clippy::cast_possible_truncation, reason = "checked")]
    if number.fract() == 0.0 && number.abs() < 1e15 {
        return Value::from(number as i64);
    }
    Value::from(number)
}
