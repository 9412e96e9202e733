use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use cli::{Error, Session, Stop};
use records::Field;
use store::{Caps, Ledger, NanoUsd};

use crate::args::Escalate;
use crate::cost::Price;
use crate::local::{LocalServer, Patience, find_serve};
use crate::provider::{Address, Client, Endpoint, Preset, Presets, RetryPolicy, Secret, Timeouts};
use crate::select::Selector;

/// How local models are named: `local:MODEL`.
const LOCAL: &str = "local:";

/// Everything that is opened before the first record is read.
pub(crate) struct Plan {
    pub(crate) question: String,
    pub(crate) selector: Selector,
    /// With `--top`: how many.
    pub(crate) top: Option<usize>,
    pub(crate) all: bool,
    /// Requests on their way at the same time.
    pub(crate) jobs: usize,
    pub(crate) client: Client,
    pub(crate) account: Option<Account>,
    pub(crate) max_tokens: u64,
    pub(crate) retries: RetryPolicy,
    pub(crate) field: Field,
    pub(crate) result: String,
    pub(crate) max_bytes: usize,
    pub(crate) stop: Stop,
    /// Stopped when the plan is dropped, after the last answer.
    pub(crate) _server: Option<LocalServer>,
}

/// The books, for a model that costs money.
pub(crate) struct Account {
    pub(crate) ledger: Ledger,
    pub(crate) caps: Caps,
    pub(crate) run: String,
}

impl Plan {
    /// Asked when nobody says who: no network, no key.
    pub(crate) const DEFAULT_TARGET: &str = "local:qwen2.5-coder-0.5b";

    /// Requests on their way at the same time.
    pub(crate) const DEFAULT_JOBS: usize = 4;

    pub(crate) fn new(args: &Escalate, session: &Session) -> Result<Self, Error> {
        // The cheap mistakes first: a server takes seconds to start.
        let selector =
            Selector::new(&args.gate).map_err(|e| Error::usage(format!("--when: {e}")))?;
        let price = args.price.as_deref().map(price).transpose()?;
        let (endpoint, server) = endpoint(args, price)?;
        let account = account(args, &endpoint)?;
        Ok(Self {
            question: args.question.clone().unwrap_or_default(),
            selector,
            top: args.gate.top.map(|n| n as usize),
            all: args.all,
            jobs: args.stream.jobs.map_or(Self::DEFAULT_JOBS, usize::from),
            client: Client::new(endpoint)?,
            account,
            max_tokens: args.max_tokens,
            retries: RetryPolicy { attempts: args.attempts, ..RetryPolicy::default() },
            field: args.stream.field_or("text"),
            result: args.stream.result_or("answer").to_owned(),
            max_bytes: args.stream.max_line,
            stop: session.stop.clone(),
            _server: server,
        })
    }

    /// Whether records wait for later ones.
    pub(crate) fn gathers(&self) -> bool {
        self.top.is_some()
    }

    /// The price of the model that would be asked, as far as it is known without asking.
    pub(crate) fn known_price(args: &Escalate) -> Result<Option<Price>, Error> {
        if let Some(text) = &args.price {
            return price(text).map(Some);
        }
        let presets = Presets::new(own_providers(args)?.as_deref())?;
        let Some(preset) = presets.get(&args.to) else { return Ok(None) };
        let model = args.model.as_ref().or(preset.model.as_ref());
        Ok(model.and_then(|model| preset.price(model)))
    }
}

fn price(text: &str) -> Result<Price, Error> {
    let bad = || Error::usage(format!("--price {text}: not two amounts such as 0.15,0.60"));
    let (input, output) = text.split_once(',').ok_or_else(bad)?;
    let dollars = |text: &str| NanoUsd::parse_usd(text.trim()).ok_or_else(bad);
    Ok(Price { input: dollars(input)?, output: dollars(output)? })
}

fn endpoint(
    args: &Escalate,
    price: Option<Price>,
) -> Result<(Endpoint, Option<LocalServer>), Error> {
    let mut timeouts = Timeouts::default();
    if let Some(limit) = args.stream.timeout {
        timeouts.total = limit;
        timeouts.first_byte = timeouts.first_byte.min(limit);
        timeouts.connect = timeouts.connect.min(limit);
    }
    if let Some(model) = args.to.strip_prefix(LOCAL) {
        return local(args, model, timeouts);
    }
    let presets = Presets::new(own_providers(args)?.as_deref())?;
    let preset = presets.get(&args.to).cloned();
    let is_url = args.to.starts_with("http://") || args.to.starts_with("https://");
    let (preset, url) = match preset {
        Some(preset) => {
            let missing = || Error::setup(format!("provider {} has no url", args.to));
            let url = preset.url.clone().ok_or_else(missing)?;
            (preset, url)
        }
        None if is_url => (Preset::default(), args.to.clone()),
        None => {
            let known: Vec<_> = presets.names().collect();
            return Err(Error::usage(format!(
                "--to {}: no such provider; known are {}, a URL, or local:MODEL",
                args.to,
                known.join(", ")
            )));
        }
    };
    let model = args.model.clone().or_else(|| preset.model.clone()).ok_or_else(|| {
        Error::usage(format!("--to {} needs --model: which model is to be asked there", args.to))
    })?;
    let price = price.or_else(|| preset.price(&model));
    let endpoint = Endpoint {
        // A URL may hold what nobody should see in a report: only its host is a name.
        name: if is_url { host_of(&url) } else { args.to.clone() },
        address: Address::Url(url),
        key: key(args, &preset)?,
        model,
        price,
        limit_key: preset.limit_key.unwrap_or_default(),
        timeouts,
    };
    Ok((endpoint, None))
}

fn local(
    args: &Escalate,
    model: &str,
    timeouts: Timeouts,
) -> Result<(Endpoint, Option<LocalServer>), Error> {
    if model.is_empty() {
        return Err(Error::usage("--to local: needs a model, as in local:qwen2.5-coder-0.5b"));
    }
    // Said here, and not only by the server: a missing model names its command.
    let store =
        modelstore::Store::for_user(cli::env::models_folder()?, cli::env::catalogue_file())?;
    store.resolve(model, modelstore::Task::Complete)?;
    let search_path = cli::env::get("PATH");
    let program = find_serve(std::env::current_exe().ok().as_deref(), search_path.as_deref())?;
    let server = LocalServer::start(&program, model, Patience::default())?;
    let endpoint = Endpoint {
        name: "local".to_owned(),
        address: server.address(),
        key: None,
        model: args.model.clone().unwrap_or_else(|| model.to_owned()),
        price: Some(Price::FREE),
        limit_key: crate::provider::LimitKey::default(),
        // A small machine may take minutes for a long prompt.
        timeouts: if args.stream.timeout.is_some() {
            timeouts
        } else {
            let patient = Duration::from_secs(1800);
            Timeouts { first_byte: patient, total: patient, ..timeouts }
        },
    };
    Ok((endpoint, Some(server)))
}

/// The user's list of providers.
fn own_providers(args: &Escalate) -> Result<Option<String>, Error> {
    let beside = || Some(cli::env::config_file()?.parent()?.join("providers.toml"));
    let (path, asked): (PathBuf, bool) = match &args.providers {
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

fn key(args: &Escalate, preset: &Preset) -> Result<Option<Secret>, Error> {
    let text = if let Some(path) = &args.key_file {
        fs::read_to_string(path).map_err(|e| Error::setup(format!("{}: {e}", path.display())))?
    } else {
        let Some(name) = args.key_env.as_ref().or(preset.key_env.as_ref()) else { return Ok(None) };
        let missing = || {
            Error::setup(format!("--to {}: no key in ${name}", args.to))
                .hint("set the variable, or name a file with --key-file")
        };
        let value = cli::env::get(name).ok_or_else(missing)?;
        value.into_string().map_err(|_| Error::setup(format!("the key in ${name} is not UTF-8")))?
    };
    Ok(Some(Secret::new(text.trim().to_owned())?))
}

fn host_of(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = rest.split('/').next().unwrap_or_default();
    host.rsplit('@').next().unwrap_or_default().to_owned()
}

fn account(args: &Escalate, endpoint: &Endpoint) -> Result<Option<Account>, Error> {
    let caps = Caps { run: args.budget, day: args.budget_day, month: args.budget_month };
    let limited = caps != Caps::default();
    match endpoint.price {
        Some(price) if price.is_free() => return Ok(None),
        None if limited => {
            return Err(Error::setup(format!(
                "the price of {} at {} is not known, so a budget cannot be kept",
                endpoint.model, endpoint.name
            ))
            .hint("give it with --price IN,OUT in dollars for a million tokens"));
        }
        None => {
            log::warn!(
                "the price of {} is not known: what is spent is not counted",
                endpoint.model
            );
            return Ok(None);
        }
        Some(_) => {}
    }
    let ledger = Ledger::open(&cli::env::state_folder()?.join("ledger.db"))?;
    let run = format!("{}-{}", std::process::id(), nanoseconds());
    Ok(Some(Account { ledger, caps, run }))
}

/// Nanoseconds since 1970: with the process id, a name that no other run has.
fn nanoseconds() -> u128 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0, |now| now.as_nanos())
}
