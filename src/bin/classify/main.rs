//! The program `classify`: see the library beside it.

fn main() -> std::process::ExitCode {
    cli::main::<classify_cli::Classify>()
}
