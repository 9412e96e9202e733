//! What is done in place of running a command: `gc`, `hosts`.

use std::io::{IsTerminal as _, Stdout};
use std::sync::atomic::AtomicBool;

use cli::{Error, Exit, Session};
use records::{Record, Writer};
use serde_json::Value;
use ssh::{HostName, SshError, resolve};

use crate::args::Action;
use crate::connection::Way;
use crate::discover::discover;
use crate::inventory::{Host, hosts};
use crate::ship::collect;

/// Writes records at once, each as it is known.
struct Out {
    writer: Writer<Stdout>,
    /// Something could not be said of some host.
    failed: bool,
}

pub(crate) fn run(action: &Action, session: &Session) -> Result<Exit, Error> {
    let stdout = std::io::stdout();
    let terminal = stdout.is_terminal();
    let mut out = Out { writer: Writer::new(stdout, terminal), failed: false };
    match action {
        Action::Hosts { discover: true, at } => {
            for proposal in discover(at.ssh_config.as_deref()) {
                out.write(&[("name", proposal.name.into()), ("from", proposal.from.into())])?;
            }
        }
        Action::Hosts { discover: false, at } => {
            for host in hosts(at, 1)? {
                out.resolved(&host)?;
            }
        }
        Action::Gc { older, at } => {
            let way = Way::new(at);
            for host in hosts(at, 1)?.iter().filter(|h| h.route.name != HostName::Local) {
                if session.stop.is_set() {
                    break;
                }
                out.collected(host, &way, *older)?;
            }
        }
    }
    Ok(if out.failed { Exit::SomeFailed } else { Exit::Success })
}

impl Out {
    fn write(&mut self, pairs: &[(&str, Value)]) -> Result<(), Error> {
        let mut record = Record::new();
        for (key, value) in pairs {
            record.set(key, value);
        }
        self.writer.record(&record)?;
        Ok(self.writer.flush()?)
    }

    fn fail(&mut self, host: &Host, error: &SshError) {
        log::warn!("{}: {error}", host.label);
        self.failed = true;
    }

    fn resolved(&mut self, host: &Host) -> Result<(), Error> {
        let label = host.label.as_str();
        if host.route.name == HostName::Local {
            return self.write(&[("name", label.into())]);
        }
        match resolve(&host.route) {
            Ok(settings) => self.write(&[
                ("name", label.into()),
                ("address", settings.address.into()),
                ("port", settings.port.into()),
                ("user", settings.user.into()),
                ("needs_ssh", settings.beyond_libssh2.into()),
            ]),
            Err(error) => {
                self.fail(host, &error);
                Ok(())
            }
        }
    }

    fn collected(&mut self, host: &Host, way: &Way, older: u32) -> Result<(), Error> {
        let opened = way.open(&host.route, &AtomicBool::new(false));
        match opened.and_then(|connection| collect(&connection, older)) {
            Ok(found) => self.write(&[
                ("host", host.label.as_str().into()),
                ("removed", found.removed.into()),
                ("kept", found.kept.into()),
                ("kept_kib", found.kept_kib.into()),
            ]),
            Err(error) => {
                self.fail(host, &error);
                Ok(())
            }
        }
    }
}
