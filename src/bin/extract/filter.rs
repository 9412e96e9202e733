use cli::{Emit, Filter, Halt, Input, Operands};
use records::{Failure, Record, Usage};

use crate::documents::{Deliver, Documents};
use crate::plan::Plan;

pub(crate) struct ExtractFilter {
    plan: Plan,
}

impl ExtractFilter {
    pub(crate) fn new(plan: Plan) -> Self {
        Self { plan }
    }
}

impl Deliver for ExtractFilter {
    fn deliver(&self, _: &Record, record: Record, _: &str, out: &mut Emit<'_>) -> Result<(), Halt> {
        Ok(out.record(record, Usage::default())?)
    }
}

impl Filter for ExtractFilter {
    type Worker = ();

    const RESULT: &'static str = "text";
    const FIELD: &'static str = "path";
    const OPERANDS: Operands = Operands::Files;

    fn worker(&self) -> Result<(), Failure> {
        Ok(())
    }

    fn apply(&self, (): &mut (), input: &Input, out: &mut Emit<'_>) -> Result<(), Halt> {
        Documents { plan: &self.plan, deliver: self }.read(input, out)
    }
}
