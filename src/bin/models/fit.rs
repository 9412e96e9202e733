use std::sync::Arc;

use cli::Error;
use engine::Cancel;
use modelstore::tuning::Speed;
use modelstore::{Entry, ResolveError, Resolved, Task, cpu, memory};
use serde::Serialize;

use crate::args::FitArgs;
use crate::output::{Output, rounded, size};
use crate::plan::Plan;
use crate::table::Table;

/// Where a speed is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Source {
    /// Measured on this machine.
    Measured,
    /// Scaled from another model's by the bytes of the files.
    Estimated,
}

/// A model of the catalogue on this machine.
#[derive(Debug, Serialize)]
struct Row<'a> {
    name: &'a str,
    task: Task,
    here: bool,
    /// Bytes of the file that is used, or would be.
    bytes: u64,
    /// Bytes of memory it needs.
    memory: u64,
    /// Bytes of memory that are available now.
    #[serde(skip_serializing_if = "Option::is_none")]
    available: Option<u64>,
    /// Whether they are enough; absent where the system does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    fits: Option<bool>,
    /// Prompt tokens a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_rate: Option<f64>,
    /// Generated tokens a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    answer_rate: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    speed: Option<Source>,
    /// The measured model that an estimate is scaled from.
    #[serde(skip_serializing_if = "Option::is_none")]
    estimated_from: Option<&'a str>,
    /// Format of the tuned file that is used.
    #[serde(skip_serializing_if = "Option::is_none")]
    tuned: Option<String>,
    /// What `--model auto` takes here and now.
    auto: bool,
}

impl Row<'_> {
    fn cells(&self) -> Vec<String> {
        let is_estimate = self.speed == Some(Source::Estimated);
        let rate = |rate: Option<f64>| match rate {
            Some(rate) if is_estimate => format!("~{rate:.0}"),
            Some(rate) => format!("{rate:.0}"),
            None => String::new(),
        };
        let mut notes = Vec::new();
        notes.extend(self.auto.then(|| "--model auto takes it".to_owned()));
        notes.extend(self.tuned.iter().map(|format| format!("tuned: {format}")));
        notes.extend(self.estimated_from.map(|name| format!("estimated from {name}")));
        vec![
            self.name.to_owned(),
            self.task.to_string(),
            if self.here { "yes" } else { "" }.to_owned(),
            size(self.memory),
            self.fits.map_or("?", |fits| if fits { "yes" } else { "no" }).to_owned(),
            rate(self.prompt_rate),
            rate(self.answer_rate),
            notes.join("; "),
        ]
    }
}

/// A model that was measured, for the estimates of others.
struct Known<'a> {
    name: &'a str,
    task: Task,
    bytes: u64,
    speed: Speed,
}

pub(crate) fn run(args: &FitArgs, plan: &Plan, out: &mut Output) -> Result<(), Error> {
    let entries = if args.names.is_empty() {
        plan.store
            .catalogue()
            .entries()
            .iter()
            .filter(|e| !matches!(e.task, Task::Vad | Task::Geocode | Task::Faces | Task::Label))
            .collect()
    } else {
        plan.entries(&args.names)?
    };
    let available = memory::available();
    let mut rows = Vec::new();
    let mut known = Vec::new();
    for entry in entries {
        if plan.is_stopping() {
            return Ok(());
        }
        let file = match here(entry, plan) {
            Ok(file) => file,
            Err(error) => {
                out.unusable(&entry.name, &error.to_string())?;
                continue;
            }
        };
        let bytes = file.as_ref().map_or(entry.bytes, |file| file.inspection.bytes);
        let memory = entry.memory_of(bytes);
        let fits = available.map(|available| memory <= available);
        let speed = match &file {
            Some(file) if is_measurable(entry.task) && fits != Some(false) => {
                speed(args, entry, file, plan, out)?
            }
            _ => None,
        };
        known.extend(speed.map(|speed| Known {
            name: &entry.name,
            task: entry.task,
            bytes,
            speed,
        }));
        rows.push(Row {
            name: &entry.name,
            task: entry.task,
            here: file.is_some(),
            bytes,
            memory,
            available,
            fits,
            prompt_rate: speed.map(|speed| rounded(speed.prompt_rate, 1)),
            answer_rate: speed.and_then(|s| s.answer_rate).map(|rate| rounded(rate, 1)),
            speed: speed.map(|_| Source::Measured),
            estimated_from: None,
            tuned: file.and_then(|file| file.tuned),
            auto: false,
        });
    }
    complete(&mut rows, &known, plan);
    show(&rows, out)
}

/// Speeds are measured of what llama.cpp runs; this program does not link whisper.cpp.
fn is_measurable(task: Task) -> bool {
    matches!(task, Task::Complete | Task::Embed)
}

/// The file that programs use, if the model itself is here.
fn here(entry: &Entry, plan: &Plan) -> Result<Option<Resolved>, ResolveError> {
    match plan.store.resolve(&entry.name, entry.task) {
        Ok(file) if file.in_place_of.is_none() => Ok(Some(file)),
        Ok(_) | Err(ResolveError::Missing(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// What was measured of a file on this machine, now or before.
fn speed(
    args: &FitArgs,
    entry: &Entry,
    file: &Resolved,
    plan: &Plan,
    out: &mut Output,
) -> Result<Option<Speed>, Error> {
    if let Some(known) = plan.store.speed(file.sha256).filter(|_| !args.force) {
        return Ok(Some(known));
    }
    log::info!("measuring {}", entry.name);
    let options = crate::tune::options(&file.path, cpu::cores());
    match llama::measure_speed(&options, &Cancel::on(Arc::clone(&plan.stop))) {
        Ok(speed) => {
            plan.store.note_speed(file.sha256, speed)?;
            Ok(Some(speed))
        }
        Err(engine::Error::Cancelled(_)) => Ok(None),
        Err(error) => {
            out.unusable(&entry.name, &error.to_string())?;
            Ok(None)
        }
    }
}

/// Estimates what was not measured, and marks what `--model auto` takes.
fn complete<'a>(rows: &mut [Row<'a>], known: &[Known<'a>], plan: &Plan) {
    let auto = [Task::Complete, Task::Embed]
        .into_iter()
        .filter(|task| known.iter().any(|known| known.task == *task))
        .filter_map(|task| Some(plan.store.resolve_auto(task, false).ok()?.name));
    let auto: Vec<String> = auto.collect();
    for row in rows {
        row.auto = auto.iter().any(|name| name == row.name);
        if row.speed.is_some() || row.here {
            continue;
        }
        let Some(nearest) = nearest(row.task, row.bytes, known) else { continue };
        let scale = nearest.bytes as f64 / row.bytes.max(1) as f64;
        row.prompt_rate = Some(rounded(nearest.speed.prompt_rate * scale, 1));
        row.answer_rate = nearest.speed.answer_rate.map(|rate| rounded(rate * scale, 1));
        row.speed = Some(Source::Estimated);
        row.estimated_from = Some(nearest.name);
    }
}

/// The measured model for the same task that is nearest in size.
fn nearest<'k, 'a>(task: Task, bytes: u64, known: &'k [Known<'a>]) -> Option<&'k Known<'a>> {
    let distance =
        |known: &&Known<'_>| (known.bytes.max(1) as f64 / bytes.max(1) as f64).ln().abs();
    known
        .iter()
        .filter(|known| known.task == task)
        .min_by(|a, b| distance(a).total_cmp(&distance(b)))
}

fn show(rows: &[Row<'_>], out: &mut Output) -> Result<(), Error> {
    if out.is_json() {
        return rows.iter().try_for_each(|row| out.json(row));
    }
    let titles = ["NAME", "TASK", "HERE", "MEMORY", "FITS", "PROMPT/S", "ANSWER/S", "NOTES"];
    let mut table = Table::new(&titles, &[3, 5, 6]);
    rows.iter().for_each(|row| table.push(row.cells()));
    out.text(&table.lines(out.width()).join("\n"))?;
    if let Some(available) = rows.iter().find_map(|row| row.available) {
        log::info!("{} of memory are available", size(available));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(name: &str, task: Task, bytes: u64) -> Known<'_> {
        let speed = Speed { prompt_rate: 600.0, answer_rate: Some(120.0) };
        Known { name, task, bytes, speed }
    }

    #[test]
    fn an_estimate_comes_from_the_nearest_model_for_the_same_task() {
        let all = [
            known("small", Task::Complete, 100),
            known("large", Task::Complete, 1000),
            known("embedder", Task::Embed, 290),
        ];
        let from = |task, bytes| nearest(task, bytes, &all).map(|known| known.name);
        assert_eq!(from(Task::Complete, 300), Some("small"));
        assert_eq!(from(Task::Complete, 400), Some("large"));
        assert_eq!(from(Task::Embed, 1), Some("embedder"));
        assert_eq!(from(Task::Transcribe, 100), None);
    }
}
