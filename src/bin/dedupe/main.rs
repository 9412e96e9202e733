//! The program `dedupe`: see the library beside it.

fn main() -> std::process::ExitCode {
    cli::main::<dedupe_cli::Dedupe>()
}
