use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::federation::Federation;
use crate::guard::Hosts;
use crate::member::Member;
use crate::metrics::Answered;
use crate::requests::Requests;
use crate::{ApiKey, Config, Limits, Registry, Summary};

/// What all connections share.
pub(crate) struct Shared {
    pub(crate) registry: Registry,
    pub(crate) keys: Vec<ApiKey>,
    pub(crate) members: Vec<Arc<Member>>,
    /// Whoever has one of `keys`, or anybody where there are none.
    pub(crate) anybody: Arc<Member>,
    pub(crate) federation: Federation,
    pub(crate) hosts: Hosts,
    pub(crate) limits: Limits,
    pub(crate) requests: Arc<Requests>,
    pub(crate) counters: Counters,
    pub(crate) answered: Answered,
    /// When the server started, in Unix seconds: what `created` of a model says.
    pub(crate) started: u64,
    random: RandomState,
    drawn: AtomicU64,
}

/// Totals for [`Summary`].
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) requests: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) abandoned: AtomicU64,
    pub(crate) tokens_in: AtomicU64,
    pub(crate) tokens_out: AtomicU64,
}

impl Counters {
    pub(crate) fn add(counter: &AtomicU64, by: usize) {
        counter.fetch_add(u64::try_from(by).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(crate) fn summary(&self) -> Summary {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Summary {
            requests: read(&self.requests),
            refused: read(&self.refused),
            abandoned: read(&self.abandoned),
            tokens_in: read(&self.tokens_in),
            tokens_out: read(&self.tokens_out),
        }
    }
}

impl Shared {
    pub(crate) fn new(config: Config, hosts: Hosts, registry: Registry) -> Self {
        let random = RandomState::new();
        // The counter starts at 0: nothing that is drawn later is this.
        let id = random.hash_one(u64::MAX);
        Self {
            registry,
            federation: Federation::new(id, config.upstreams, config.limits.request),
            keys: config.keys,
            members: config.members.into_iter().map(Arc::new).collect(),
            anybody: Arc::new(Member::unlimited("")),
            hosts,
            limits: config.limits,
            requests: Arc::default(),
            counters: Counters::default(),
            answered: Answered::default(),
            started: unix_seconds(),
            random,
            drawn: AtomicU64::new(0),
        }
    }

    /// A number that no earlier call gave with any likelihood: for ids and for seeds of requests
    /// that name none. The keyed hash of a counter; its key is the system's randomness.
    pub(crate) fn draw(&self) -> u64 {
        self.random.hash_one(self.drawn.fetch_add(1, Ordering::Relaxed))
    }
}

/// Now, in Unix seconds; 0 on a clock before 1970.
pub(crate) fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
