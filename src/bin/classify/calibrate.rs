//! `--calibrate`: from labelled records to a calibration, and what it lets stay local.

use std::path::Path;

use cli::{Error, Exit, Session};
use engine::Cancel;
use serde::{Deserialize, Serialize};

use crate::calibration::{Answers, Calibration};
use crate::classifier::{Classifier, softmax};
use crate::embedding::ask_all;
use crate::file::{self, FileError};
use crate::folds::assign;
use crate::labelled::{Labelled, LabelledSet};
use crate::output::{Report, print, rounded};
use crate::reliability::{Coverage, accuracy, calibration_error, coverages, grade};
use crate::validate::calibrate_across;

const FORMAT: &str = "headwater-calibration-1";

/// Fewer records than this say nothing about confidence.
const MIN_RECORDS: usize = 10;

/// Parts for cross-validation.
const FOLDS: usize = 5;

/// A calibration as it stands in its file. `classifier` is a hash of what it was fitted for:
/// model, labels, prompt and settings, or the head.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct CalibrationFile {
    format: String,
    classifier: String,
    model: String,
    classes: Vec<String>,
    records: usize,
    calibration: Calibration,
}

impl CalibrationFile {
    /// The calibration in `path`, if it was fitted for `classifier`.
    ///
    /// # Errors
    /// When it was fitted for another one, or is no calibration.
    pub(crate) fn load(
        path: &Path,
        classifier: &dyn Classifier,
        stop: &cli::Stop,
    ) -> Result<Calibration, FileError> {
        let fail = |reason: String| FileError::new(path, reason);
        let read: Self = file::read(path, "a calibration", stop)?;
        let sound = read.calibration.is_sound(read.classes.len());
        if read.format != FORMAT || !sound {
            return Err(fail("not a calibration".into()));
        }
        if read.classifier != classifier.identity() || read.classes != classifier.classes() {
            return Err(fail(format!(
                "it is for other labels, settings or another model: fitted with {} for {}",
                read.model,
                read.classes.join(",")
            )));
        }
        Ok(read.calibration)
    }
}

/// How good the classifier is on the records, before and after. The figures after are honest:
/// each record is calibrated by what was fitted to the others.
#[derive(Debug, Serialize)]
pub(crate) struct Calibrated {
    calibration: String,
    records: usize,
    skipped: usize,
    accuracy_before: f64,
    accuracy: f64,
    calibration_error_before: f64,
    calibration_error: f64,
    temperature: f64,
    coverage: Vec<Coverage>,
}

impl Report for Calibrated {
    fn lines(&self) -> Vec<String> {
        let mut lines = vec![
            format!("{}: {} records", self.calibration, self.records),
            format!(
                "accuracy {:.1} % (before: {:.1} %), calibration error {:.3} (before: {:.3})",
                100.0 * self.accuracy,
                100.0 * self.accuracy_before,
                self.calibration_error,
                self.calibration_error_before
            ),
            "accuracy wanted   stays local   confidence at least".into(),
        ];
        lines.extend(self.coverage.iter().map(|one| {
            let threshold = one.threshold.map_or_else(|| "-".into(), |t| format!("{t:.3}"));
            format!("{:>13.0} % {:>11.1} %   {threshold}", 100.0 * one.target, 100.0 * one.coverage)
        }));
        lines
    }
}

/// Asks `classifier` about the records, fits, writes `path` and prints the report. A classifier
/// that was not trained on the task gets an offset for each class besides the temperature.
///
/// # Errors
/// When the records do not do, or the file cannot be written.
pub(crate) fn run(
    set: &LabelledSet,
    classifier: &dyn Classifier,
    workers: usize,
    path: &Path,
    session: &Session,
    advance: &(dyn Fn() + Sync),
) -> Result<Exit, Error> {
    let classes = classifier.classes();
    let known = |one: &Labelled| classes.iter().position(|class| *class == one.label);
    let (records, labels): (Vec<&Labelled>, Vec<usize>) =
        set.records.iter().filter_map(|one| Some((one, known(one)?))).unzip();
    let skipped = set.skipped + set.records.len() - records.len();
    if records.len() < MIN_RECORDS {
        let message = format!(
            "{} records have a text and one of the labels, and {MIN_RECORDS} are needed",
            records.len()
        );
        return Err(Error::setup(message));
    }
    let cancel = Cancel::on(session.stop.flag());
    let logits = ask_all(&records, workers, |one| {
        let found = classifier.opinion(&one.text, &cancel)?;
        advance();
        Ok(found.logits)
    })?;
    let answers = Answers { logits, labels };
    let (report, calibration) = judge(&answers, &records, classifier)?;
    let written = CalibrationFile {
        format: FORMAT.into(),
        classifier: classifier.identity(),
        model: classifier.model().name.clone(),
        classes: classes.to_vec(),
        records: records.len(),
        calibration,
    };
    file::write(path, &written)?;
    print(&Calibrated { calibration: path.display().to_string(), skipped, ..report })?;
    Ok(Exit::Success)
}

/// Fits, and grades before and after.
fn judge(
    answers: &Answers,
    records: &[&Labelled],
    classifier: &dyn Classifier,
) -> Result<(Calibrated, Calibration), Error> {
    let own = classifier.calibration();
    let before = |row: &Vec<f64>| own.map_or_else(|| softmax(row), |c| c.probabilities(row));
    let before: Vec<Vec<f64>> = answers.logits.iter().map(before).collect();
    let texts: Vec<&str> = records.iter().map(|one| one.text.as_str()).collect();
    let parts = assign(&texts, &answers.labels, FOLDS, 0);
    let with_offsets = own.is_none();
    let after = calibrate_across(answers, &parts, FOLDS, with_offsets)?;
    let calibration = Calibration::fit(answers, with_offsets)?;
    let (before, after) = (grade(&before, &answers.labels), grade(&after, &answers.labels));
    let mut coverage = coverages(&after);
    for one in &mut coverage {
        one.coverage = rounded(one.coverage);
        // Down, so that the answer it stems from still reaches it.
        one.threshold = one.threshold.map(|t| (t * 1e4).floor() / 1e4);
        one.accuracy = one.accuracy.map(rounded);
        one.accuracy_at_least = one.accuracy_at_least.map(rounded);
    }
    let report = Calibrated {
        calibration: String::new(),
        records: records.len(),
        skipped: 0,
        accuracy_before: rounded(accuracy(&before)),
        accuracy: rounded(accuracy(&after)),
        calibration_error_before: rounded(calibration_error(&before)),
        calibration_error: rounded(calibration_error(&after)),
        temperature: rounded(calibration.temperature),
        coverage,
    };
    Ok((report, calibration))
}
