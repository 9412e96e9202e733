//! What is known of a key, as bytes: in memory and in state files.

use std::borrow::Cow;

use crate::anomaly::{Learned, Memory};
use crate::field::{FieldState, Held, NEVER, WHY, Why};
use crate::time::Nanos;

/// Version of these bytes. A newer one is refused, not guessed at.
pub(crate) const VERSION: u8 = 1;

/// What is known of one key.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct KeyState<'a> {
    /// Time of its last event.
    pub(crate) seen: Nanos,
    /// Time of its last report.
    pub(crate) reported: Nanos,
    /// Events since then that were not passed on.
    pub(crate) suppressed: u64,
    /// The last record, while something of it is held.
    pub(crate) record: Cow<'a, str>,
    pub(crate) fields: Vec<FieldState<'a>>,
}

impl Default for KeyState<'_> {
    fn default() -> Self {
        let record = Cow::Borrowed("");
        Self { seen: NEVER, reported: NEVER, suppressed: 0, record, fields: Vec::new() }
    }
}

// What a field has besides its value.
const REFERENCE: u8 = 1;
const HELD: u8 = 2;
const RIPE: u8 = 4;
const MEMORY: u8 = 8;
const RATE: u8 = 16;
const ZONE: u8 = 32;
const SCORE: u8 = 64;

impl<'a> KeyState<'a> {
    /// When something of it has to be looked at.
    pub(crate) fn due(&self) -> Option<Nanos> {
        self.fields.iter().filter_map(|field| Some(field.held.as_ref()?.due)).min()
    }

    /// Moves all times, as if the clock had always been so much ahead.
    pub(crate) fn shift(&mut self, by: Nanos) {
        let shift = |time: &mut Nanos| {
            if *time != NEVER {
                *time = time.saturating_add(by);
            }
        };
        shift(&mut self.seen);
        for field in &mut self.fields {
            shift(&mut field.since);
            shift(&mut field.counted);
            if let Some(held) = &mut field.held {
                shift(&mut held.since);
                shift(&mut held.due);
            }
        }
    }

    pub(crate) fn encode(&self, to: &mut Vec<u8>) {
        to.clear();
        to.push(VERSION);
        put_signed(self.seen, to);
        put_signed(self.reported, to);
        put(self.suppressed, to);
        put_text(&self.record, to);
        put(self.fields.len() as u64, to);
        for field in &self.fields {
            encode_field(field, to);
        }
    }

    /// When the key was seen, and when something of it is due: the whole is read only where
    /// something is held.
    pub(crate) fn times(bytes: &'a [u8]) -> Option<(Nanos, Option<Nanos>)> {
        let mut from = Reader(bytes);
        if from.byte()? != VERSION {
            return None;
        }
        let (seen, _reported, _suppressed) = (from.signed()?, from.signed()?, from.number()?);
        let has_record = !from.text()?.is_empty();
        Some((seen, if has_record { Self::decode(bytes)?.due() } else { None }))
    }

    /// None for bytes that this version did not write.
    pub(crate) fn decode(bytes: &'a [u8]) -> Option<Self> {
        let mut from = Reader(bytes);
        if from.byte()? != VERSION {
            return None;
        }
        let (seen, reported) = (from.signed()?, from.signed()?);
        let suppressed = from.number()?;
        let record = Cow::Borrowed(from.text()?);
        let count = usize::try_from(from.number()?).ok().filter(|count| *count <= bytes.len())?;
        let mut fields = Vec::with_capacity(count);
        for _ in 0..count {
            fields.push(decode_field(&mut from)?);
        }
        from.0.is_empty().then_some(Self { seen, reported, suppressed, record, fields })
    }
}

fn encode_field(field: &FieldState<'_>, to: &mut Vec<u8>) {
    let held = field.held.as_ref();
    let memory = field.memory.as_ref().filter(|memory| !memory.is_empty());
    let flag = |is: bool, flag: u8| if is { flag } else { 0 };
    let has_rate = field.counted != NEVER;
    let has_zone = field.zone != 0 || field.direction != 0;
    to.extend_from_slice(&field.name.to_le_bytes());
    to.push(
        flag(field.reference.is_some(), REFERENCE)
            | flag(held.is_some(), HELD)
            | flag(held.is_some_and(|h| h.ripe), RIPE)
            | flag(memory.is_some(), MEMORY)
            | flag(has_rate, RATE)
            | flag(has_zone, ZONE)
            | flag(held.is_some_and(|h| h.why.score.is_some()), SCORE),
    );
    put_signed(field.since, to);
    if let Some(reference) = &field.reference {
        put_text(reference, to);
    }
    if let Some(held) = held {
        put_text(&held.value, to);
        put_signed(held.since, to);
        put_signed(held.due, to);
        let position = WHY.iter().position(|name| *name == held.why.rule).unwrap_or(1);
        put(position as u64, to);
        held.why.score.iter().for_each(|score| put_float(*score, to));
    }
    if has_zone {
        to.push(field.zone);
        to.push(field.direction.cast_unsigned());
    }
    if has_rate {
        put_float(field.tokens, to);
        put_signed(field.counted, to);
    }
    if let Some(memory) = memory {
        encode_memory(memory, to);
    }
}

fn decode_field<'a>(from: &mut Reader<'a>) -> Option<FieldState<'a>> {
    let mut field = FieldState::new(u64::from_le_bytes(from.take(8)?.try_into().ok()?));
    let flags = from.byte()?;
    let has = |flag: u8| flags & flag != 0;
    field.since = from.signed()?;
    if has(REFERENCE) {
        field.reference = Some(from.text()?.into());
    }
    if has(HELD) {
        let value = from.text()?.into();
        let (since, due) = (from.signed()?, from.signed()?);
        let rule = WHY.get(usize::try_from(from.number()?).ok()?)?;
        let score = if has(SCORE) { Some(from.float()?) } else { None };
        let ripe = has(RIPE);
        field.held = Some(Held { value, since, due, ripe, why: Why { rule, score } });
    }
    if has(ZONE) {
        field.zone = from.byte()?;
        field.direction = from.byte()?.cast_signed();
    }
    if has(RATE) {
        field.tokens = from.float()?;
        field.counted = from.signed()?;
    }
    if has(MEMORY) {
        field.memory = Some(Box::new(decode_memory(from)?));
    }
    Some(field)
}

fn encode_memory(memory: &Memory, to: &mut Vec<u8>) {
    put(memory.series.len() as u64, to);
    put(memory.oldest.into(), to);
    to.push(memory.alarms);
    memory.series.iter().for_each(|value| put_float(*value, to));
    for chart in [&memory.cusum, &memory.ewma] {
        put(chart.count.into(), to);
        if chart.count > 0 {
            let numbers = [chart.mean, chart.squares, chart.up, chart.down];
            numbers.into_iter().for_each(|number| put_float(number, to));
        }
    }
}

fn decode_memory(from: &mut Reader<'_>) -> Option<Memory> {
    let length = usize::try_from(from.number()?).ok().filter(|n| *n <= from.0.len())?;
    let oldest = u32::try_from(from.number()?).ok()?;
    if length > 0 && oldest as usize >= length {
        return None;
    }
    let alarms = from.byte()?;
    let series = (0..length).map(|_| from.float()).collect::<Option<_>>()?;
    let mut chart = || {
        let count = u32::try_from(from.number()?).ok()?;
        let mut chart = Learned { count, ..Learned::default() };
        if count > 0 {
            chart.mean = from.float()?;
            chart.squares = from.float()?;
            chart.up = from.float()?;
            chart.down = from.float()?;
        }
        Some(chart)
    };
    Some(Memory { series, oldest, alarms, cusum: chart()?, ewma: chart()? })
}

/// Seven bits a byte, the last one without the eighth bit.
pub(crate) fn put(mut number: u64, to: &mut Vec<u8>) {
    while number >= 0x80 {
        to.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    to.push(number.to_le_bytes()[0]);
}

/// Small numbers of either sign are short.
pub(crate) fn put_signed(number: i64, to: &mut Vec<u8>) {
    put(((number << 1) ^ (number >> 63)).cast_unsigned(), to);
}

fn put_float(number: f64, to: &mut Vec<u8>) {
    to.extend_from_slice(&number.to_le_bytes());
}

pub(crate) fn put_text(text: &str, to: &mut Vec<u8>) {
    put(text.len() as u64, to);
    to.extend_from_slice(text.as_bytes());
}

/// Bytes, taken off the front.
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    pub(crate) fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    pub(crate) fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    pub(crate) fn signed(&mut self) -> Option<i64> {
        let number = self.number()?;
        Some((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
    }

    fn float(&mut self) -> Option<f64> {
        self.take(8).and_then(|bytes| Some(f64::from_le_bytes(bytes.try_into().ok()?)))
    }

    pub(crate) fn text(&mut self) -> Option<&'a str> {
        let length = usize::try_from(self.number()?).ok()?;
        str::from_utf8(self.take(length)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn full() -> KeyState<'static> {
        let mut field = FieldState::new(u64::MAX);
        field.reference = Some("\"é\"".into());
        field.since = -5;
        let why = Why { rule: "ewma", score: Some(-3.5) };
        field.held = Some(Held { value: "2".into(), since: 7, due: i64::MAX, ripe: true, why });
        (field.zone, field.direction) = (2, -1);
        (field.tokens, field.counted) = (0.25, 99);
        let cusum = Learned { count: 3, mean: 1.0, squares: 2.0, up: 3.0, down: 4.0 };
        let memory =
            Memory { series: vec![1.0, 2.0], oldest: 1, alarms: 2, cusum, ..Memory::default() };
        field.memory = Some(Box::new(memory));
        let fields = vec![field, FieldState::new(1)];
        KeyState {
            seen: 1 << 60,
            suppressed: 300,
            record: "{}".into(),
            fields,
            ..KeyState::default()
        }
    }

    #[test]
    fn states_come_back_as_they_were() {
        for state in [full(), KeyState::default()] {
            let mut bytes = vec![1, 2, 3];
            state.encode(&mut bytes);
            assert_eq!(KeyState::times(&bytes), Some((state.seen, state.due())));
            assert_eq!(KeyState::decode(&bytes), Some(state));
        }
        assert_eq!(full().due(), Some(i64::MAX));
    }

    #[test]
    fn another_version_and_cut_bytes_are_refused() {
        let mut bytes = Vec::new();
        full().encode(&mut bytes);
        for end in 0..bytes.len() {
            assert_eq!(KeyState::decode(&bytes[..end]), None);
        }
        bytes[0] = VERSION + 1;
        assert_eq!(KeyState::decode(&bytes), None);
    }

    proptest! {
        #[test]
        fn numbers_come_back(n in any::<i64>()) {
            let mut bytes = Vec::new();
            put_signed(n, &mut bytes);
            prop_assert_eq!(Reader(&bytes).signed(), Some(n));
        }

        #[test]
        fn any_bytes_are_a_state_or_none(mut bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Some(first) = bytes.first_mut() {
                *first = VERSION;
            }
            let _ = KeyState::decode(&bytes);
        }
    }
}
