//! The way to a host: none for this machine, libssh2, or the system's ssh.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ssh::{
    Conversation, End, Heard, HostName, Order, Pipe, Process, Route, Script, Session, SshError,
    Trust, resolve, system_ssh,
};

use crate::args::{HostArgs, Transport};

/// How long a process on the far side may take to be killed.
const KILLING: Duration = Duration::from_secs(5);

/// How hosts are reached.
pub(crate) struct Way {
    pub(crate) trust: Trust,
    pub(crate) transport: Transport,
    /// How long a host may say nothing.
    pub(crate) silence: Duration,
}

/// A way to one host that is open, or opened with each process.
pub(crate) enum Connection {
    Local,
    Library(Box<Session>),
    System { arguments: Vec<String> },
}

impl Way {
    pub(crate) fn new(args: &HostArgs) -> Self {
        Self {
            trust: if args.trust_new { Trust::New } else { Trust::Known },
            transport: args.transport,
            silence: args.heartbeat,
        }
    }

    /// Opens the way to a host.
    ///
    /// # Errors
    /// [`SshError`].
    pub(crate) fn open(&self, route: &Route, warned: &AtomicBool) -> Result<Connection, SshError> {
        if route.name == HostName::Local {
            return Ok(Connection::Local);
        }
        if self.transport == Transport::Ssh {
            return Ok(self.system(route));
        }
        let mut settings = resolve(route)?;
        if let Some(key) = &route.key {
            settings.identities = vec![key.clone()];
            settings.identities_only = true;
        }
        let connected = match &settings.beyond_libssh2 {
            Some(what) => Err(SshError::Unsupported(format!("it needs {what}"))),
            None => Session::connect(&settings, self.trust, self.silence),
        };
        match connected {
            Ok(session) => Ok(Connection::Library(Box::new(session))),
            Err(SshError::Unsupported(why)) if self.transport == Transport::Auto => {
                if !warned.swap(true, Ordering::Relaxed) {
                    log::info!("{}: {why}; the system's ssh is used", route.name);
                }
                Ok(self.system(route))
            }
            Err(SshError::Unsupported(why)) => {
                Err(SshError::Refused(format!("{why}; --transport ssh can do that")))
            }
            Err(error) => Err(error),
        }
    }

    fn system(&self, route: &Route) -> Connection {
        let checking = match self.trust {
            Trust::Known => "yes",
            Trust::New => "accept-new",
        };
        let interval = (self.silence / 4).as_secs().max(1);
        let mut arguments = vec!["-T".to_owned()];
        for option in [
            "BatchMode=yes".to_owned(),
            format!("StrictHostKeyChecking={checking}"),
            format!("ServerAliveInterval={interval}"),
            "ServerAliveCountMax=4".to_owned(),
            "ConnectTimeout=10".to_owned(),
            // What other connections are or ask for is nothing to this one.
            "ControlMaster=no".to_owned(),
            "ControlPath=none".to_owned(),
            "ForwardAgent=no".to_owned(),
            "ForwardX11=no".to_owned(),
            "ClearAllForwardings=yes".to_owned(),
            "RequestTTY=no".to_owned(),
            "RemoteCommand=none".to_owned(),
        ] {
            arguments.extend(["-o".to_owned(), option]);
        }
        arguments.extend(system_ssh(route));
        Connection::System { arguments }
    }
}

impl Connection {
    /// Starts the far side's shell, ready for a [`Script`].
    pub(crate) fn shell(&self) -> Result<Box<dyn Pipe + '_>, SshError> {
        self.start(Script::SHELL)
    }

    fn start(&self, command: &str) -> Result<Box<dyn Pipe + '_>, SshError> {
        let failed = |e: std::io::Error| SshError::Refused(format!("cannot start: {e}"));
        Ok(match self {
            Self::Local => Box::new(Process::start(command, &[]).map_err(failed)?),
            Self::Library(session) => Box::new(session.start(command)?),
            Self::System { arguments } => {
                let mut arguments = arguments.clone();
                arguments.push(command.to_owned());
                Box::new(Process::start("ssh", &arguments).map_err(failed)?)
            }
        })
    }

    /// Kills a process of ours that does not end by itself. Where that fails, nothing more can
    /// be done.
    pub(crate) fn kill(&self, process: u32) {
        if matches!(self, Self::Local) {
            // Its pipe has killed the whole group.
            return;
        }
        let kill = || -> Result<End, SshError> {
            let mut pipe = self.start(&format!("kill -KILL {process}"))?;
            let mut conversation = Conversation::new(4096)
                .map_err(|e| SshError::Unreachable(format!("cannot talk: {e}")))?;
            conversation.mailbox().leave(Order::Close);
            let since = Instant::now();
            Ok(conversation.run(&mut *pipe, &mut |_: Heard<'_>| since.elapsed() < KILLING))
        };
        match kill() {
            Ok(end) => log::debug!("kill {process}: {end:?}"),
            Err(e) => log::debug!("kill {process}: {e}"),
        }
    }
}
