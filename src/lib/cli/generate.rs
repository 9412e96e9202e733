//! Man pages and completions, made from the clap definitions: `PROGRAM --generate KIND`.

use clap::builder::StyledStr;
use clap::{Arg, Command};
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
    let man = Man::new(command.clone());
    let mut out = Vec::new();
    let mut render = || -> std::io::Result<()> {
        man.render_title(&mut out)?;
        man.render_name_section(&mut out)?;
        man.render_synopsis_section(&mut out)?;
        man.render_description_section(&mut out)?;
        man.render_options_section(&mut out)?;
        subcommands(&command, &mut out)?;
        extra_sections(&examples).to_writer(&mut out)
    };
    render().map_err(|e| Error::setup(format!("cannot generate: {e}")))?;
    let page = text(out)?;
    // clap_mangen drops an empty date, and the version then stands in its place.
    let (_, rest) = page.split_once(".TH ").unwrap_or_default();
    let (_, body) = rest.split_once('\n').unwrap_or_default();
    let title = format!(
        ".TH {} 1 \"\" \"headwater {}\" headwater",
        name.to_uppercase(),
        env!("CARGO_PKG_VERSION")
    );
    Ok(format!("{title}\n{}", body.replace("\n.br\n", "\n")))
}

/// Each subcommand with its own flags, in this page: they have no pages of their own.
fn subcommands(command: &Command, out: &mut Vec<u8>) -> std::io::Result<()> {
    for subcommand in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
        let name = format!("{} {}", command.get_name(), subcommand.get_name());
        let mut roff = Roff::new();
        roff.control("SH", [name.to_uppercase().as_str()]);
        if let Some(about) = subcommand.get_long_about().or_else(|| subcommand.get_about()) {
            roff.text([roman(about.to_string())]);
        }
        for arg in
            subcommand.get_arguments().filter(|arg| !arg.is_hide_set() && !is_shared(command, arg))
        {
            roff.control("TP", []).text([bold(usage(arg))]);
            let help = arg.get_long_help().or_else(|| arg.get_help());
            roff.text([roman(help.map(ToString::to_string).unwrap_or_default())]);
        }
        roff.to_writer(out)?;
    }
    Ok(())
}

/// Whether a subcommand's flag is one of the program's: listed there, or clap's own.
fn is_shared(command: &Command, arg: &Arg) -> bool {
    let long = arg.get_long();
    long == Some("help") || command.get_arguments().any(|a| a.get_long() == long && long.is_some())
}

/// A flag or operand as it is typed.
fn usage(arg: &Arg) -> String {
    let flags: Vec<String> = arg
        .get_short()
        .map(|short| format!("-{short}"))
        .into_iter()
        .chain(arg.get_long().map(|long| format!("--{long}")))
        .collect();
    let values: Vec<String> = match arg.get_action().takes_values() {
        true => arg.get_value_names().unwrap_or_default().iter().map(ToString::to_string).collect(),
        false => Vec::new(),
    };
    let parts: Vec<String> =
        [flags.join(", "), values.join(" ")].into_iter().filter(|p| !p.is_empty()).collect();
    parts.join(" ")
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
