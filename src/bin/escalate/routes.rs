//! From `--to` and the lists of providers to the chain that is asked.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use cli::Error;
use store::NanoUsd;

use crate::args::Escalate;
use crate::chain::Provider;
use crate::cost::Price;
use crate::provider::{Address, Endpoint, Preset, Presets, Route, Secret, Timeouts};
use crate::reach::Reach;

/// How local models are named: `local:MODEL`.
const LOCAL: &str = "local:";

/// The one provider of `--offline-batch`, at the price of its batches.
pub(crate) fn offline_endpoint(args: &Escalate) -> Result<Endpoint, Error> {
    let mut providers = providers(args, 1, "")?;
    match providers.pop().filter(|one| providers.is_empty() && one.is_remote()) {
        Some(provider) => Ok(provider.endpoint),
        None => Err(Error::usage("--offline-batch asks one provider of --to, not on this machine")),
    }
}

/// All providers of `--to`, in order.
pub(crate) fn providers(args: &Escalate, jobs: usize, salt: &str) -> Result<Vec<Provider>, Error> {
    let price = args.money.price.as_deref().map(price).transpose()?;
    let presets = Presets::new(own_providers(args)?.as_deref())?;
    let names: Vec<&str> = args.provider.to.split(',').map(str::trim).collect();
    let keys = [
        args.provider.key_env.is_some(),
        args.provider.key_file.is_some(),
        args.provider.key_command.is_some(),
    ];
    if names.len() > 1 && keys.contains(&true) {
        return Err(Error::usage("a key belongs to one provider, and --to names several")
            .hint("say in providers.toml which key belongs to which"));
    }
    let provider = |name: &&str| {
        let (endpoint, local) = match name.strip_prefix(LOCAL) {
            Some(model) => {
                let alone = !args.provider.to.contains(',');
                let asked_for = args.provider.model.as_deref().filter(|_| alone);
                (local(args, asked_for.unwrap_or(model), "--to")?, Some(model.to_owned()))
            }
            None => (remote(args, &presets, name, price)?, None),
        };
        Ok(Provider::new(endpoint, local, jobs, salt.to_owned()))
    };
    names.iter().map(provider).collect()
}

/// The provider of `--try`.
pub(crate) fn first(args: &Escalate, jobs: usize, salt: &str) -> Result<Option<Provider>, Error> {
    let Some(name) = &args.gate.first else { return Ok(None) };
    if args.all || args.batch.is_some() {
        return Err(Error::usage("--try is about single records: not with --all or --batch"));
    }
    let model = name.strip_prefix(LOCAL).ok_or_else(|| {
        Error::usage(format!("--try {name}: only a model on this machine, as local:MODEL"))
    })?;
    let endpoint = local(args, model, "--try")?;
    Ok(Some(Provider::new(endpoint, Some(model.to_owned()), jobs, salt.to_owned())))
}

/// The price of the model that would be asked first, as far as it is known without asking.
pub(crate) fn known_price(args: &Escalate) -> Result<Option<Price>, Error> {
    if let Some(text) = &args.money.price {
        return price(text).map(Some);
    }
    let presets = Presets::new(own_providers(args)?.as_deref())?;
    let first = args.provider.to.split(',').next().unwrap_or_default().trim();
    let Some(preset) = presets.get(first) else { return Ok(None) };
    let model = args.provider.model.as_ref().or(preset.model.as_ref());
    Ok(model.and_then(|model| preset.price(model)))
}

fn price(text: &str) -> Result<Price, Error> {
    let bad = || Error::usage(format!("--price {text}: not two amounts such as 0.15,0.60"));
    let (input, output) = text.split_once(',').ok_or_else(bad)?;
    let dollars = |text: &str| NanoUsd::parse_usd(text.trim()).ok_or_else(bad);
    Ok(Price { input: dollars(input)?, output: dollars(output)? })
}

fn timeouts(args: &Escalate) -> Timeouts {
    let mut timeouts = Timeouts::default();
    if let Some(limit) = args.stream.timeout {
        timeouts.total = limit;
        timeouts.first_byte = timeouts.first_byte.min(limit);
        timeouts.connect = timeouts.connect.min(limit);
    }
    timeouts
}

fn remote(
    args: &Escalate,
    presets: &Presets,
    name: &str,
    price: Option<Price>,
) -> Result<Endpoint, Error> {
    let is_url = name.starts_with("http://") || name.starts_with("https://");
    let (preset, url) = match presets.get(name).cloned() {
        Some(preset) => {
            let missing = || Error::setup(format!("provider {name} has no url"));
            let url = preset.url.clone().ok_or_else(missing)?;
            (preset, url)
        }
        None if is_url => (Preset::default(), name.to_owned()),
        None => {
            let known: Vec<_> = presets.names().collect();
            return Err(Error::usage(format!(
                "--to {name}: no such provider; known are {}, a URL, or local:MODEL",
                known.join(", ")
            )));
        }
    };
    // A URL may hold what nobody should see in a report: only its host is a name.
    let shown = if is_url { host_of(&url) } else { name.to_owned() };
    let model = args.provider.model.clone().or_else(|| preset.model.clone()).ok_or_else(|| {
        Error::usage(format!("--to {shown} needs --model: which model is to be asked there"))
    })?;
    let route = Route {
        proxy: args.provider.proxy.clone().or_else(|| preset.proxy.clone()),
        ca: args.provider.ca.clone().or_else(|| preset.ca.clone()),
    };
    Ok(Endpoint {
        key: key(args, &preset, &shown)?,
        name: shown,
        reach: preset.privacy.unwrap_or_else(|| Reach::of_url(&url)),
        address: Address::Url(url),
        price: price.or_else(|| {
            let listed = preset.price(&model);
            let halved = args.offline.offline_batch.is_some();
            listed.map(|price| if halved { price.halved() } else { price })
        }),
        model,
        api: preset.api.unwrap_or_default(),
        limit_key: preset.limit_key.unwrap_or_default(),
        structured: preset.structured.unwrap_or_default(),
        context: args.provider.context.or(preset.context),
        route,
        timeouts: timeouts(args),
    })
}

fn local(args: &Escalate, model: &str, flag: &str) -> Result<Endpoint, Error> {
    if model.is_empty() {
        let message = format!("{flag} local: needs a model, as in local:qwen2.5-coder-0.5b");
        return Err(Error::usage(message));
    }
    // Said here, and not only by the server: a missing model names its command.
    let store =
        modelstore::Store::for_user(cli::env::models_folder()?, cli::env::catalogue_file())?;
    store.resolve(model, modelstore::Task::Complete)?;
    // A small machine may take minutes for a long prompt.
    let patient = Duration::from_secs(1800);
    let patient = Timeouts { first_byte: patient, total: patient, ..Timeouts::default() };
    Ok(Endpoint {
        price: Some(Price::FREE),
        context: args.provider.context,
        reach: Reach::Local,
        timeouts: if args.stream.timeout.is_some() { timeouts(args) } else { patient },
        ..Endpoint::new("local", Address::Socket(PathBuf::new()), model)
    })
}

/// The user's list of providers.
fn own_providers(args: &Escalate) -> Result<Option<String>, Error> {
    let beside = || Some(cli::env::config_file()?.parent()?.join("providers.toml"));
    let (path, asked): (PathBuf, bool) = match &args.provider.providers {
        Some(path) => (path.clone(), true),
        None => match beside() {
            Some(path) => (path, false),
            None => return Ok(None),
        },
    };
    match fs::read_to_string(&path) {
        Ok(text) => Ok(Some(text)),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound && !asked => Ok(None),
        Err(e) => Err(Error::setup(format!("{}: {e}", path.display()))),
    }
}

fn key(args: &Escalate, preset: &Preset, name: &str) -> Result<Option<Secret>, Error> {
    // What asks nothing needs no key.
    if args.money.estimate || args.leaks.dry_run {
        return Ok(None);
    }
    let flags = &args.provider;
    let text = if let Some(path) = &flags.key_file {
        read_key(path)?
    } else if let Some(command) = &flags.key_command {
        printed_key(command)?
    } else if let Some(variable) = &flags.key_env {
        key_in(variable, name)?
    } else if let Some(path) = &preset.key_file {
        read_key(path)?
    } else if let Some(command) = &preset.key_command {
        printed_key(command)?
    } else if let Some(variable) = &preset.key_env {
        key_in(variable, name)?
    } else {
        return Ok(None);
    };
    Ok(Some(Secret::new(text.trim().to_owned())?))
}

fn read_key(path: &PathBuf) -> Result<String, Error> {
    fs::read_to_string(path).map_err(|e| Error::setup(format!("{}: {e}", path.display())))
}

fn key_in(variable: &str, name: &str) -> Result<String, Error> {
    let missing = || {
        Error::setup(format!("--to {name}: no key in ${variable}"))
            .hint("set the variable, or name a file with --key-file")
    };
    let value = cli::env::get(variable).ok_or_else(missing)?;
    value.into_string().map_err(|_| Error::setup(format!("the key in ${variable} is not UTF-8")))
}

/// What a command of the user's prints first: `pass show openai`, `secret-tool lookup …`.
fn printed_key(command: &str) -> Result<String, Error> {
    let failed =
        |why: &dyn std::fmt::Display| Error::setup(format!("the command for the key: {why}"));
    let output = Command::new("sh")
        .arg("-c")
        .arg(command)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|e| failed(&e))?;
    if !output.status.success() {
        return Err(failed(&output.status));
    }
    let text = String::from_utf8(output.stdout).map_err(|_| failed(&"it printed no UTF-8"))?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

fn host_of(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = rest.split('/').next().unwrap_or_default();
    host.rsplit('@').next().unwrap_or_default().to_owned()
}
