//! What is watched: decides of each event whether it is news.

use records::{Code, Failure, Field, Record};
use store::StoreError;

use crate::codec::KeyState;
use crate::field::{FieldState, Fired, is_missing};
use crate::key::Keys;
use crate::output::{Change, Draft};
use crate::rule::{Missing, Rule};
use crate::table::Table;
use crate::time::{Form, Nanos};
use crate::view;

/// Fields of one key: a stream that makes up new names has no end of them.
const MAX_FIELDS: usize = 4096;

/// Members that are about the record, not about what it reports.
const RESERVED: [&str; 3] = ["id", "via", "error"];

/// A field that the user named.
pub(crate) struct Named {
    pub(crate) field: Field,
    pub(crate) name: String,
    pub(crate) rule: Rule,
    hash: u64,
}

impl Named {
    pub(crate) fn new(field: Field, rule: Rule) -> Self {
        let name = field.to_string();
        let hash = hash(&name);
        Self { field, name, rule, hash }
    }
}

/// What of a record is looked at.
pub(crate) struct Fields {
    pub(crate) named: Vec<Named>,
    /// The rule for all other members; none if only named fields count.
    pub(crate) rest: Option<Rule>,
    /// Members that do not count.
    pub(crate) ignored: Vec<String>,
    /// Members that are the key: they count in records that have nothing else.
    key: Vec<String>,
}

impl Fields {
    pub(crate) fn new(named: Vec<Named>, rest: Option<Rule>, mut ignored: Vec<String>) -> Self {
        ignored.extend(RESERVED.map(str::to_owned));
        Self { named, rest, ignored, key: Vec::new() }
    }
}

/// The states of all keys, and how they are to change.
pub(crate) struct Watch {
    fields: Fields,
    pub(crate) keys: Keys,
    pub(crate) table: Table,
    scratch: Vec<u8>,
    /// Events older than what was known of their key.
    pub(crate) too_late: u64,
    /// How times are written.
    pub(crate) form: Form,
    /// Times are those of this machine's clock.
    pub(crate) arrivals: bool,
}

impl Watch {
    pub(crate) fn new(mut fields: Fields, keys: Keys, table: Table) -> Self {
        fields.key.extend(keys.members().map(str::to_owned));
        let (scratch, form) = (Vec::new(), Form::Date);
        Self { fields, keys, table, scratch, too_late: 0, form, arrivals: false }
    }

    /// What an event changes, if that is to be reported.
    pub(crate) fn event(
        &mut self,
        record: &Record,
        time: Nanos,
    ) -> Result<Option<Change>, Failure> {
        for named in self.fields.named.iter().filter(|n| n.rule.missing == Missing::Fail) {
            if is_missing(&named.rule, named.field.raw(record)) {
                let message = format!("the record has no '{}'", named.name);
                return Err(Failure::new(Code::MissingField, message));
            }
        }
        let key = self.keys.of(record)?;
        let mut state = decode(self.table.find(key).map_err(unreadable)?)?;
        if time < state.seen && self.arrivals {
            // The clock was put back: nothing has passed since the last event.
            state.shift(time.saturating_sub(state.seen));
        } else if time < state.seen {
            self.too_late += 1;
            state.suppressed += 1;
            state.encode(&mut self.scratch);
            let due = state.due();
            self.table.set(key, &self.scratch, due);
            return Ok(None);
        }
        let mut draft = Draft::new(state.reported, state.suppressed, self.form);
        self.fields.observe(&mut state, record, time, &mut draft)?;
        if state.fields.len() > MAX_FIELDS {
            let message = format!("a key has more than {MAX_FIELDS} fields (see --fields)");
            return Err(Failure::new(Code::Unsupported, message));
        }
        state.seen = time;
        let is_news = draft.change.is_some();
        state.suppressed = if is_news { 0 } else { state.suppressed + 1 };
        if is_news {
            state.reported = time;
        }
        let due = state.due();
        state.record = if due.is_some() { record.as_str().into() } else { "".into() };
        state.encode(&mut self.scratch);
        self.table.set(key, &self.scratch, due);
        Ok(draft.change)
    }

    /// The next report of something that was held and whose time has come by `until`, with the
    /// last record of its key.
    pub(crate) fn overdue(&mut self, until: Nanos) -> Result<Option<(Record, Change)>, Failure> {
        while let Some((armed, key)) = self.table.take_due(until) {
            let mut state = decode(self.table.find(key).map_err(unreadable)?)?;
            let Some(due) = state.due() else { continue };
            // It was put off: others may come before it.
            if due != armed {
                self.table.arm(key, due);
                continue;
            }
            let found = self.fields.settle(&mut state, Some(due), self.form);
            state.encode(&mut self.scratch);
            let next = state.due();
            self.table.set(key, &self.scratch, next);
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// At the end of a run without a state file: the next report that waits only for its turn.
    pub(crate) fn leftover(&mut self) -> Result<Option<(Record, Change)>, Failure> {
        while let Some((_, key)) = self.table.take_due(Nanos::MAX) {
            let mut state = decode(self.table.find(key).map_err(unreadable)?)?;
            let found = self.fields.settle(&mut state, None, self.form);
            // What is held for other reasons stays so: nobody knows how it goes on.
            state.encode(&mut self.scratch);
            self.table.set(key, &self.scratch, None);
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }
}

impl Fields {
    fn observe<'a>(
        &'a self,
        state: &mut KeyState<'a>,
        record: &'a Record,
        time: Nanos,
        draft: &mut Draft,
    ) -> Result<(), Failure> {
        for named in &self.named {
            let raw = match (named.field.raw(record), named.rule.missing) {
                (raw, Missing::Report) if is_missing(&named.rule, raw) => "null",
                (raw, _) if is_missing(&named.rule, raw) => continue,
                (raw, _) => raw.unwrap_or("null"),
            };
            let value = view::of(&named.rule, &named.name, raw)?;
            let field = field_of(state, named.hash);
            if let Some(fired) = field.observe(&named.rule, value, time) {
                draft.add(&named.name, &fired);
            }
        }
        let Some(rule) = &self.rest else { return Ok(()) };
        let is_key = |name: &str| self.key.iter().any(|key| key == name);
        let is_ignored = |name: &str| self.ignored.iter().any(|ignored| ignored == name);
        let only_key = record.members().all(|(name, _)| is_key(&name) || is_ignored(&name));
        for (name, raw) in record.members() {
            if is_ignored(&name) || (is_key(&name) && !only_key) {
                continue;
            }
            let hash = hash(&name);
            let missing = rule.missing == Missing::Ignore && is_missing(rule, Some(raw));
            if missing || self.named.iter().any(|named| named.hash == hash) {
                continue;
            }
            if let Some(fired) = field_of(state, hash).observe(rule, raw.into(), time) {
                draft.add(&name, &fired);
            }
        }
        Ok(())
    }

    /// Reports what was held and is due; without a time, what waits only for its turn.
    fn settle(
        &self,
        state: &mut KeyState<'_>,
        due: Option<Nanos>,
        form: Form,
    ) -> Option<(Record, Change)> {
        let Ok(record) = Record::parse(state.record.as_bytes()) else {
            // Nothing that this version writes; it must not come up for ever.
            state.fields.iter_mut().for_each(|field| field.held = None);
            return None;
        };
        // The record that is reported now was counted when it came.
        let suppressed = state.suppressed.saturating_sub(1);
        let mut draft = Draft::new(state.reported, suppressed, form);
        let plain = Rule::default();
        for field in &mut state.fields {
            let named = self.named.iter().find(|named| named.hash == field.name);
            let rule = named.map(|n| &n.rule).or(self.rest.as_ref()).unwrap_or(&plain);
            let fired: Option<Fired<'_>> = match due {
                Some(due) => field.ripen(rule, due),
                None => field.release(rule),
            };
            if let Some(fired) = fired {
                let name = named.map(|named| named.name.clone()).or_else(|| {
                    let mut names = record.members().map(|(name, _)| name.into_owned());
                    names.find(|name| hash(name) == field.name)
                });
                draft.add(&name.unwrap_or_else(|| format!("{:016x}", field.name)), &fired);
            }
        }
        let change = draft.change?;
        let time = due.unwrap_or(state.seen);
        state.reported = time;
        state.suppressed = 0;
        if state.due().is_none() {
            state.record = "".into();
        }
        Some((record, if due.is_some() { change.at(time, form) } else { change }))
    }
}

fn field_of<'s, 'a>(state: &'s mut KeyState<'a>, name: u64) -> &'s mut FieldState<'a> {
    let at = state.fields.iter().position(|field| field.name == name);
    let at = at.unwrap_or_else(|| {
        state.fields.push(FieldState::new(name));
        state.fields.len() - 1
    });
    &mut state.fields[at]
}

fn decode(data: &[u8]) -> Result<KeyState<'_>, Failure> {
    if data.is_empty() {
        return Ok(KeyState::default());
    }
    KeyState::decode(data).ok_or_else(|| {
        let message = "state file: what is known of this key is damaged, or of a newer version";
        Failure::new(Code::Unreadable, message)
    })
}

pub(crate) fn unreadable(error: StoreError) -> Failure {
    Failure::new(Code::Unreadable, format!("state file: {error}")).retryable()
}

/// FNV-1a (Fowler, Noll, Vo): names are short, and nobody gains by making two collide.
fn hash(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
