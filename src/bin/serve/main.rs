//! The program `serve`: see the library beside it.

fn main() -> std::process::ExitCode {
    cli::main::<serve_cli::Serve>()
}
