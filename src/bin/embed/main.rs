//! The program `embed`: see the library beside it.

fn main() -> std::process::ExitCode {
    cli::main::<embed_cli::Embed>()
}
