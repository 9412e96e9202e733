//! The program `changed`: see the library beside it.

fn main() -> std::process::ExitCode {
    if let Some(exit) = expression::serve_if_asked() {
        return exit;
    }
    cli::main::<changed_cli::Changed>()
}
