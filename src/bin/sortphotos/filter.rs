use std::io::IsTerminal as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cli::{Bar, Emit, Filter, Halt, Input, Operands, Stop};
use expression::Expression;
use journal::Way;
use records::{Failure, Record, Text, Usage};
use store::Digests;

use crate::acting::Actor;
use crate::candidates::Comparer;
use crate::destination::{Decision, Fate, decide};
use crate::gather::Gather;
use crate::item::All;
use crate::look::Looker;
use crate::output::Plan;
use crate::read::Reader;
use crate::sheet::Sheet;
use crate::sidecars::{Tasks, Writing};
use crate::spread::Spread;
use crate::summary::Summary;
use crate::template::Template;

/// Files: where each goes is known after the last.
pub(crate) struct SortFilter {
    pub(crate) gather: Gather,
    pub(crate) reader: Reader,
    pub(crate) looker: Looker,
    pub(crate) template: Template,
    pub(crate) condition: Option<Expression>,
    pub(crate) writing: Option<Writing>,
    pub(crate) digests: Option<Digests>,
    pub(crate) threads: usize,
    /// The key of the main result.
    pub(crate) result: String,
    /// Puts files in their places, or says how it would.
    pub(crate) actor: Option<Arc<Mutex<Actor>>>,
    pub(crate) sheet: Option<Sheet>,
    pub(crate) summary: Arc<Mutex<Summary>>,
    pub(crate) stop: Stop,
    pub(crate) bars: Bars,
}

/// What is told about progress.
pub(crate) struct Bars {
    pub(crate) reading: Bar,
    pub(crate) looking: Bar,
    pub(crate) comparing: Bar,
    pub(crate) acting: Bar,
}

impl Bars {
    /// Bars with what is left of each stage.
    pub(crate) fn new(args: &cli::GeneralArgs) -> Self {
        let bar = |what: &str| {
            Bar::new(args, None, &format!("{what} {{pos}} of {{len}}, {{elapsed}}, {{eta}} left"))
        };
        Self {
            reading: bar("reading"),
            looking: bar("looking at"),
            comparing: bar("comparing"),
            acting: bar("sorting"),
        }
    }
}

/// Whatever a panic of another thread left is as good as before it.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl SortFilter {
    fn spread<'a>(&'a self, bar: &'a Bar) -> Spread<'a> {
        Spread { threads: self.threads, stop: &self.stop, bar }
    }

    /// Why a unit is not wanted.
    fn unwanted(&self, all: &All, unit: usize) -> Option<String> {
        let condition = self.condition.as_ref()?;
        let main = all.main(unit);
        let mut record = main.record().unwrap_or_else(|_| Record::of_path(&main.path));
        record.set(&self.result, &main.photo);
        match condition.admits(record.as_str()) {
            Ok(true) => None,
            Ok(false) => Some("--where is not true of it".to_owned()),
            Err(error) => Some(format!("--where: {error}")),
        }
    }

    fn decide(&self, all: &All) -> Vec<Decision> {
        let comparer = Comparer {
            threads: self.threads * 2,
            digests: self.digests.as_ref(),
            stop: &self.stop,
            bar: &self.bars.comparing,
        };
        decide(all, &self.template, &comparer, &|unit| self.unwanted(all, unit))
    }

    fn way(&self) -> Way {
        self.actor.as_ref().map_or(Way::Move, |actor| lock(actor).way())
    }

    /// What is to be done for each unit, written down.
    fn prepare(&self, all: &All, decisions: &[Decision]) -> Vec<Tasks> {
        let way = self.way();
        let tasks: Vec<Tasks> = decisions
            .iter()
            .enumerate()
            .map(|(unit, decision)| Tasks::new(all, unit, decision, way, self.writing.as_ref()))
            .collect();
        if let Some(actor) = &self.actor {
            let plans = tasks.iter().enumerate();
            let plans = plans.filter(|(_, task)| !task.planned.is_empty());
            lock(actor).prepare(plans.map(|(unit, task)| (unit, task.planned.clone())).collect());
        }
        tasks
    }

    fn emit(&self, all: &All, out: &mut Emit<'_>) -> Result<(), Halt> {
        let decisions = self.decide(all);
        self.bars.comparing.finish();
        if self.stop.is_set() {
            return Err(Halt::Stopped);
        }
        let tasks = self.prepare(all, &decisions);
        // The unit of each file, and its place in it.
        let mut places = vec![None; all.items.len()];
        for (unit, members) in all.units.iter().enumerate() {
            for (at, member) in members.members.iter().enumerate() {
                places[member.file] = Some((unit, at));
            }
        }
        let mut done: Vec<Option<Result<bool, Failure>>> = Vec::new();
        done.resize_with(all.units.len(), || None);
        let total = all.units.len() as u64;
        for (file, item) in all.items.iter().enumerate().filter(|(_, item)| item.place.is_some()) {
            let broken = self.actor.as_ref().is_some_and(|actor| lock(actor).is_broken());
            if out.is_stopping() || broken {
                return Err(Halt::Stopped);
            }
            let mut record = item.record()?;
            let Some((unit, at)) = places[file] else {
                out.fail(record, Failure::new(records::Code::Bug, "it was not grouped"))?;
                continue;
            };
            if done[unit].is_none() {
                let acted = self.actor.as_ref().map_or(Ok(false), |actor| lock(actor).act(unit));
                done[unit] = Some(acted);
                self.bars.acting.set(unit as u64 + 1, total);
            }
            let failure = item.failure.clone().or_else(|| done[unit].clone()?.err());
            let acted = matches!(done[unit], Some(Ok(true)));
            let plan = self.plan(all, unit, at, &decisions[unit], &tasks[unit], acted);
            lock(&self.summary).count(all, file, &plan, failure.as_ref());
            if let Some(failure) = failure {
                out.fail(record, failure)?;
                continue;
            }
            if item.is_media() {
                record.set(&self.result, &item.photo);
            }
            record.set("plan", &plan);
            out.record(record, Usage::default())?;
        }
        self.bars.acting.finish();
        if let Some(sheet) = &self.sheet {
            let thumbnails = self.looker.thumbnails.as_ref().map(lock);
            sheet.write(all, &decisions, thumbnails.as_deref())?;
        }
        Ok(())
    }

    /// What is said of the file at place `at` of a unit.
    fn plan(
        &self,
        all: &All,
        unit: usize,
        at: usize,
        decision: &Decision,
        tasks: &Tasks,
        acted: bool,
    ) -> Plan {
        let members = &all.units[unit].members;
        let text = |path: &std::path::Path| Text::from_os(path.as_os_str());
        let path = |member: usize| text(&all.items[members[member].file].path);
        let leads = at == 0;
        let (mut to, mut of) = (None, None);
        let action = match decision.fates.get(at) {
            Some(Fate::Goes(place)) => {
                to = Some(text(place));
                self.way().name()
            }
            Some(Fate::Stays) => "stay",
            Some(Fate::Repeats(other)) => {
                of = Some(text(other));
                "duplicate"
            }
            Some(Fate::Left) | None => "leave",
        };
        let mut why = decision.why.clone();
        if let Some(trouble) = tasks.trouble.as_ref().filter(|_| leads) {
            why.push_str(&format!("; no sidecar: {trouble}"));
        }
        let with = if leads { (1..members.len()).map(path).collect() } else { Vec::new() };
        Plan {
            action,
            done: acted && to.is_some(),
            to,
            of,
            why,
            part: (members.len() > 1).then(|| members[at].part.name()),
            group: (!leads).then(|| path(0)),
            with,
            sidecar: tasks.sidecar.as_ref().filter(|_| leads).map(|place| text(place)),
        }
    }
}

impl Filter for SortFilter {
    type Worker = ();

    const RESULT: &'static str = "photo";
    const OPERANDS: Operands = Operands::Files;
    const SLOW: bool = false;

    fn worker(&self) -> Result<(), Failure> {
        Ok(())
    }

    fn apply(&self, (): &mut (), input: &Input, _: &mut Emit<'_>) -> Result<(), Halt> {
        Ok(self.gather.add(input)?)
    }

    fn finish(&self, out: &mut Emit<'_>) -> Result<(), Halt> {
        let items = self.gather.take();
        let mut all = self.reader.read(items, &self.spread(&self.bars.reading));
        self.bars.reading.finish();
        if self.stop.is_set() {
            return Err(Halt::Stopped);
        }
        self.looker.look(&mut all, &self.spread(&self.bars.looking));
        self.bars.looking.finish();
        if self.stop.is_set() {
            return Err(Halt::Stopped);
        }
        self.emit(&all, out)
    }
}

/// Whether people look at the output.
pub(crate) fn is_shown() -> bool {
    std::io::stdout().is_terminal()
}
