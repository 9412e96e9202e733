//! How the results of a tuning are shown.

use cli::Error;
use modelstore::Tuning;
use modelstore::tuning::{Limits, Loss, Measured};
use serde::Serialize;

use crate::output::{Output, rounded, size};
use crate::table::Table;

/// One file of a model, measured.
#[derive(Serialize)]
struct Row<'a> {
    name: &'a str,
    format: &'a str,
    bytes: u64,
    /// Prompt tokens a second.
    prompt_rate: f64,
    /// Generated tokens a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    answer_rate: Option<f64>,
    /// Mean KL divergence from the original, in nats.
    #[serde(skip_serializing_if = "Option::is_none")]
    kl: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    perplexity: Option<f64>,
    /// The original's perplexity, measured with this one's.
    #[serde(skip_serializing_if = "Option::is_none")]
    original_perplexity: Option<f64>,
    /// How often its likeliest token is the original's.
    #[serde(skip_serializing_if = "Option::is_none")]
    top1: Option<f64>,
    original: bool,
    /// The programs use this file from now on.
    used: bool,
    /// From an earlier run.
    remembered: bool,
}

impl<'a> Row<'a> {
    /// The row of the original, or of the candidate `row`.
    fn new(name: &'a str, tuning: &'a Tuning, row: Option<&'a Measured>, remembered: bool) -> Self {
        let original = row.is_none();
        let row = row.unwrap_or(&tuning.measured);
        let chosen = tuning.chosen.as_ref().map(|chosen| chosen.format.as_str());
        let loss = row.loss.as_ref();
        // The original's perplexity comes with each comparison.
        let perplexity = if original {
            let known = tuning.candidates.iter().find_map(|row| row.loss.as_ref());
            known.map(|loss| loss.original_perplexity)
        } else {
            loss.map(|loss| loss.perplexity)
        };
        Self {
            name,
            format: &row.format,
            bytes: row.bytes,
            prompt_rate: rounded(row.speed.prompt_rate, 1),
            answer_rate: row.speed.answer_rate.map(|rate| rounded(rate, 1)),
            kl: loss.map(|loss| rounded(loss.kl, 5)),
            perplexity: perplexity.map(|perplexity| rounded(perplexity, 3)),
            original_perplexity: loss.map(|loss| rounded(loss.original_perplexity, 3)),
            top1: loss.map(|loss| rounded(loss.top1, 4)),
            original,
            used: if original { chosen.is_none() } else { chosen == Some(row.format.as_str()) },
            remembered,
        }
    }

    fn cells(&self, limits: &Limits, loss: Option<&Loss>) -> Vec<String> {
        let number = |value: Option<f64>, digits: usize| {
            value.map_or_else(String::new, |value| format!("{value:.digits$}"))
        };
        let note = match (self.original, self.used, loss) {
            (true, true, _) => "as downloaded; used",
            (true, false, _) => "as downloaded",
            (false, true, _) => "used",
            (false, false, None) => "not faster",
            (false, false, Some(loss)) if limits.allow(loss) => "slower than the one used",
            (false, false, Some(_)) => "loses too much",
        };
        vec![
            self.format.to_owned(),
            size(self.bytes),
            format!("{:.0}", self.prompt_rate),
            number(self.answer_rate, 0),
            number(self.kl, 4),
            number(self.perplexity, 2),
            number(self.top1.map(|share| 100.0 * share), 1),
            note.to_owned(),
        ]
    }
}

/// Shows the original and all candidates.
pub(crate) fn show(
    name: &str,
    tuning: &Tuning,
    remembered: bool,
    out: &mut Output,
) -> Result<(), Error> {
    let rows = std::iter::once(None).chain(tuning.candidates.iter().map(Some));
    let rows: Vec<_> = rows.map(|row| Row::new(name, tuning, row, remembered)).collect();
    if remembered {
        log::info!("{name} was tuned on this processor before; to do it again: --force");
    }
    if out.is_json() {
        return rows.iter().try_for_each(|row| out.json(row));
    }
    let limits = Limits { kl: tuning.max_kl, ..Limits::default() };
    let titles = ["FORMAT", "SIZE", "PROMPT/S", "ANSWER/S", "KL", "PERPLEXITY", "TOP-1 %", ""];
    let mut table = Table::new(&titles, &[1, 2, 3, 4, 5, 6]);
    let losses = std::iter::once(&None).chain(tuning.candidates.iter().map(|row| &row.loss));
    for (row, loss) in rows.iter().zip(losses) {
        table.push(row.cells(&limits, loss.as_ref()));
    }
    out.text(&table.lines(out.width()).join("\n"))?;
    let gain = tuning.speed().gain_over(&tuning.measured.speed);
    match &tuning.chosen {
        Some(chosen) => log::info!(
            "{name}: {} is used from now on, {gain:.1} times as fast; KL up to {} counts as no loss",
            chosen.format,
            tuning.max_kl
        ),
        None => log::info!("{name}: the file as downloaded is best on this machine"),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use modelstore::Sha256;
    use modelstore::tuning::Speed;

    use super::*;

    fn measured(format: &str, kl: Option<f64>) -> Measured {
        let loss = |kl| Loss { kl, perplexity: 9.0, original_perplexity: 9.0, top1: 0.95 };
        let speed = Speed { prompt_rate: 300.04, answer_rate: Some(100.0) };
        Measured { format: format.into(), bytes: 1000, speed, loss: kl.map(loss) }
    }

    #[test]
    fn the_last_column_says_why() {
        let rows = vec![
            measured("Q8_0", Some(0.001)),
            measured("Q4_K_M", None),
            measured("IQ4_NL", Some(0.5)),
        ];
        let tuning = Tuning::new(Sha256::of(b""), measured("Q4_1", None), rows);
        let limits = Limits::default();
        let cells = |row: Option<&Measured>| {
            let loss = row.and_then(|row| row.loss.as_ref());
            Row::new("m", &tuning, row, false).cells(&limits, loss)
        };
        let original = cells(None);
        assert_eq!(
            original,
            ["Q4_1", "1.0 kB", "300", "100", "", "9.00", "", "as downloaded; used"]
        );
        let notes: Vec<String> =
            tuning.candidates.iter().filter_map(|row| cells(Some(row)).pop()).collect();
        assert_eq!(notes, ["slower than the one used", "not faster", "loses too much"]);
        let row = Row::new("m", &tuning, Some(&tuning.candidates[0]), true);
        let json = serde_json::to_value(&row).unwrap();
        assert_eq!((&json["prompt_rate"], &json["kl"]), (&300.0.into(), &0.001.into()));
        assert_eq!((&json["used"], &json["remembered"]), (&false.into(), &true.into()));
    }
}
