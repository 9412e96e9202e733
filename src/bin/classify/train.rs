//! `--train`: from labelled records to a head.

use std::collections::BTreeMap;
use std::path::Path;

use cli::{Error, Exit, Session};
use engine::{Cancel, Embed};
use serde::Serialize;

use crate::calibration::Calibration;
use crate::classifier::softmax;
use crate::embedding::{ask_all, embed};
use crate::file;
use crate::folds::assign;
use crate::head::{Head, ModelRef};
use crate::labelled::{LabelledSet, count_classes};
use crate::labels;
use crate::minimise::Unconverged;
use crate::output::{Report, print, rounded};
use crate::regression::{Samples, fit};
use crate::reliability::{accuracy, calibration_error, grade};
use crate::validate::{calibrate_across, validate};

/// How to train.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Training {
    pub(crate) folds: usize,
    pub(crate) seed: u64,
    pub(crate) workers: usize,
}

/// What came of it. Accuracy and calibration error are those on records left out of the fit.
#[derive(Debug, Serialize)]
pub(crate) struct Trained {
    head: String,
    records: usize,
    skipped: usize,
    classes: BTreeMap<String, usize>,
    folds: usize,
    accuracy: f64,
    calibration_error: f64,
    calibration_error_before: f64,
    strength: f64,
    temperature: f64,
    model: ModelRef,
}

impl Report for Trained {
    fn lines(&self) -> Vec<String> {
        let classes: Vec<String> =
            self.classes.iter().map(|(name, count)| format!("{name} {count}")).collect();
        vec![
            format!("{}: {} records ({})", self.head, self.records, classes.join(", ")),
            format!(
                "on records left out: accuracy {:.1} %, calibration error {:.3}",
                100.0 * self.accuracy,
                self.calibration_error
            ),
        ]
    }
}

/// Embeds the records, fits the head, writes it to `path` and prints the report.
///
/// # Errors
/// When the records do not do, or the file cannot be written.
pub(crate) fn run(
    set: &LabelledSet,
    embedder: &dyn Embed,
    training: Training,
    path: &Path,
    session: &Session,
    advance: &(dyn Fn() + Sync),
) -> Result<Exit, Error> {
    let counts = count_classes(&set.records);
    labels::check(counts.keys().copied())?;
    if let Some((class, _)) = counts.iter().find(|(_, count)| **count < 2) {
        let message = format!("the class '{class}' has one record, and two are needed to test it");
        return Err(Error::setup(message));
    }
    let cancel = Cancel::on(session.stop.flag());
    let vectors = ask_all(&set.records, training.workers, |one| {
        let found = embed(embedder, &one.text, &cancel)?;
        advance();
        Ok(found.vector)
    })?;
    let classes: Vec<&str> = counts.keys().copied().collect();
    let samples = Samples {
        vectors: vectors.iter().map(Vec::as_slice).collect(),
        labels: set
            .records
            .iter()
            .filter_map(|one| classes.binary_search(&one.label.as_str()).ok())
            .collect(),
        classes: classes.len(),
    };
    let texts: Vec<&str> = set.records.iter().map(|one| one.text.as_str()).collect();
    let parts = assign(&texts, &samples.labels, training.folds, training.seed);
    let info = embedder.model();
    let model = ModelRef { name: info.name.clone(), sha256: info.sha256.clone() };
    let fitted = fit_head(&samples, &parts, training.folds)?;
    let named = counts.iter().map(|(name, count)| ((*name).to_owned(), *count as u64)).collect();
    let head =
        Head::new(model.clone(), named, fitted.linear, fitted.temperature, Some(fitted.strength));
    file::write(path, &head)?;
    print(&Trained {
        head: path.display().to_string(),
        records: set.records.len(),
        skipped: set.skipped,
        classes: counts.into_iter().map(|(name, count)| (name.to_owned(), count)).collect(),
        folds: training.folds,
        accuracy: rounded(fitted.accuracy),
        calibration_error: rounded(fitted.calibration_error),
        calibration_error_before: rounded(fitted.calibration_error_before),
        strength: fitted.strength,
        temperature: rounded(fitted.temperature),
        model,
    })?;
    Ok(Exit::Success)
}

struct Fitted {
    linear: crate::regression::Linear,
    strength: f64,
    temperature: f64,
    accuracy: f64,
    calibration_error: f64,
    calibration_error_before: f64,
}

/// The head of all records, with the strength and temperature found by cross-validation.
fn fit_head(samples: &Samples<'_>, parts: &[usize], folds: usize) -> Result<Fitted, Unconverged> {
    let validated = validate(samples, parts, folds)?;
    let raw: Vec<Vec<f64>> = validated.answers.logits.iter().map(|row| softmax(row)).collect();
    let honest = calibrate_across(&validated.answers, parts, folds, false)?;
    let graded = grade(&honest, &samples.labels);
    Ok(Fitted {
        linear: fit(samples, validated.strength, None)?,
        strength: validated.strength,
        temperature: Calibration::fit(&validated.answers, false)?.temperature,
        accuracy: accuracy(&graded),
        calibration_error: calibration_error(&graded),
        calibration_error_before: calibration_error(&grade(&raw, &samples.labels)),
    })
}
