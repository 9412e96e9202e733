//! Labels chosen by a language model that was not trained for them.

use chunk::in_parts;
use std::sync::Arc;

use engine::{Cancel, Complete, Error, Measure, Message, ModelInfo, Score, ScoreRequest, Scores};
use records::content_id;

use crate::classifier::{Classifier, Opinion};
use crate::labelled::Labelled;
use crate::labels::Label;
use crate::prompt;

/// A model that scores answers, and counts tokens.
pub(crate) trait LabelModel: Complete + Score {}

impl<M: Complete + Score> LabelModel for M {}

/// Texts that say nothing: what the model answers to them is its leaning (Zhao et al. 2021).
const CONTENT_FREE: [&str; 3] = ["N/A", "...", "-"];

/// Less room for a text than this is of no use.
const MIN_ROOM: usize = 32;

/// Why the labels cannot be used with the model.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SetupError {
    #[error("the labels take {needed} of {context} tokens (--context): no room for a text")]
    Labels { needed: usize, context: usize },
    #[error("{fit} of the {all} examples fit a context of {context} tokens (--context)")]
    Examples { fit: usize, all: usize, context: usize },
    #[error("the example with the label '{0}' has a label that is not in --labels")]
    UnknownLabel(String),
    #[error(transparent)]
    Engine(#[from] Error),
}

/// What decides about texts.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) labels: Vec<Label>,
    pub(crate) examples: Vec<Labelled>,
    pub(crate) measure: Measure,
    /// Whether to divide by the answer to texts without content.
    pub(crate) prior: bool,
}

/// One label of several, by the likelihood of each as the model's answer.
pub(crate) struct ZeroShot {
    model: Arc<dyn LabelModel>,
    question: Question,
    turns: Vec<Message>,
    classes: Vec<String>,
    /// Tokens that a text may take.
    room: usize,
    /// Subtracted from the log-probabilities; zeros without `prior`.
    leaning: Vec<f64>,
}

impl ZeroShot {
    /// Asks the model once, so that what cannot work is known before the first record.
    pub(crate) fn new(
        model: Arc<dyn LabelModel>,
        question: Question,
        cancel: &Cancel,
    ) -> Result<Self, SetupError> {
        let classes: Vec<String> = question.labels.iter().map(|l| l.name.clone()).collect();
        if let Some(one) = question.examples.iter().find(|one| !classes.contains(&one.label)) {
            return Err(SetupError::UnknownLabel(one.label.clone()));
        }
        let turns = prompt::choice(&question.labels, &question.examples);
        let leaning = vec![0.0; classes.len()];
        let mut zero_shot = Self { model, question, turns, classes, room: 0, leaning };
        zero_shot.room = zero_shot.measure_room()?;
        let texts = if zero_shot.question.prior { &CONTENT_FREE[..] } else { &CONTENT_FREE[..1] };
        let answers: Result<Vec<Scores>, Error> =
            texts.iter().map(|text| zero_shot.ask(text, cancel)).collect();
        let answers = answers?;
        if zero_shot.question.prior {
            zero_shot.leaning = mean_logarithms(&answers);
        }
        Ok(zero_shot)
    }

    /// Tokens that are left for a text beside the turns and the longest label.
    fn measure_room(&self) -> Result<usize, SetupError> {
        let context = Complete::model(&*self.model).context;
        let labels: Result<Vec<usize>, Error> =
            self.classes.iter().map(|name| self.model.count_tokens(name)).collect();
        let longest = labels?.into_iter().max().unwrap_or(0);
        // One more where a label's first token joins what stands before it.
        let taken = |turns: &[Message]| {
            let prompt = self.model.count_prompt_tokens(&prompt::with_text(turns, ""));
            prompt.map(|tokens| tokens + longest + 1)
        };
        let fits = |needed: usize| needed + MIN_ROOM <= context;
        let needed = taken(&self.turns)?;
        if fits(needed) {
            return Ok(context - needed);
        }
        // The instructions alone, then with ever more examples.
        for shown in 0..=self.question.examples.len() {
            let needed = taken(&self.turns[..=2 * shown])?;
            if !fits(needed) {
                return Err(match shown.checked_sub(1) {
                    None => SetupError::Labels { needed, context },
                    Some(fit) => {
                        SetupError::Examples { fit, all: self.question.examples.len(), context }
                    }
                });
            }
        }
        Ok(context - needed)
    }

    fn ask(&self, text: &str, cancel: &Cancel) -> Result<Scores, Error> {
        let request = ScoreRequest {
            prompt: prompt::with_text(&self.turns, text),
            candidates: self.classes.clone(),
            measure: self.question.measure,
        };
        self.model.score(&request, cancel)
    }
}

/// Logarithms of the mean probabilities.
#[expect(clippy::cast_precision_loss, reason = "a handful of texts")]
fn mean_logarithms(answers: &[Scores]) -> Vec<f64> {
    let mut means = vec![0.0; answers.first().map_or(0, |one| one.logprobs.len())];
    for answer in answers {
        for (mean, share) in means.iter_mut().zip(answer.probabilities()) {
            *mean += share / answers.len() as f64;
        }
    }
    // A label that the model never gives has a leaning all the same.
    means.into_iter().map(|mean| mean.max(f64::MIN_POSITIVE).ln()).collect()
}

impl Classifier for ZeroShot {
    fn classes(&self) -> &[String] {
        &self.classes
    }

    fn model(&self) -> &ModelInfo {
        Score::model(&*self.model)
    }

    fn identity(&self) -> String {
        let settings = format!(
            "{} {:?} {} {:?} {:?}",
            Score::model(&*self.model).sha256,
            self.question.measure,
            self.question.prior,
            self.classes,
            self.turns
        );
        content_id(settings.as_bytes())
    }

    /// The log-probabilities of a text in parts are the mean of those of its parts, weighted by
    /// their tokens.
    fn opinion(&self, text: &str, cancel: &Cancel) -> Result<Opinion, Error> {
        let mut logits = vec![0.0; self.classes.len()];
        let (mut tokens_in, mut tokens_out, mut weights) = (0, 0, 0.0);
        let own = Score::model(&*self.model).context - self.room;
        let parts = in_parts(text, self.room, |part| {
            let scores = self.ask(part, cancel)?;
            #[expect(clippy::cast_precision_loss, reason = "a weight needs no 53 bits")]
            let weight = scores.tokens_in.saturating_sub(own).max(1) as f64;
            for (sum, logprob) in logits.iter_mut().zip(&scores.logprobs) {
                *sum += weight * logprob;
            }
            weights += weight;
            tokens_in += scores.tokens_in;
            tokens_out += scores.tokens_out;
            Ok(())
        })?;
        for (logit, leaning) in logits.iter_mut().zip(&self.leaning) {
            *logit = *logit / weights - leaning;
        }
        Ok(Opinion { logits, tokens_in, tokens_out, parts })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classifier::{greatest, softmax};
    use engine::scripted::Scripted;

    fn label(name: &str) -> Label {
        Label { name: name.into(), description: None }
    }

    fn question(prior: bool) -> Question {
        let labels = vec![label("spam"), label("ham")];
        Question { labels, examples: Vec::new(), measure: Measure::Constrained, prior }
    }

    fn model(context: usize, rules: &[(&str, &str)]) -> Arc<dyn LabelModel> {
        let rules = rules.iter().map(|&(key, reply)| (key.to_owned(), reply.to_owned()));
        Arc::new(Scripted::new(context, rules.collect()))
    }

    fn zero_shot(context: usize, question: Question) -> Result<ZeroShot, SetupError> {
        let rules = [("N/A", "spam"), ("...", "spam"), ("win money", "spam"), ("minutes", "ham")];
        let rules = [&rules[..], &[("", "ham")]].concat();
        ZeroShot::new(model(context, &rules), question, &Cancel::default())
    }

    #[test]
    fn the_likeliest_label_is_the_first_one() {
        let zero_shot = zero_shot(200, question(false)).unwrap();
        let of = |text: &str| zero_shot.opinion(text, &Cancel::default()).unwrap();
        assert_eq!(greatest(&of("win money now").logits), 0);
        assert_eq!(greatest(&of("the minutes of today").logits), 1);
        let one = of("win money now");
        assert_eq!((one.parts, one.tokens_out), (1, 0));
        assert!((softmax(&one.logits).iter().sum::<f64>() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn a_long_text_is_weighed_by_what_its_parts_say() {
        let zero_shot = zero_shot(90, question(false)).unwrap();
        let mostly = format!("{}\n\nwin money now.", "the minutes of today were read. ".repeat(40));
        let found = zero_shot.opinion(&mostly, &Cancel::default()).unwrap();
        assert!(found.parts > 3, "{}", found.parts);
        assert!(found.tokens_in > 240);
        assert_eq!(greatest(&found.logits), 1);
    }

    #[test]
    fn a_leaning_is_taken_away() {
        let raw = zero_shot(200, question(false)).unwrap();
        let fair = zero_shot(200, question(true)).unwrap();
        let spam = |it: &ZeroShot| {
            softmax(&it.opinion("win money", &Cancel::default()).unwrap().logits)[0]
        };
        assert!(spam(&fair) < spam(&raw));
        assert_ne!(raw.identity(), fair.identity());
        assert_eq!(raw.identity(), zero_shot(200, question(false)).unwrap().identity());
    }

    #[test]
    fn what_leaves_no_room_is_said_before_the_first_record() {
        assert!(matches!(zero_shot(40, question(false)), Err(SetupError::Labels { .. })));
        let one = Labelled { text: "word ".repeat(20), label: "ham".into() };
        let examples = vec![one; 9];
        let error = zero_shot(120, Question { examples, ..question(false) }).err().unwrap();
        let text = error.to_string();
        assert!(
            matches!(error, SetupError::Examples { fit: 1..9, all: 9, context: 120 }),
            "{text}"
        );
        let stranger = vec![Labelled { text: "x".into(), label: "eggs".into() }];
        let error =
            zero_shot(200, Question { examples: stranger, ..question(false) }).err().unwrap();
        assert!(error.to_string().contains("'eggs'"));
    }

    #[test]
    fn labels_that_the_model_cannot_tell_apart_are_refused() {
        let labels = vec![label("same"), label("same")];
        let error = zero_shot(200, Question { labels, ..question(false) }).err().unwrap();
        assert!(matches!(error, SetupError::Engine(Error::Constraint(_))));
    }
}
