use std::path::Path;

use cli::{Emit, Filter, Halt, Input, Operands, Origin, ResultKey, Results};
use engine::Transcribe;
use records::{Code, ContentHasher, Failure, Text, Usage};

use crate::detector::Detector;
use crate::error::TranscribeError;
use crate::listen::Listener;
use crate::output;
use crate::plan::Plan;
use crate::source::Source;

pub(crate) struct TranscribeFilter {
    plan: Plan,
}

impl TranscribeFilter {
    pub(crate) fn new(plan: Plan) -> Self {
        Self { plan }
    }

    fn listener(&self) -> Result<Listener, TranscribeError> {
        let detector = Detector::load(self.plan.vad.as_deref())?;
        let session = |_| Ok(Box::new(self.plan.whisper.session()?) as Box<dyn Transcribe>);
        let sessions = (0..self.plan.threads).map(session).collect::<Result<_, engine::Error>>()?;
        Ok(Listener::new(detector, sessions))
    }
}

impl Filter for TranscribeFilter {
    type Worker = Listener;

    const RESULT: &'static str = "text";
    const FIELD: &'static str = "path";
    const OPERANDS: Operands = Operands::Files;

    fn kept(&self, input: &Input) -> Option<(&Results, ResultKey)> {
        let results = self.plan.results.as_ref()?;
        // What comes through a pipe can be read only once.
        if input.origin == Origin::Stdin {
            return None;
        }
        let path = self.plan.field.text(&input.record).ok()?;
        let path = Path::new(path.as_os());
        // Looked at before it is opened: opening a pipe waits for its writer.
        if !std::fs::metadata(path).is_ok_and(|metadata| metadata.is_file()) {
            return None;
        }
        let file = std::fs::File::open(path).ok()?;
        let id = ContentHasher::new(file).finish().ok()?;
        Some((results, results.key(&[id.as_bytes()])))
    }

    fn worker(&self) -> Result<Listener, Failure> {
        Ok(self.listener()?)
    }

    fn apply(
        &self,
        listener: &mut Listener,
        input: &Input,
        out: &mut Emit<'_>,
    ) -> Result<(), Halt> {
        let plan = &self.plan;
        let path = match (input.origin, plan.field.text(&input.record)) {
            (Origin::Stdin, _) => None,
            (_, Ok(path)) => Some(path),
            (_, Err(e)) => return Err(Failure::new(Code::MissingField, e).into()),
        };
        let path = path.as_ref().map(Text::as_os).map(Path::new);
        let cancel = plan.timeout.map_or_else(|| plan.cancel.clone(), |t| plan.cancel.within(t));

        let source = Source::open(path, plan, &cancel)?;
        let mut decoder = source.decoder().map_err(TranscribeError::Audio)?;
        let heard = listener.hear(|| decoder.next_block(), &plan.asked, &cancel)?;
        let problem = output::problem(&heard, decoder.skipped_packets());
        if let Some(problem) = &problem {
            let name = path.map_or_else(|| "stdin".into(), Path::to_string_lossy);
            log::warn!("{name}: {problem}");
        }

        let mut record = input.record.clone();
        if !record.has("id") {
            record.set("id", &source.id().map_err(TranscribeError::Read)?);
        }
        output::write(&mut record, &heard, problem.as_deref(), &plan.result);
        let model = plan.whisper.model();
        let usage = Usage {
            model: Some(model.name.clone()),
            model_sha: Some(model.sha256.clone()).filter(|sha| !sha.is_empty()),
            tokens_out: Some(heard.tokens),
            ..Usage::default()
        };
        Ok(out.record(record, usage)?)
    }
}
