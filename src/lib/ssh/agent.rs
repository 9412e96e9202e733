//! Who we are: keys of the agent, then keys in files.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::{Settings, SshError};

/// Logs in with the agent's keys, then with those in files that need no passphrase.
///
/// # Errors
/// [`SshError::Refused`] when the host takes none of them.
pub(crate) fn authenticate(session: &ssh2::Session, settings: &Settings) -> Result<(), SshError> {
    let user = settings.user.as_str();
    let methods = session.auth_methods(user).unwrap_or_default().to_owned();
    if session.authenticated() {
        return Ok(());
    }
    if !methods.split(',').any(|m| m == "publickey") {
        return Err(SshError::Unsupported(format!(
            "{user} may log in only by {methods}, which libssh2 is not asked to do here"
        )));
    }
    let mut tried = 0;
    if !settings.no_agent && with_agent(session, settings, &mut tried) {
        return Ok(());
    }
    for file in settings.identities.iter().filter(|f| f.exists()) {
        tried += 1;
        match session.userauth_pubkey_file(user, None, file, None) {
            Ok(()) => return Ok(()),
            Err(e) => log::debug!("{}: {}", file.display(), e.message()),
        }
    }
    Err(SshError::Refused(format!(
        "{user} is refused: {tried} keys were tried; keys with a passphrase belong into ssh-agent"
    )))
}

fn with_agent(session: &ssh2::Session, settings: &Settings, tried: &mut usize) -> bool {
    let mut log_in = || -> Result<bool, ssh2::Error> {
        let mut agent = session.agent()?;
        if let Some(path) = &settings.agent {
            agent.set_identity_path(path)?;
        }
        agent.connect()?;
        agent.list_identities()?;
        for key in agent.identities()? {
            if settings.identities_only && !belongs(key.blob(), settings) {
                continue;
            }
            *tried += 1;
            if agent.userauth(&settings.user, &key).is_ok() {
                return Ok(true);
            }
        }
        Ok(false)
    };
    log_in().unwrap_or_else(|e| {
        log::debug!("ssh-agent: {}", e.message());
        false
    })
}

/// Whether an agent's key is the public half of one of the files.
fn belongs(blob: &[u8], settings: &Settings) -> bool {
    let text = BASE64_STANDARD.encode(blob);
    let has_it = |path: &Path| {
        fs::read_to_string(path).is_ok_and(|key| key.split_whitespace().any(|word| word == text))
    };
    settings.identities.iter().any(|file| {
        let mut public = file.clone().into_os_string();
        public.push(".pub");
        has_it(Path::new(&public))
    })
}
