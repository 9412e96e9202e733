//! The program `models`: see the library beside it.

fn main() -> std::process::ExitCode {
    cli::main::<models_cli::Models>()
}
