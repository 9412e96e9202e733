use std::sync::Arc;

use engine::{Complete, Embed};

use crate::lane::Lane;
use crate::refusal::Refusal;
use crate::resident::{Pool, Resident};
use crate::{Capacity, ServeError};

/// The models that are served, in the order they were added.
#[derive(Default)]
pub struct Registry {
    models: Vec<Model>,
    pub(crate) pool: Pool,
}

struct Model {
    id: String,
    complete: Option<Task<dyn Complete>>,
    embed: Option<Task<dyn Embed>>,
}

/// An engine and the way into it.
pub(crate) struct Task<E: ?Sized> {
    pub(crate) engine: Arc<Resident<E>>,
    pub(crate) lane: Lane,
}

impl Registry {
    /// No models.
    pub fn new() -> Self {
        Self::default()
    }

    /// No models, and so many bytes of weights at most of those that come and go.
    pub fn within(bytes: Option<u64>) -> Self {
        Self { models: Vec::new(), pool: Pool::new(bytes) }
    }

    /// Serves a model for chat and completions that is loaded when it is asked for, by `load`,
    /// which takes `bytes` of memory. `engine` is what is loaded already.
    ///
    /// # Errors
    /// As [`Registry::complete`], and [`ServeError::TooLarge`].
    pub fn complete_on_demand(
        &mut self,
        id: &str,
        engine: Option<Arc<dyn Complete>>,
        load: impl Fn() -> Result<Arc<dyn Complete>, String> + Send + Sync + 'static,
        bytes: u64,
        capacity: Capacity,
    ) -> Result<(), ServeError> {
        if !self.pool.holds(bytes) {
            return Err(ServeError::TooLarge(id.into()));
        }
        let engine = self.pool.add(engine, Some(Box::new(load)), bytes);
        self.add_complete(id, Task { engine, lane: Lane::new(capacity) })
    }

    /// Serves `engine` for chat and completions under the name `id`.
    ///
    /// # Errors
    /// [`ServeError::DuplicateModel`], [`ServeError::UnnamedModel`].
    pub fn complete(
        &mut self,
        id: &str,
        engine: Arc<dyn Complete>,
        capacity: Capacity,
    ) -> Result<(), ServeError> {
        let engine = self.pool.add(Some(engine), None, 0);
        self.add_complete(id, Task { engine, lane: Lane::new(capacity) })
    }

    fn add_complete(&mut self, id: &str, task: Task<dyn Complete>) -> Result<(), ServeError> {
        match self.entry(id)?.complete.replace(task) {
            None => Ok(()),
            Some(_) => Err(ServeError::DuplicateModel(id.into())),
        }
    }

    /// Serves `engine` for embeddings under the name `id`, which a model for chat may bear too.
    ///
    /// # Errors
    /// As [`Registry::complete`].
    pub fn embed(
        &mut self,
        id: &str,
        engine: Arc<dyn Embed>,
        capacity: Capacity,
    ) -> Result<(), ServeError> {
        let engine = self.pool.add(Some(engine), None, 0);
        let task = Task { engine, lane: Lane::new(capacity) };
        match self.entry(id)?.embed.replace(task) {
            None => Ok(()),
            Some(_) => Err(ServeError::DuplicateModel(id.into())),
        }
    }

    fn entry(&mut self, id: &str) -> Result<&mut Model, ServeError> {
        if id.is_empty() {
            return Err(ServeError::UnnamedModel);
        }
        let at = self.models.iter().position(|model| model.id == id).unwrap_or_else(|| {
            self.models.push(Model { id: id.into(), complete: None, embed: None });
            self.models.len() - 1
        });
        Ok(&mut self.models[at])
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.models.is_empty()
    }

    /// The names of all models.
    pub(crate) fn ids(&self) -> impl Iterator<Item = &str> {
        self.models.iter().map(|model| model.id.as_str())
    }

    /// Which models are loaded, by name.
    pub(crate) fn loaded(&self) -> impl Iterator<Item = (&str, bool)> {
        self.models.iter().map(|model| {
            let complete = model.complete.as_ref().is_some_and(|task| task.engine.is_loaded());
            let embed = model.embed.as_ref().is_some_and(|task| task.engine.is_loaded());
            (model.id.as_str(), complete || embed)
        })
    }

    /// The ways into all models, by name.
    pub(crate) fn lanes(&self) -> impl Iterator<Item = (&str, &Lane)> {
        self.models.iter().flat_map(|model| {
            let lanes =
                [model.complete.as_ref().map(|t| &t.lane), model.embed.as_ref().map(|t| &t.lane)];
            lanes.into_iter().flatten().map(|lane| (model.id.as_str(), lane))
        })
    }

    /// The model called `id`, or the first of those that complete when no name is given.
    pub(crate) fn completing(
        &self,
        id: Option<&str>,
    ) -> Result<(&str, &Task<dyn Complete>), Refusal> {
        self.find(id, "completions", |model| model.complete.as_ref())
    }

    /// The model called `id`, or the first of those that embed when no name is given.
    pub(crate) fn embedding(&self, id: Option<&str>) -> Result<(&str, &Task<dyn Embed>), Refusal> {
        self.find(id, "embeddings", |model| model.embed.as_ref())
    }

    fn find<'a, E: ?Sized>(
        &'a self,
        id: Option<&str>,
        task: &str,
        of: impl Fn(&'a Model) -> Option<&'a Task<E>>,
    ) -> Result<(&'a str, &'a Task<E>), Refusal> {
        let named = |model: &'a Model| of(model).map(|task| (model.id.as_str(), task));
        let Some(id) = id else {
            return self.models.iter().find_map(named).ok_or_else(|| Refusal::no_model(task));
        };
        let model = self.models.iter().find(|model| model.id == id);
        let model = model.ok_or_else(|| Refusal::unknown_model(id))?;
        named(model).ok_or_else(|| Refusal::wrong_model(id, task))
    }
}
