//! What is done in place of running a command: `gc`, `hosts`.

use std::sync::atomic::AtomicBool;

use cli::{Error, Exit, Session};
use records::{Record, Writer};
use ssh::{HostName, resolve};

use crate::args::Action;
use crate::connection::Way;
use crate::discover::discover;
use crate::inventory::hosts;
use crate::ship::collect;

pub(crate) fn run(action: &Action, session: &Session) -> Result<Exit, Error> {
    let stdout = std::io::stdout();
    let terminal = std::io::IsTerminal::is_terminal(&stdout);
    let mut writer = Writer::new(stdout, terminal);
    let mut failed = false;
    let mut write = |pairs: &[(&str, serde_json::Value)]| -> Result<(), Error> {
        let mut record = Record::new();
        for (key, value) in pairs {
            record.set(key, value);
        }
        writer.record(&record)?;
        Ok(writer.flush()?)
    };
    match action {
        Action::Hosts { discover: true, at } => {
            for proposal in discover(at.ssh_config.as_deref()) {
                write(&[("name", proposal.name.into()), ("from", proposal.from.into())])?;
            }
        }
        Action::Hosts { discover: false, at } => {
            for host in hosts(at, 1)? {
                let label = host.label.as_str();
                if host.route.name == HostName::Local {
                    write(&[("name", label.into())])?;
                    continue;
                }
                match resolve(&host.route) {
                    Ok(s) => write(&[
                        ("name", label.into()),
                        ("address", s.address.into()),
                        ("port", s.port.into()),
                        ("user", s.user.into()),
                        ("needs_ssh", s.beyond_libssh2.into()),
                    ])?,
                    Err(error) => {
                        log::warn!("{label}: {error}");
                        failed = true;
                    }
                }
            }
        }
        Action::Gc { older, at } => {
            let way = Way::new(at);
            for host in hosts(at, 1)?.iter().filter(|h| h.route.name != HostName::Local) {
                if session.stop.is_set() {
                    break;
                }
                let opened = way.open(&host.route, &AtomicBool::new(false));
                match opened.and_then(|connection| collect(&connection, *older)) {
                    Ok(found) => write(&[
                        ("host", host.label.as_str().into()),
                        ("removed", found.removed.into()),
                        ("kept", found.kept.into()),
                        ("kept_kib", found.kept_kib.into()),
                    ])?,
                    Err(error) => {
                        log::warn!("{}: {error}", host.label);
                        failed = true;
                    }
                }
            }
        }
    }
    Ok(if failed { Exit::SomeFailed } else { Exit::Success })
}
