//! The record layer alone, for tests/bench/records.sh: a filter that reads a field of each
//! record and passes the record on, run by the driver that all programs use.

use clap::Parser;
use headwater_cli::{
    Emit, Error, Exit, Filter, GeneralArgs, Halt, Input, Program, Session, StreamArgs,
};
use records::{Code, Failure, Field};

/// Pass records on
#[derive(Debug, Parser)]
#[command(name = "passthrough")]
struct Passthrough {
    #[command(flatten)]
    stream: StreamArgs,
}

struct Pass {
    field: Field,
}

impl Filter for Pass {
    type Worker = ();
    const RESULT: &'static str = "text";
    const SLOW: bool = false;

    fn worker(&self) -> Result<(), Failure> {
        Ok(())
    }

    fn apply(&self, (): &mut (), input: &Input, out: &mut Emit<'_>) -> Result<(), Halt> {
        if self.field.raw(&input.record).is_none() {
            return Err(Failure::new(Code::MissingField, "no such field").into());
        }
        Ok(out.pass(input.record.clone())?)
    }
}

impl Program for Passthrough {
    const NAME: &'static str = "passthrough";
    const EXAMPLES: &'static str = "passthrough < records.jsonl";

    fn general(&self) -> &GeneralArgs {
        &self.stream.general
    }

    fn run(self, session: &Session) -> Result<Exit, Error> {
        let filter = Pass { field: self.stream.field_or("text") };
        headwater_cli::driver::run(filter, &self.stream, 1, session)
    }
}

fn main() -> std::process::ExitCode {
    headwater_cli::main::<Passthrough>()
}
