//! The program `redact`: see the library beside it.

fn main() -> std::process::ExitCode {
    cli::main::<redact_cli::Redact>()
}
