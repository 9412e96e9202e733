use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use cli::{Error, Exit, Session, StreamArgs};
use pii::{Finder, Kind, Settings};
use records::Field;
use zeroize::Zeroizing;

use crate::args::Redact;
use crate::filter::{Asked, Mode, RedactFilter};
use crate::forms::Forms;
use crate::issuer::Issuer;
use crate::key::{Key, printed, secret};
use crate::lists::{lines, own};
use crate::replace::{Act, Replacer, STRANGE};
use crate::restore::Restorer;
use crate::style::Style;
use crate::vault::Vault;

/// The variable that holds the vault's key.
const VAULT_KEY: &str = "HEADWATER_VAULT_KEY";

/// Opens what the arguments name, and runs.
pub(crate) fn run(args: &Redact, session: &Session) -> Result<Exit, Error> {
    let fields = fields(args);
    let (stream, copy) = stream(args, &fields)?;
    let plain = args.stream.raw_output;
    let fields = fields.into_iter().map(Asked::new).collect();
    if args.restore {
        let vault = vault(args)?.ok_or_else(|| Error::usage("--restore needs --vault"))?;
        let restorer = Restorer::new(Vault::read(&vault.0, vault.1))?;
        let mode = Mode::Restore(Arc::new(Mutex::new(restorer)));
        let filter = RedactFilter { mode, fields, copy, plain };
        return cli::driver::run(filter, &stream, 1, session);
    }
    let replacer = Arc::new(replacer(args)?);
    let mode = if args.check {
        Mode::Check(Arc::clone(&replacer))
    } else {
        Mode::Redact(Arc::clone(&replacer))
    };
    // One worker: numbers then follow the order of the texts.
    let filter = RedactFilter { mode, fields, copy, plain };
    let exit = cli::driver::run(filter, &stream, 1, session)?;
    replacer.issuer.lock().unwrap_or_else(PoisonError::into_inner).close()?;
    Ok(exit)
}

fn fields(args: &Redact) -> Vec<Field> {
    if args.fields.is_empty() { vec![args.stream.field_or("text")] } else { args.fields.clone() }
}

/// The arguments of the driver, and the key that the text is written under as well: what -r prints
/// is a key at the top.
fn stream(args: &Redact, fields: &[Field]) -> Result<(StreamArgs, Option<String>), Error> {
    let mut stream = args.stream.clone();
    if (stream.raw_output || stream.result_key.is_some()) && fields.len() > 1 {
        return Err(Error::usage("-r and --as need one field"));
    }
    let own = fields[0] != Field::key("text");
    if stream.raw_output && own && stream.result_key.is_none() {
        stream.result_key = Some("text".to_owned());
    }
    let copy = stream.result_key.clone();
    Ok((stream, copy))
}

fn replacer(args: &Redact) -> Result<Replacer, Error> {
    let key = match (&args.key_file, &args.key_command) {
        (Some(file), _) => Some(Key::read(file)?),
        (None, Some(command)) => Some(Key::printed(command)?),
        (None, None) => None,
    };
    if args.style == Style::Hash && key.is_none() {
        return Err(Error::usage(
            "--style hash needs --key-file or --key-command: a hash without a key can be guessed",
        ));
    }
    if args.style != Style::Placeholder && args.vault.is_some() {
        return Err(Error::usage("a vault keeps placeholders: it goes with --style placeholder"));
    }
    let quiet = args.check || args.dry_run;
    let vault = match vault(args)? {
        Some((path, secret)) if !quiet => Some(Vault::write(&path, secret)?),
        Some((path, secret)) => {
            let mut vault = Vault::read(&path, secret);
            vault.refresh()?;
            Some(vault)
        }
        None => None,
    };
    let settings = settings(args)?;
    let forms = vault.is_some().then(|| Forms::new(Some(names(&settings)))).transpose()?;
    let finder = Finder::new(settings)?;
    let issuer = Issuer::new(args.style, key, Key::random()?, args.remember, vault);
    Ok(Replacer {
        finder,
        issuer: Mutex::new(issuer),
        forms,
        act: if quiet { Act::Tell } else { Act::Replace },
        explain: args.explain,
    })
}

fn settings(args: &Redact) -> Result<Settings, Error> {
    let own = args.own.as_deref().map(own).transpose()?.unwrap_or_default();
    let named = |kind: &pii::OwnKind| kind.name.parse::<Kind>().is_ok() || kind.name == STRANGE;
    if let Some(kind) = own.iter().find(|kind| named(kind)) {
        return Err(Error::setup(format!("'{}' is the name of a kind that is there", kind.name)));
    }
    Ok(Settings {
        kinds: args.kinds.clone(),
        without: args.without.clone(),
        level: args.level,
        least: args.confidence.clone(),
        own,
        allow: lines(args.allow.as_deref())?,
        deny: lines(args.deny.as_deref())?,
    })
}

/// The kinds that placeholders may have, in capitals.
fn names(settings: &Settings) -> HashSet<String> {
    let built_in = Kind::ALL.iter().filter_map(|kind| kind.name());
    let own = settings.own.iter().map(|own| own.name.as_str());
    built_in.chain(own).chain(["private", STRANGE]).map(str::to_uppercase).collect()
}

/// The vault's file, and its key.
type Named = (std::path::PathBuf, Zeroizing<Vec<u8>>);

fn vault(args: &Redact) -> Result<Option<Named>, Error> {
    let Some(path) = &args.vault else { return Ok(None) };
    let key = match (&args.vault_key_file, &args.vault_key_command) {
        (Some(file), _) => secret(file)?,
        (None, Some(command)) => printed(command)?,
        (None, None) => from_environment(path)?,
    };
    if key.is_empty() {
        return Err(Error::setup("the vault's key is empty"));
    }
    Ok(Some((path.clone(), key)))
}

fn from_environment(path: &Path) -> Result<Zeroizing<Vec<u8>>, Error> {
    let value = cli::env::get(VAULT_KEY).ok_or_else(|| {
        Error::setup(format!("{}: a vault needs a key", path.display()))
            .hint(format!("set {VAULT_KEY}, or name a file with --vault-key-file or a command with --vault-key-command"))
    })?;
    Ok(Zeroizing::new(std::os::unix::ffi::OsStringExt::into_vec(value)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::WHOLE;

    #[test]
    fn a_point_is_the_whole_record() {
        let args = <Redact as clap::Parser>::parse_from(["redact", "--field", "."]);
        assert_eq!(fields(&args), [Field::key(WHOLE)]);
        let args = <Redact as clap::Parser>::parse_from(["redact", "--fields", "a.b,text"]);
        assert_eq!(fields(&args).len(), 2);
    }
}
