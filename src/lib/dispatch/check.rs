use records::{Record, content_id};

/// How an answer is held against the record that it should belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Matching {
    /// By `id`: the record's own, or the one that its content has. Where a record has none and
    /// the answer brings none, by its keys: an answer has them all.
    Id,
    /// By order alone, for commands that are no filters of this family.
    Order,
}

impl Matching {
    /// Whether `answer` can be the answer to `record`.
    ///
    /// # Errors
    /// What speaks against it.
    pub(crate) fn check(self, record: &Record, answer: &Record) -> Result<(), String> {
        if self == Self::Order {
            return Ok(());
        }
        match (id(record), id(answer)) {
            (Some(wanted), Some(got)) if wanted == got => Ok(()),
            (Some(wanted), Some(got)) => Err(format!("asked for {wanted}, it answered {got}")),
            (Some(wanted), None) => Err(format!("asked for {wanted}, it answered without an id")),
            // The id of a file's content cannot be known here.
            (None, Some(_)) if record.has("path") => Ok(()),
            (None, Some(got)) if got == content_id(record.as_str().as_bytes()) => Ok(()),
            (None, Some(got)) => Err(format!("it answered {got}, an id it was never given")),
            (None, None) => match record.keys().find(|key| !answer.has(key)) {
                None => Ok(()),
                Some(key) => Err(format!("its answer lacks the record's '{key}'")),
            },
        }
    }
}

/// An id that is no string is still one.
fn id(record: &Record) -> Option<String> {
    match record.get::<String>("id") {
        Ok(id) => id,
        Err(_) => record.raw("id").map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_told_from_anything_else() {
        let record = |line: &str| Record::parse(line.as_bytes()).unwrap();
        let own = format!(r#"{{"n":1,"id":"{}"}}"#, content_id(br#"{"n":1}"#));
        let cases = [
            (r#"{"id":"a","n":1}"#, r#"{"x":2,"id":"a"}"#, true),
            (r#"{"id":"a"}"#, r#"{"id":"b"}"#, false),
            (r#"{"id":"a"}"#, r#"{"n":1}"#, false),
            (r#"{"id":7}"#, r#"{"id":7,"x":1}"#, true),
            (r#"{"n":1}"#, own.as_str(), true),
            (r#"{"n":2}"#, own.as_str(), false),
            (r#"{"path":"/a"}"#, r#"{"path":"/a","id":"of the file"}"#, true),
            (r#"{"n":1}"#, r#"{"n":5,"x":1}"#, true),
            (r#"{"n":1}"#, r#"{"log":"ready"}"#, false),
        ];
        for (asked, answered, good) in cases {
            let result = Matching::Id.check(&record(asked), &record(answered));
            assert_eq!(result.is_ok(), good, "{asked} {answered}: {result:?}");
            assert!(Matching::Order.check(&record(asked), &record(answered)).is_ok());
        }
    }
}
