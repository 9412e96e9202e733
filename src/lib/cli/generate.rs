//! Man pages and completions, made from the clap definitions: `PROGRAM --generate KIND`.

use clap::{Command, builder::StyledStr};
use clap_complete::Shell;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use crate::env::VARIABLES;
use crate::error::Error;
use crate::exit::Exit;

/// Adds what `--help` shows below the flags.
pub(crate) fn with_extras(command: Command, examples: &str) -> Command {
    let mut help = String::from("Examples:\n");
    for line in examples.trim().lines() {
        help.push_str("  ");
        help.push_str(line);
        help.push('\n');
    }
    command
        .version(env!("CARGO_PKG_VERSION"))
        .after_long_help(StyledStr::from(help.trim_end().to_owned()))
        .infer_long_args(false)
}

/// The argument of `--generate`, when that is what was asked for. Not a clap argument: it is for
/// those who package the program, and must not stand in what it generates.
pub(crate) fn asked_for() -> Option<String> {
    let mut args = std::env::args_os().skip(1);
    match (args.next()?.to_str(), args.next(), args.next()) {
        (Some("--generate"), Some(kind), None) => Some(kind.to_string_lossy().into_owned()),
        _ => None,
    }
}

/// The man page or the completions of a program.
pub(crate) fn generate(mut command: Command, kind: &str) -> Result<String, Error> {
    let shell = match kind {
        "man" => return man(command),
        "bash" => Shell::Bash,
        "zsh" => Shell::Zsh,
        "fish" => Shell::Fish,
        _ => {
            return Err(Error::usage(format!(
                "--generate {kind}: not one of man, bash, zsh, fish"
            )));
        }
    };
    let name = command.get_name().to_owned();
    let mut out = Vec::new();
    clap_complete::generate(shell, &mut command, name, &mut out);
    text(out)
}

fn text(bytes: Vec<u8>) -> Result<String, Error> {
    String::from_utf8(bytes).map_err(|_| Error::setup("the generated text is not UTF-8"))
}

fn man(command: Command) -> Result<String, Error> {
    let examples = command.get_after_long_help().map(ToString::to_string).unwrap_or_default();
    let name = command.get_name().to_owned();
    let command = command.after_long_help(StyledStr::new());
    let man = Man::new(command.clone())
        .title(name.to_uppercase())
        .section("1")
        .source(format!("headwater {}", env!("CARGO_PKG_VERSION")))
        .manual("headwater");
    let mut out = Vec::new();
    let mut render = || -> std::io::Result<()> {
        man.render_title(&mut out)?;
        man.render_name_section(&mut out)?;
        man.render_synopsis_section(&mut out)?;
        man.render_description_section(&mut out)?;
        man.render_options_section(&mut out)?;
        if command.has_subcommands() {
            man.render_subcommands_section(&mut out)?;
        }
        extra_sections(&examples).to_writer(&mut out)
    };
    render().map_err(|e| Error::setup(format!("cannot generate: {e}")))?;
    text(out)
}

fn extra_sections(examples: &str) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["EXAMPLES"]).control("nf", []);
    for line in examples.lines().skip(1) {
        roff.text([roman(line)]);
    }
    roff.control("fi", []);
    roff.control("SH", ["EXIT STATUS"]);
    for (status, meaning) in Exit::MEANINGS {
        roff.control("TP", []).text([bold(status)]).text([roman(meaning)]);
    }
    roff.control("SH", ["ENVIRONMENT"]);
    for variable in VARIABLES {
        roff.control("TP", []).text([bold(variable.name)]).text([roman(variable.help)]);
    }
    roff.control("SH", ["FILES"]);
    roff.control("TP", []).text([bold("~/.config/headwater/config.toml")]).text([roman(
        "Values for flags: those that programs share at the top, a program's own in a table of its name.",
    )]);
    roff.control("SH", ["SEE ALSO"]);
    roff.text([bold("headwater-records"), roman("(5)")]);
    roff
}
