//! The program `transcribe`: see the library beside it.

fn main() -> std::process::ExitCode {
    cli::main::<transcribe_cli::Transcribe>()
}
