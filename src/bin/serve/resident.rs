//! Models that are loaded when somebody asks for them, and go when another one needs their memory.

use std::any::Any;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::refusal::Refusal;

/// Loads an engine; takes seconds.
pub(crate) type Load<E> = Box<dyn Fn() -> Result<Arc<E>, String> + Send + Sync>;

/// An engine that may not be loaded at the moment.
pub(crate) struct Resident<E: ?Sized> {
    engine: Mutex<Option<Arc<E>>>,
    /// None for one that always stays.
    load: Option<Load<E>>,
    /// Bytes of its weights.
    bytes: u64,
    used: AtomicU64,
}

/// The memory that models share.
#[derive(Default)]
pub(crate) struct Pool {
    /// Bytes of weights, at most.
    limit: Option<u64>,
    models: Mutex<Vec<Weak<dyn Loaded>>>,
    clock: AtomicU64,
    /// One is loaded at a time.
    loading: Arc<tokio::sync::Mutex<()>>,
}

/// A model as the pool sees it.
trait Loaded: Send + Sync {
    /// Bytes that it takes now.
    fn bytes(&self) -> u64;
    fn used(&self) -> u64;
    /// Lets it go, unless it is in use or has to stay.
    fn release(&self) -> Option<Box<dyn Any + Send>>;
}

impl Pool {
    pub(crate) fn new(limit: Option<u64>) -> Self {
        Self { limit, ..Self::default() }
    }

    /// Puts a model into the pool.
    pub(crate) fn add<E: ?Sized + Send + Sync + 'static>(
        &self,
        engine: Option<Arc<E>>,
        load: Option<Load<E>>,
        bytes: u64,
    ) -> Arc<Resident<E>> {
        let (engine, used) = (Mutex::new(engine), AtomicU64::new(0));
        let model = Arc::new(Resident { engine, load, bytes, used });
        let known: Weak<dyn Loaded> = Arc::downgrade(&model) as Weak<dyn Loaded>;
        self.models.lock().unwrap_or_else(PoisonError::into_inner).push(known);
        model
    }

    /// Whether a model of so many bytes can be loaded at all.
    pub(crate) fn holds(&self, bytes: u64) -> bool {
        self.limit.is_none_or(|limit| bytes <= limit)
    }

    /// Takes models out, least recently used first, until there is room; `None` when those that
    /// are in use leave too little.
    fn make_room(&self, bytes: u64) -> Option<Vec<Box<dyn Any + Send>>> {
        let Some(limit) = self.limit else { return Some(Vec::new()) };
        let models = self.models.lock().unwrap_or_else(PoisonError::into_inner);
        let mut models: Vec<Arc<dyn Loaded>> = models.iter().filter_map(Weak::upgrade).collect();
        models.sort_by_key(|model| model.used());
        let mut taken: u64 = models.iter().map(|model| model.bytes()).sum();
        let mut released = Vec::new();
        for model in models {
            if taken.saturating_add(bytes) <= limit {
                break;
            }
            let size = model.bytes();
            if let Some(engine) = model.release() {
                taken -= size;
                released.push(engine);
            }
        }
        (taken.saturating_add(bytes) <= limit).then_some(released)
    }
}

impl<E: ?Sized + Send + Sync + 'static> Resident<E> {
    fn lock(&self) -> MutexGuard<'_, Option<Arc<E>>> {
        self.engine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn here(&self, pool: &Pool) -> Option<Arc<E>> {
        self.used.store(pool.clock.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
        self.lock().clone()
    }

    pub(crate) fn is_loaded(&self) -> bool {
        self.lock().is_some()
    }

    /// The engine, loaded if it has to be. It stays while somebody holds it.
    ///
    /// # Errors
    /// [`Refusal::no_memory`] while others take the room, and an engine that cannot be loaded.
    pub(crate) async fn get(self: &Arc<Self>, pool: &Pool) -> Result<Arc<E>, Refusal> {
        if let Some(engine) = self.here(pool) {
            return Ok(engine);
        }
        let turn = Arc::clone(&pool.loading).lock_owned().await;
        if let Some(engine) = self.here(pool) {
            return Ok(engine);
        }
        let released = pool.make_room(self.bytes).ok_or_else(Refusal::no_memory)?;
        let this = Arc::clone(self);
        // Goes on when the client leaves: the next one finds it loaded.
        let loading = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            drop(released);
            let engine = this.load.as_ref().ok_or("it was lost")?()?;
            *this.lock() = Some(Arc::clone(&engine));
            Ok::<_, String>(engine)
        });
        let loaded = loading.await.unwrap_or_else(|_| Err("loading it panicked".to_owned()));
        loaded.map_err(|reason| {
            log::error!("a model cannot be loaded: {reason}");
            Refusal::engine("the model cannot be loaded")
        })
    }
}

impl<E: ?Sized + Send + Sync + 'static> Loaded for Resident<E> {
    fn bytes(&self) -> u64 {
        if self.is_loaded() { self.bytes } else { 0 }
    }

    fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    fn release(&self) -> Option<Box<dyn Any + Send>> {
        let mut engine = self.lock();
        let idle = engine.as_ref().is_some_and(|engine| Arc::strong_count(engine) == 1);
        if !idle || self.load.is_none() {
            return None;
        }
        engine.take().map(|engine| Box::new(engine) as Box<dyn Any + Send>)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(pool: &Pool, name: &'static str, bytes: u64) -> Arc<Resident<str>> {
        pool.add(None, Some(Box::new(move || Ok(Arc::from(name)))), bytes)
    }

    #[test]
    fn the_least_recently_used_idle_model_goes_first() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let pool = Pool::new(Some(100));
        let [a, b, c] = ["a", "b", "c"].map(|name| model(&pool, name, 40));
        let loaded = || [&a, &b, &c].map(|model| model.is_loaded());
        runtime.block_on(async {
            assert_eq!(&*a.get(&pool).await.expect("a"), "a");
            b.get(&pool).await.expect("b");
            assert_eq!(loaded(), [true, true, false]);
            a.get(&pool).await.expect("a again");
            let held = c.get(&pool).await.expect("c");
            assert_eq!(loaded(), [true, false, true], "b was used least recently");
            let also_held = a.get(&pool).await.expect("a");
            assert!(b.get(&pool).await.is_err(), "all are in use");
            drop(held);
            b.get(&pool).await.expect("b");
            assert_eq!(loaded(), [true, true, false]);
            drop(also_held);
        });
        assert!(pool.holds(100) && !pool.holds(101));
    }
}
