//! The program `fanout`: see the library beside it.

fn main() -> std::process::ExitCode {
    cli::main::<fanout_cli::Fanout>()
}
