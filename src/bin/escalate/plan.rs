use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex};

use cli::{Error, Session};
use records::Field;
use store::{Cache, Caps, Ledger};

use crate::account::Account;
use crate::args::Escalate;
use crate::ask::Asker;
use crate::attempt::Attempts;
use crate::chain::{Chain, Provider};
use crate::estimate::Estimate;
use crate::fence::Fence;
use crate::kept::Answers;
use crate::leak::Leaks;
use crate::offline::Offline;
use crate::provider::RetryPolicy;
use crate::reach::Reach;
use crate::routes::{first, providers};
use crate::schema::Schema;
use crate::select::Selector;
use crate::template::Template;

/// Bytes of answers that are kept.
const MAX_KEPT: u64 = 1 << 30;

/// Everything that is opened before the first record is read.
pub(crate) struct Plan {
    pub(crate) question: String,
    /// A prompt with placeholders, in place of the question and the record's text.
    pub(crate) template: Option<Template>,
    pub(crate) schema: Option<Schema>,
    pub(crate) fence: Fence,
    pub(crate) selector: Selector,
    /// With `--top`: how many.
    pub(crate) top: Option<usize>,
    pub(crate) all: bool,
    /// Nothing is asked: what asking would take is counted.
    pub(crate) estimate: Option<Estimate>,
    /// With `--batch`: how many in one request.
    pub(crate) batch: Option<usize>,
    /// Requests on their way at the same time.
    pub(crate) jobs: usize,
    /// With `--try`: who is asked first.
    pub(crate) attempts: Option<Attempts>,
    /// With `--offline-batch submit`.
    pub(crate) offline: Option<Offline>,
    pub(crate) asker: Asker,
    pub(crate) reach: Reach,
    /// Searches what is sent for what is private.
    pub(crate) leaks: Option<Leaks>,
    /// Tokens that fit every model of the chain, where known.
    pub(crate) context: Option<u64>,
    pub(crate) max_tokens: u64,
    pub(crate) field: Field,
    /// Where the path of a picture stands that goes with the question.
    pub(crate) attach: Option<Field>,
    pub(crate) result: String,
    pub(crate) max_bytes: usize,
}

impl Plan {
    /// Asked when nobody says who: no network, no key.
    pub(crate) const DEFAULT_TARGET: &str = "local:qwen2.5-coder-0.5b";

    /// Requests on their way at the same time.
    pub(crate) const DEFAULT_JOBS: usize = 4;

    pub(crate) fn new(args: &Escalate, session: &Session) -> Result<Self, Error> {
        // The cheap mistakes first: a server takes seconds to start.
        let (question, template) = prompt(args)?;
        let schema = args.schema.as_deref().map(schema).transpose()?;
        let selector =
            Selector::new(&args.gate).map_err(|e| Error::usage(format!("--when: {e}")))?;
        let jobs = args.stream.jobs.map_or(Self::DEFAULT_JOBS, usize::from);
        let pipeline = args.money.pipeline.clone().unwrap_or_default();
        let slash = if pipeline.is_empty() { "" } else { "/" };
        let run = format!("{pipeline}{slash}{}-{}", std::process::id(), nanoseconds());
        // Who asks again on purpose is not to get the provider's stored answer either.
        let salt = if args.provider.no_cache { run.clone() } else { String::new() };
        let providers = providers(args, jobs, &salt)?;
        let away = providers.iter().any(|p| p.endpoint.reach > Reach::Local);
        let leaks = Leaks::new(&args.leaks, away)?;
        let account = account(args, &providers, run, pipeline)?;
        let context = providers.iter().filter_map(|p| p.endpoint.context).min();
        let state = cli::env::state_folder();
        let (answers, fence) = memory(args)?;
        let memory = state.ok().map(|folder| folder.join("providers.json"));
        let answers = Arc::new(answers);
        let attempts = attempts(args, jobs, &salt, &answers, session)?;
        let retries = RetryPolicy { attempts: args.provider.attempts, ..RetryPolicy::default() };
        let asker = Asker {
            chain: Chain::new(providers, memory, !args.money.estimate && !args.leaks.dry_run)?,
            account,
            answers,
            policy: retries,
            patience: args.stream.timeout,
            max_errors: args.provider.max_errors,
            errors: AtomicU64::new(0),
            shown: args.leaks.dry_run.then(Mutex::default),
            stop: session.stop.clone(),
        };
        let mut plan = Self {
            question,
            template,
            schema,
            fence,
            selector,
            top: args.gate.top.map(|n| n as usize),
            all: args.all,
            estimate: args.money.estimate.then(Estimate::default),
            batch: args.batch.map(|n| n as usize),
            jobs,
            attempts,
            offline: None,
            asker,
            reach: args.provider.privacy,
            leaks,
            context,
            max_tokens: args.provider.max_tokens,
            field: args.stream.field_or("text"),
            attach: args.attach.clone(),
            result: args.stream.result_or("answer").to_owned(),
            max_bytes: args.stream.max_line,
        };
        if args.offline.offline_batch.is_some() {
            plan.offline = Some(Offline::new(args, &plan, session)?);
        }
        Ok(plan)
    }

    /// Whether somebody on this machine can be asked.
    pub(crate) fn asks_here(&self) -> bool {
        self.attempts.is_some()
            || self.asker.chain.providers.iter().any(|p| p.endpoint.reach == Reach::Local)
    }

    /// Whether records wait for later ones.
    pub(crate) fn gathers(&self) -> bool {
        let waits = self.top.is_some() || self.batch.is_some() || self.offline.is_some();
        self.estimate.is_none() && waits
    }
}

/// The model of `--try`, which is started here.
fn attempts(
    args: &Escalate,
    jobs: usize,
    salt: &str,
    answers: &Arc<Answers>,
    session: &Session,
) -> Result<Option<Attempts>, Error> {
    let Some(provider) = first(args, jobs, salt)? else { return Ok(None) };
    let open = !args.money.estimate && !args.leaks.dry_run;
    let asker = Asker {
        chain: Chain::new(vec![provider], None, open)?,
        account: Account::free(),
        answers: Arc::clone(answers),
        policy: RetryPolicy { attempts: args.provider.attempts, ..RetryPolicy::default() },
        patience: args.stream.timeout,
        max_errors: None,
        errors: AtomicU64::new(0),
        shown: None,
        stop: session.stop.clone(),
    };
    Ok(Some(Attempts { asker, samples: args.gate.samples, agree: args.gate.agree }))
}

fn read(path: &Path) -> Result<String, Error> {
    fs::read_to_string(path).map_err(|e| Error::setup(format!("{}: {e}", path.display())))
}

/// The question, or the prompt with placeholders that stands for it.
fn prompt(args: &Escalate) -> Result<(String, Option<Template>), Error> {
    let Some(path) = &args.prompt else {
        let question = args.question.clone();
        let missing = || Error::usage("--question or --prompt says what to ask");
        return Ok((question.ok_or_else(missing)?, None));
    };
    let template = Template::parse(&read(path)?)
        .map_err(|e| Error::usage(format!("{}, {e}", path.display())))?;
    match template.plain() {
        Some(text) if text.trim().is_empty() => {
            Err(Error::usage(format!("{}: it is empty", path.display())))
        }
        Some(text) => Ok((text.to_owned(), None)),
        None if args.all || args.batch.is_some() => Err(Error::usage(
            "a prompt with placeholders is about one record: not with --all or --batch",
        )),
        None => Ok((String::new(), Some(template))),
    }
}

fn schema(path: &Path) -> Result<Schema, Error> {
    Schema::parse(&read(path)?).map_err(|e| Error::usage(format!("{}: {e}", path.display())))
}

/// The stored answers, and the secret that makes the same request the same.
pub(crate) fn memory(args: &Escalate) -> Result<(Answers, Fence), Error> {
    let fence = match cli::env::state_folder() {
        Ok(folder) => Fence::open(&folder).or_else(|e| {
            log::warn!("a later run will not know the answers of this one: {e}");
            Fence::for_this_run()
        })?,
        Err(_) => Fence::for_this_run()?,
    };
    if args.provider.no_cache {
        return Ok((Answers::new(None), fence));
    }
    let cache = match &args.provider.cache {
        Some(path) => Some(Cache::open(path, MAX_KEPT)?),
        None => match cli::env::state_folder() {
            Ok(folder) => Cache::open(&folder.join("answers.db"), MAX_KEPT)
                .inspect_err(|e| log::warn!("answers are not kept: {e}"))
                .ok(),
            Err(_) => None,
        },
    };
    Ok((Answers::new(cache), fence))
}

fn account(
    args: &Escalate,
    providers: &[Provider],
    run: String,
    pipeline: String,
) -> Result<Account, Error> {
    let money = &args.money;
    let caps = Caps { run: money.budget, day: money.budget_day, month: money.budget_month };
    let limited = caps != Caps::default();
    for endpoint in providers.iter().map(|provider| &provider.endpoint) {
        if endpoint.price.is_some() {
            continue;
        }
        if limited {
            return Err(Error::setup(format!(
                "the price of {} at {} is not known, so a budget cannot be kept",
                endpoint.model, endpoint.name
            ))
            .hint("give it with --price IN,OUT in dollars for a million tokens"));
        }
        if endpoint.key.is_some() && endpoint.reach == Reach::Cloud {
            return Err(Error::setup(format!(
                "the price of {} at {} is not known, and nothing is spent without one",
                endpoint.model, endpoint.name
            ))
            .hint("give it with --price IN,OUT in dollars for a million tokens"));
        }
        log::warn!("the price of {} is not known: what is spent is not counted", endpoint.model);
    }
    let costs = |p: &Provider| p.endpoint.price.is_some_and(|price| !price.is_free());
    let ledger = if providers.iter().any(costs) || args.offline.offline_batch.is_some() {
        Some(Ledger::open(&cli::env::state_folder()?.join("ledger.db"))?)
    } else {
        None
    };
    Ok(Account {
        ledger,
        caps,
        run,
        pipeline,
        passed: AtomicU64::new(0),
        max_calls: money.max_calls,
        calls: AtomicU64::new(0),
        complained: AtomicBool::new(false),
    })
}

/// Nanoseconds since 1970: with the process id, a name that no other run has.
fn nanoseconds() -> u128 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0, |now| now.as_nanos())
}
