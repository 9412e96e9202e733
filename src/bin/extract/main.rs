//! The program `extract`: see the library beside it.

fn main() -> std::process::ExitCode {
    cli::main::<extract_cli::Extract>()
}
