//! The way to a host: none for this machine, libssh2, or the system's ssh.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use ssh::{HostName, Pipe, Process, Route, Script, Session, SshError, Trust, resolve, system_ssh};

use crate::args::{HostArgs, Transport};
use crate::ship::{ask, nothing};
use crate::turns::Turns;

/// How long commands that were abandoned may take to be cleared away at the end.
const CLEARING: Duration = Duration::from_secs(5);

/// Hosts that are connected to at the same time: an inventory may have thousands.
const CONNECTING: usize = 16;

/// How hosts are reached.
pub(crate) struct Way {
    pub(crate) trust: Trust,
    pub(crate) transport: Transport,
    /// How long a host may say nothing.
    pub(crate) silence: Duration,
    /// Conversations that are going on, each with whether it was abandoned.
    talks: Mutex<Vec<Weak<AtomicBool>>>,
    connecting: Turns,
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
            talks: Mutex::default(),
            connecting: Turns::new(CONNECTING),
        }
    }

    /// Notes a conversation by what says whether it is abandoned.
    pub(crate) fn watch(&self, abandoned: &Arc<AtomicBool>) {
        let mut talks = self.talks.lock().unwrap_or_else(PoisonError::into_inner);
        talks.retain(|talk| talk.strong_count() > 0);
        talks.push(Arc::downgrade(abandoned));
    }

    /// Waits a little for those who clear away commands that were abandoned.
    pub(crate) fn wait_for_the_abandoned(&self) {
        let deadline = Instant::now() + CLEARING;
        let is_abandoned = |talk: &Weak<AtomicBool>| {
            talk.upgrade().is_some_and(|abandoned| abandoned.load(Ordering::Relaxed))
        };
        while self.talks.lock().unwrap_or_else(PoisonError::into_inner).iter().any(is_abandoned)
            && Instant::now() < deadline
        {
            std::thread::sleep(Duration::from_millis(10));
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
        let _turn = self.connecting.take();
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
        // It and what it started, where it leads a group: under sshd it mostly does.
        let line = format!("kill -KILL -{process} 2>/dev/null || kill -KILL {process} 2>/dev/null");
        match ask(self, &[line], &["true"], &mut nothing) {
            Ok(said) => log::debug!("kill {process}: {:?}", said.end),
            Err(e) => log::debug!("kill {process}: {e}"),
        }
    }
}
