//! A head: a small linear classifier over the embeddings of one model, in a file.
//!
//! The file is one JSON object:
//!
//! | key | meaning |
//! |---|---|
//! | `format` | `"headwater-head-1"` |
//! | `model` | `name` and `sha256` of the embedding model: a head is of no use with another one |
//! | `dimensions` | numbers of an embedding |
//! | `classes` | names, in the order of the rows |
//! | `counts` | training records of each class: the head's weight when heads are merged |
//! | `weights` | a row of `dimensions` numbers for each class |
//! | `bias` | a number for each class |
//! | `temperature` | the logits are divided by it: fitted on records the head was not trained on |
//! | `strength` | of the L2 penalty; absent in a merged head |
//!
//! The probabilities of a text with the embedding x are softmax((weights · x + bias) /
//! temperature). A text that exceeds the model's context has the mean of its parts' embeddings,
//! weighted by tokens, at length one.

use std::path::Path;

use cli::Stop;
use engine::{Cancel, Embed, Error, ModelInfo};
use records::content_id;
use serde::{Deserialize, Serialize};

use crate::calibration::Calibration;
use crate::classifier::{Classifier, Opinion};
use crate::embedding::embed;
use crate::file::{self, FileError};
use crate::labels;
use crate::regression::Linear;

const FORMAT: &str = "headwater-head-1";

/// Which embedding model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ModelRef {
    pub(crate) name: String,
    /// Of the file, in hex.
    pub(crate) sha256: String,
}

/// A head as it stands in its file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Head {
    format: String,
    pub(crate) model: ModelRef,
    pub(crate) dimensions: usize,
    pub(crate) classes: Vec<String>,
    pub(crate) counts: Vec<u64>,
    pub(crate) weights: Vec<Vec<f64>>,
    pub(crate) bias: Vec<f64>,
    pub(crate) temperature: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) strength: Option<f64>,
}

impl Head {
    pub(crate) fn new(
        model: ModelRef,
        classes: Vec<(String, u64)>,
        linear: Linear,
        temperature: f64,
        strength: Option<f64>,
    ) -> Self {
        let dimensions = linear.weights.first().map_or(0, Vec::len);
        let (classes, counts) = classes.into_iter().unzip();
        let Linear { weights, bias } = linear;
        Self {
            format: FORMAT.into(),
            model,
            dimensions,
            classes,
            counts,
            weights,
            bias,
            temperature,
            strength,
        }
    }

    /// Reads a head and checks that it can be computed with.
    ///
    /// # Errors
    /// When it is not a head, or its parts do not fit together.
    pub(crate) fn load(path: &Path, stop: &Stop) -> Result<Self, FileError> {
        let head: Self = file::read(path, "a head", stop)?;
        head.check().map_err(|reason| FileError::new(path, format!("not a head: {reason}")))?;
        Ok(head)
    }

    fn check(&self) -> Result<(), String> {
        if self.format != FORMAT {
            return Err(format!("its format is '{}', not '{FORMAT}'", self.format));
        }
        labels::check(self.classes.iter().map(String::as_str)).map_err(|e| e.to_string())?;
        let n = self.classes.len();
        if [self.counts.len(), self.weights.len(), self.bias.len()] != [n; 3] {
            return Err("the lists for its classes differ in length".into());
        }
        if self.weights.iter().any(|row| row.len() != self.dimensions) {
            return Err("its rows of weights are not as long as an embedding".into());
        }
        let numbers = self.weights.iter().flatten().chain(&self.bias);
        let sound = numbers.chain([&self.temperature]).all(|x| x.is_finite());
        if !sound || self.temperature <= 0.0 {
            return Err("it has numbers that cannot be".into());
        }
        Ok(())
    }

    /// Training records in all.
    pub(crate) fn records(&self) -> u64 {
        self.counts.iter().fold(0, |sum, n| sum.saturating_add(*n))
    }

    pub(crate) fn linear(&self) -> Linear {
        Linear { weights: self.weights.clone(), bias: self.bias.clone() }
    }

    /// Why embeddings of `model` cannot be used with this head, if so.
    pub(crate) fn mismatch(&self, model: &ModelInfo, dimensions: usize) -> Option<String> {
        if self.model.sha256 == model.sha256 && self.dimensions == dimensions {
            return None;
        }
        let short = |sha: &str| sha.chars().take(12).collect::<String>();
        Some(format!(
            "the head was trained on embeddings of {} (sha256 {}…), and this is {} (sha256 {}…)",
            self.model.name,
            short(&self.model.sha256),
            model.name,
            short(&model.sha256)
        ))
    }
}

/// A head and its embedding model.
pub(crate) struct HeadClassifier {
    embedder: Box<dyn Embed>,
    classes: Vec<String>,
    linear: Linear,
    calibration: Calibration,
    identity: String,
}

impl HeadClassifier {
    /// `head` must match the embedder: see [`Head::mismatch`].
    pub(crate) fn new(head: Head, embedder: Box<dyn Embed>) -> Result<Self, serde_json::Error> {
        let identity = content_id(&serde_json::to_vec(&head)?);
        let linear = head.linear();
        let calibration = Calibration { temperature: head.temperature, offsets: Vec::new() };
        Ok(Self { embedder, classes: head.classes, linear, calibration, identity })
    }
}

impl Classifier for HeadClassifier {
    fn classes(&self) -> &[String] {
        &self.classes
    }

    fn model(&self) -> &ModelInfo {
        self.embedder.model()
    }

    fn identity(&self) -> String {
        self.identity.clone()
    }

    fn calibration(&self) -> Option<&Calibration> {
        Some(&self.calibration)
    }

    fn opinion(&self, text: &str, cancel: &Cancel) -> Result<Opinion, Error> {
        let found = embed(&*self.embedder, text, cancel)?;
        Ok(Opinion {
            logits: self.linear.logits(&found.vector),
            tokens_in: found.tokens,
            tokens_out: 0,
            parts: found.parts,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head() -> Head {
        let linear =
            Linear { weights: vec![vec![1.0, 0.5], vec![-1.0, -0.5]], bias: vec![0.25, -0.25] };
        let model = ModelRef { name: "m".into(), sha256: "ab".into() };
        Head::new(model, vec![("x".into(), 3), ("y".into(), 2)], linear, 1.5, Some(0.001))
    }

    fn loaded(change: impl FnOnce(&mut serde_json::Value)) -> Result<Head, FileError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("h.json");
        let mut json = serde_json::to_value(head()).unwrap();
        change(&mut json);
        file::write(&path, &json).unwrap();
        Head::load(&path, &Stop::unarmed().unwrap())
    }

    #[test]
    fn a_head_comes_back_as_it_was_written() {
        assert_eq!(loaded(|_| ()).unwrap(), head());
        assert_eq!(head().records(), 5);
    }

    #[test]
    fn a_damaged_head_is_refused() {
        for (key, value, word) in [
            ("format", serde_json::json!("other"), "format"),
            ("classes", serde_json::json!(["x", "x"]), "twice"),
            ("classes", serde_json::json!(["x"]), "one label"),
            ("bias", serde_json::json!([1]), "length"),
            ("weights", serde_json::json!([[1, 2], [1]]), "long"),
            ("temperature", serde_json::json!(0), "numbers"),
            ("weights", serde_json::json!(7), "not a head"),
        ] {
            let error = loaded(|json| json[key] = value).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
    }

    #[test]
    fn another_model_does_not_match() {
        let model =
            |sha256: &str| ModelInfo { name: "m".into(), sha256: sha256.into(), context: 9 };
        assert_eq!(head().mismatch(&model("ab"), 2), None);
        assert!(head().mismatch(&model("cd"), 2).is_some_and(|text| text.contains("sha256 cd")));
        assert!(head().mismatch(&model("ab"), 3).is_some());
    }
}
