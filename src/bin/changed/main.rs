//! The program `changed`: see the library beside it.

fn main() -> std::process::ExitCode {
    cli::main::<changed_cli::Changed>()
}
