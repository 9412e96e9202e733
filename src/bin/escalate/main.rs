//! The program `escalate`: see the library beside it.

fn main() -> std::process::ExitCode {
    cli::main::<escalate_cli::Escalate>()
}
