//! The program `summarize`: see the library beside it.

fn main() -> std::process::ExitCode {
    cli::main::<summarize_cli::Summarize>()
}
