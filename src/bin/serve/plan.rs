use std::fs;
use std::io::Read as _;
use std::sync::Arc;
use std::time::Duration;

use cli::{Error, Exit, Session, Stop};
use engine::{Complete, Embed as _};
use modelstore::{Resolved, Store, Task};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::args::Serve;
use crate::{ApiKey, Capacity, Config, Listen, Member, Registry, Server, Upstream};

/// Used when no model is asked for.
const DEFAULT_MODEL: &str = "smollm2-135m";

/// Used for embeddings when none is asked for.
const DEFAULT_EMBEDDER: &str = "all-minilm-l6-v2";

/// Open files that are not connections from clients.
const OTHER_FILES: u64 = 256;

/// How long engine threads may take to notice that the server has stopped.
const LAST_STEP: Duration = Duration::from_secs(5);

/// Everything that is opened before the first request is taken.
pub(crate) struct Plan {
    server: Server,
}

impl Plan {
    pub(crate) fn new(args: &Serve, session: &Session) -> Result<Self, Error> {
        let listen = match &args.socket {
            Some(path) => Listen::Unix(path.clone()),
            None => Listen::Tcp(args.listen),
        };
        let mut config = Config::new(listen);
        config.keys = keys(args)?;
        if let Some(path) = &args.members {
            let text = fs::read_to_string(path)
                .map_err(|e| Error::setup(format!("{}: {e}", path.display())))?;
            config.members = Member::list(&text)?;
        }
        if let Some(path) = &args.upstream {
            let text = fs::read_to_string(path)
                .map_err(|e| Error::setup(format!("{}: {e}", path.display())))?;
            let variable = |name: &str| cli::env::get(name)?.into_string().ok();
            config.upstreams = Upstream::list(&text, &variable)?;
        }
        config.certificate = args.tls_cert.clone().zip(args.tls_key.clone());
        config.names.clone_from(&args.name);
        config.limits.connections = args.connections as usize;
        config.limits.drain = Duration::from_secs(args.grace);
        allow_files(u64::from(args.connections).saturating_add(OTHER_FILES));
        let registry = registry(args)?;
        let server = Server::bind(config, registry)?;
        if args.exit_on_stdin_eof {
            stop_with_stdin(session.stop.clone());
        }
        Ok(Self { server })
    }

    pub(crate) fn run(self, session: &Session) -> Result<Exit, Error> {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let (stopped, stop) = tokio::sync::oneshot::channel();
        let waits = session.stop.clone();
        std::thread::spawn(move || {
            waits.wait();
            // The server has ended by itself if nobody listens.
            let _ = stopped.send(());
        });
        let ended = runtime.block_on(self.server.run(async {
            // A dropped sender would mean that the waiting thread died: then stop as well.
            let _ = stop.await;
        }));
        runtime.shutdown_timeout(LAST_STEP);
        let summary = ended?;
        log::info!(
            "answered {} requests, {} refused, {} abandoned; {} tokens in, {} out",
            summary.requests,
            summary.refused,
            summary.abandoned,
            summary.tokens_in,
            summary.tokens_out
        );
        Ok(Exit::Success)
    }
}

/// Raises the limit of open files as far as may be: each connection is one, and many systems
/// allow a process a thousand at first.
fn allow_files(wanted: u64) {
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|now| now >= wanted) {
        return;
    }
    let most = limit.maximum.map_or(wanted, |most| most.min(wanted));
    let raised = Rlimit { current: Some(most), maximum: limit.maximum };
    if let Err(e) = setrlimit(Resource::Nofile, raised) {
        log::warn!("no more than {:?} open files: {e}", limit.current);
    }
}

fn keys(args: &Serve) -> Result<Vec<ApiKey>, Error> {
    let mut texts = Vec::new();
    if let Some(path) = &args.key_file {
        let text = fs::read_to_string(path)
            .map_err(|e| Error::setup(format!("{}: {e}", path.display())))?;
        texts.extend(text.lines().map(str::trim).filter(|l| !l.is_empty()).map(str::to_owned));
        if texts.is_empty() {
            return Err(Error::setup(format!("{}: no key in it", path.display())));
        }
    }
    if let Some(key) = cli::env::get("HEADWATER_SERVE_KEY") {
        let key =
            key.into_string().map_err(|_| Error::setup("HEADWATER_SERVE_KEY is not UTF-8"))?;
        texts.push(key);
    }
    texts.iter().map(|text| ApiKey::new(text).map_err(Error::from)).collect()
}

fn registry(args: &Serve) -> Result<Registry, Error> {
    let store = Store::for_user(cli::env::models_folder()?, cli::env::catalogue_file())?;
    let capacity = Capacity { parallel: args.model.parallel, queue: args.queue };
    let mut registry = Registry::within(args.memory.map(|mib| mib << 20));
    let file = args.model.resolve(&store, DEFAULT_MODEL, Task::Complete)?;
    let first = llama::Llama::load(args.model.options_for_one(&file))?;
    on_demand(&mut registry, args, &file, Some(Arc::new(first)), capacity)?;
    for name in &args.also {
        let file = store.resolve_as(name, Task::Complete, args.model.as_downloaded)?;
        on_demand(&mut registry, args, &file, None, capacity)?;
    }
    let file = match args.embedder.as_deref() {
        Some("none") => return Ok(registry),
        Some(name) => store.resolve(name, Task::Embed)?,
        None => match store.resolve(DEFAULT_EMBEDDER, Task::Embed) {
            Ok(file) => file,
            Err(missing) => {
                log::info!("no embeddings: {missing}");
                return Ok(registry);
            }
        },
    };
    // --context is the generator's; an embedder's longest text is what it was trained for.
    let options = llama::Options { context: 0, ..args.model.options_for_one(&file) };
    let embedder = llama::LlamaEmbedder::load(options)?;
    let name = embedder.model().name.clone();
    registry.embed(&name, Arc::new(embedder), capacity)?;
    Ok(registry)
}

fn on_demand(
    registry: &mut Registry,
    args: &Serve,
    file: &Resolved,
    loaded: Option<Arc<dyn Complete>>,
    capacity: Capacity,
) -> Result<(), Error> {
    let options = args.model.options_for_one(file);
    let load = move || {
        let model = llama::Llama::load(options.clone()).map_err(|e| e.to_string())?;
        log::info!("loaded {}", model.model().name);
        Ok(Arc::new(model) as Arc<dyn Complete>)
    };
    let bytes = file.inspection.bytes;
    Ok(registry.complete_on_demand(&file.name, loaded, load, bytes, capacity)?)
}

fn stop_with_stdin(stop: Stop) {
    std::thread::spawn(move || {
        let mut buffer = [0; 256];
        let mut stdin = std::io::stdin().lock();
        while matches!(stdin.read(&mut buffer), Ok(n) if n > 0) {}
        stop.set();
    });
}
