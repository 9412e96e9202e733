use records::Malformed;
use serde_json::value::RawValue;

use super::Taken;
use crate::value::cell;

/// A line of `mosquitto_sub -v`. A payload that is JSON stays JSON; an empty one is null.
pub(super) fn record(line: &str) -> Result<Taken, Malformed> {
    if line.trim().is_empty() {
        return Ok(Taken::Nothing);
    }
    let (topic, payload) = line.split_once(' ').ok_or_else(|| {
        Malformed::json("a topic without a payload: mosquitto_sub -v prints both")
    })?;
    let payload = if payload == "(null)" { "" } else { payload };
    let value = match serde_json::from_str::<&RawValue>(payload) {
        Ok(json) => json.get().to_owned(),
        Err(_) => {
            let mut value = String::new();
            cell(payload, &mut value);
            value
        }
    };
    let topic_json = serde_json::Value::from(topic).to_string();
    super::record([("topic", topic_json), ("payload", value)].into_iter())
}
