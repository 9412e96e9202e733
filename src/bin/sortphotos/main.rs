//! The program `sortphotos`: see the library beside it.

fn main() -> std::process::ExitCode {
    cli::main::<sortphotos_cli::Sortphotos>()
}
