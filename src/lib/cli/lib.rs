//! What every program shares on the outside: arguments, configuration, messages, exit codes,
//! progress, generated documentation; and the driver that runs a [`Filter`] over a stream.
//!
//! A program is a type that implements [`Program`]; its `main` is one call of [`main`]. A filter
//! program plans (opens everything that can fail) and then hands a [`Filter`] to
//! [`driver::run`], which reads, spreads over workers, keeps order, and writes.
//!
//! Streams: stdout is records only, stderr is for people. Nothing outside this crate prints.

#![forbid(unsafe_code)]

pub mod args;
mod cached;
mod config;
pub mod driver;
pub mod env;
mod error;
mod exit;
mod filter;
mod generate;
mod message;
mod open;
mod order;
mod out;
mod progress;
mod signal;
mod source;
mod stdin;
mod totals;

use std::io::Write as _;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches};

pub use args::{GeneralArgs, StreamArgs};
pub use cached::{ResultKey, Results};
pub use error::Error;
pub use exit::Exit;
pub use filter::{Emit, Filter, Halt, Operands, Stopped};
pub use message::printable;
pub use open::{InputFile, OpenError, open_input};
pub use progress::Bar;
pub use signal::Stop;
pub use source::{Input, Origin};
pub use stdin::Stdin;

/// What a running program has besides its arguments.
pub struct Session {
    /// The program's name.
    pub program: &'static str,
    /// Set when the program should stop: a signal, or nobody reads its output.
    pub stop: Stop,
}

/// A program: its arguments, and what it does with them.
pub trait Program: CommandFactory + FromArgMatches + Sized {
    /// Name of the binary.
    const NAME: &'static str;

    /// Examples for `--help` and the man page: a comment line, then the command. Run by tests.
    const EXAMPLES: &'static str;

    /// Whether it tells what it does without being asked: for programs that people watch.
    const CHATTY: bool = false;

    /// The arguments that every program has.
    fn general(&self) -> &GeneralArgs;

    /// Does the work.
    ///
    /// # Errors
    /// [`Error`] when it could not be set up or its output could not be written. What fails for
    /// single records is no error here but stands in the [`Exit`].
    fn run(self, session: &Session) -> Result<Exit, Error>;
}

/// Runs a program: the whole of its `main`.
#[must_use]
pub fn main<P: Program>() -> ExitCode {
    message::install(P::NAME);
    // A panic of a filter becomes its record's failure: here it is only for those who want to
    // know where.
    std::panic::set_hook(Box::new(|panic| log::info!("{panic}")));
    match std::panic::catch_unwind(parse_and_run::<P>) {
        Err(_) => {
            log::error!("this is a defect of {}; -v says where", P::NAME);
            ExitCode::from(101)
        }
        Ok(Ok(exit)) => exit.leave(),
        Ok(Err(error)) => {
            log::error!("{}", error.message);
            if let Some(hint) = &error.hint {
                log::error!("{hint}");
            }
            Exit::Usage.leave()
        }
    }
}

fn parse_and_run<P: Program>() -> Result<Exit, Error> {
    let command = generate::with_extras(P::command(), P::EXAMPLES);
    if let Some(kind) = generate::asked_for() {
        return generate::generate(command, &kind).and_then(print);
    }
    let command = config::apply(command, P::NAME)?;
    let mut matches = match command.clone().try_get_matches() {
        Ok(matches) => matches,
        Err(error) if error.use_stderr() => {
            // A closed stderr leaves nobody to tell.
            let _ = error.print();
            return Ok(Exit::Usage);
        }
        Err(help) => {
            let text = help.render();
            let colors = std::io::IsTerminal::is_terminal(&std::io::stdout());
            return print(if colors { text.ansi().to_string() } else { text.to_string() });
        }
    };
    let program = P::from_arg_matches_mut(&mut matches)
        .map_err(|e| Error::usage(e.render().to_string().trim().to_owned()))?;
    message::set_level(program.general(), P::CHATTY);
    if program.general().nice {
        rustix::process::nice(19)
            .map_err(|e| Error::setup(format!("cannot lower the priority: {e}")))?;
    }
    let session = Session { program: P::NAME, stop: Stop::install()? };
    let exit = program.run(&session)?;
    Ok(session.stop.signal().map_or(exit, Exit::Signal))
}

fn print(text: String) -> Result<Exit, Error> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Error::setup(format!("cannot write output: {e}")))
        }
        _ => Ok(Exit::Success),
    }
}
