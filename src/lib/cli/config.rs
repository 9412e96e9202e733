//! Flags' values from the environment and the configuration file.
//!
//! ```toml
//! jobs = 2                 # for every program that has --jobs
//!
//! [summarize]              # for one program: any of its long flags
//! model = "smollm2-135m"
//! ```

use std::ffi::OsString;
use std::fs;

use clap::Command;

use crate::env::{self, VARIABLES};
use crate::error::Error;

/// Gives flags their values from file and environment, as defaults: what stands on the command
/// line wins.
pub(crate) fn apply(command: Command, program: &str) -> Result<Command, Error> {
    let command = match from_file(program)? {
        Some(values) => values.into_iter().try_fold(command, |command, value| {
            let Setting { flag, values, shared } = value;
            if has_flag(&command, &flag) {
                Ok(set_default(command, &flag, values))
            } else if shared {
                Ok(command)
            } else {
                Err(Error::setup(format!("config: {program} has no --{flag}")))
            }
        })?,
        None => command,
    };
    Ok(VARIABLES.iter().fold(command, |command, variable| {
        match (variable.flag, env::get(variable.name)) {
            (Some(flag), Some(value)) if has_flag(&command, flag) => {
                set_default(command, flag, vec![value])
            }
            _ => command,
        }
    }))
}

struct Setting {
    flag: String,
    values: Vec<OsString>,
    shared: bool,
}

fn from_file(program: &str) -> Result<Option<Vec<Setting>>, Error> {
    let Some(path) = env::config_file() else { return Ok(None) };
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            return if env::get("HEADWATER_CONFIG").is_some() {
                Err(Error::setup(format!("{}: {e}", path.display())))
            } else {
                Ok(None)
            };
        }
        Err(e) => return Err(Error::setup(format!("{}: {e}", path.display()))),
    };
    settings(&text, program)
        .map(Some)
        .map_err(|reason| Error::setup(format!("{}: {reason}", path.display())))
}

fn settings(text: &str, program: &str) -> Result<Vec<Setting>, String> {
    let table: toml::Table = text.parse().map_err(|e: toml::de::Error| e.to_string())?;
    let mut out = Vec::new();
    for (key, value) in &table {
        if value.is_table() {
            continue;
        }
        if !VARIABLES.iter().any(|v| v.flag == Some(key)) {
            return Err(format!("'{key}' is no setting that programs share"));
        }
        out.push(Setting { flag: key.clone(), values: values(key, value)?, shared: true });
    }
    if let Some(own) = table.get(program).and_then(toml::Value::as_table) {
        for (key, value) in own {
            out.push(Setting { flag: key.clone(), values: values(key, value)?, shared: false });
        }
    }
    Ok(out)
}

fn values(key: &str, value: &toml::Value) -> Result<Vec<OsString>, String> {
    Ok(match value {
        toml::Value::String(text) => vec![text.into()],
        toml::Value::Integer(number) => vec![number.to_string().into()],
        toml::Value::Float(number) => vec![number.to_string().into()],
        toml::Value::Boolean(flag) => vec![flag.to_string().into()],
        toml::Value::Array(items) => {
            let lists =
                items.iter().map(|item| values(key, item)).collect::<Result<Vec<_>, _>>()?;
            lists.concat()
        }
        _ => return Err(format!("'{key}' has a value of a kind that no flag takes")),
    })
}

fn has_flag(command: &Command, flag: &str) -> bool {
    command.get_arguments().any(|arg| arg.get_long() == Some(flag))
}

fn set_default(command: Command, flag: &str, values: Vec<OsString>) -> Command {
    let id = command
        .get_arguments()
        .find(|arg| arg.get_long() == Some(flag))
        .map(|arg| arg.get_id().clone());
    match id {
        Some(id) => command.mut_arg(id, |arg| {
            arg.default_values(
                values.into_iter().map(clap::builder::OsStr::from).collect::<Vec<_>>(),
            )
        }),
        None => command,
    }
}

#[cfg(test)]
mod tests {
    use super::settings;

    #[test]
    fn shared_settings_and_a_programs_own_are_told_apart() {
        let text = "jobs = 2\n[summarize]\nmodel = 'x'\nquiet = true\n[other]\nodd = 1\n";
        let got = settings(text, "summarize").unwrap();
        let got: Vec<_> = got
            .iter()
            .map(|s| (s.flag.as_str(), s.values[0].to_str().unwrap(), s.shared))
            .collect();
        assert_eq!(got, [("jobs", "2", true), ("model", "x", false), ("quiet", "true", false)]);
        assert!(settings("jbos = 2", "x").is_err_and(|e| e.contains("jbos")));
        assert!(settings("[x]\na = {}", "x").is_err());
        assert!(settings("= 2", "x").is_err());
    }
}
