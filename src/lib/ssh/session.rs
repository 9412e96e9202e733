use std::net::{TcpStream, ToSocketAddrs};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use ssh2::MethodType;

use crate::channel::Channel;
use crate::{Settings, SshError, agent, known_hosts};

/// Which hosts' keys are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Those in known_hosts.
    Known,
    /// Also those of hosts never seen, which are written down. Never a changed one.
    New,
}

/// How long connecting may take, and how long a host may be silent.
const CONNECT: Duration = Duration::from_secs(10);
const HANDSHAKE: Duration = Duration::from_secs(20);

/// A connection by libssh2: the host's key checked, the user logged in. One thread uses it.
pub struct Session {
    pub(crate) inner: ssh2::Session,
    socket: TcpStream,
    silence: Duration,
}

impl Session {
    /// Connects. A host that says nothing for `silence` is taken for dead later on.
    ///
    /// # Errors
    /// [`SshError`].
    pub fn connect(settings: &Settings, trust: Trust, silence: Duration) -> Result<Self, SshError> {
        let known = known_hosts::find(settings)?;
        if known_hosts::has_authority(&known) {
            let why = "its key is vouched for by an authority (@cert-authority)";
            return Err(SshError::Unsupported(why.into()));
        }
        let socket = connect(settings)?;
        // Bytes that nobody acknowledges for so long break the connection.
        let limit = u32::try_from(silence.as_millis()).unwrap_or(u32::MAX);
        let options = rustix::net::sockopt::set_tcp_user_timeout(&socket, limit)
            .and_then(|()| rustix::net::sockopt::set_tcp_nodelay(&socket, true));
        options.map_err(|e| SshError::Unreachable(format!("cannot set up the socket: {e}")))?;
        let failed = |what| move |e: ssh2::Error| SshError::during(what, &e);
        let mut inner = ssh2::Session::new().map_err(failed("libssh2"))?;
        inner.set_timeout(u32::try_from(HANDSHAKE.as_millis()).unwrap_or(u32::MAX));
        let copy = socket.try_clone().map_err(|e| SshError::Unreachable(e.to_string()))?;
        inner.set_tcp_stream(copy);
        // A host that is known by one kind of key is asked for that kind, as ssh does.
        if !known.is_empty() {
            prefer(&inner, &known);
        }
        inner.handshake().map_err(failed("handshake"))?;
        let key = inner.host_key().map(|(key, _)| key.to_vec()).unwrap_or_default();
        known_hosts::check(settings, &known, &key, trust)?;
        agent::authenticate(&inner, settings)?;
        inner.set_keepalive(true, u32::try_from((silence / 4).as_secs().max(1)).unwrap_or(5));
        Ok(Self { inner, socket, silence })
    }

    /// Starts `command` in the user's login shell.
    ///
    /// # Errors
    /// [`SshError::Unreachable`] when the connection is no more.
    pub fn start(&self, command: &str) -> Result<Channel<'_>, SshError> {
        self.inner.set_blocking(true);
        let mut channel =
            self.inner.channel_session().map_err(|e| SshError::during("channel", &e))?;
        channel.exec(command).map_err(|e| SshError::during("exec", &e))?;
        self.inner.set_blocking(false);
        Ok(Channel::new(self, channel))
    }

    pub(crate) fn silence(&self) -> Duration {
        self.silence
    }

    pub(crate) fn socket(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

fn connect(settings: &Settings) -> Result<TcpStream, SshError> {
    let Settings { address, port, .. } = settings;
    let addresses = (address.as_str(), *port)
        .to_socket_addrs()
        .map_err(|e| SshError::Unreachable(format!("{address}: {e}")))?;
    let mut last = format!("{address}: no address");
    let deadline = Instant::now() + CONNECT;
    for at in addresses {
        let left = deadline.saturating_duration_since(Instant::now()).max(Duration::from_secs(1));
        match TcpStream::connect_timeout(&at, left) {
            Ok(socket) => return Ok(socket),
            Err(e) => last = format!("{at}: {e}"),
        }
    }
    Err(SshError::Unreachable(last))
}

fn prefer(session: &ssh2::Session, known: &[known_hosts::Known]) {
    let all = session.supported_algs(MethodType::HostKey).unwrap_or_default();
    // One RSA key answers to three algorithms.
    let is_known = |name: &str| {
        let kind = if name.starts_with("rsa-sha2-") { "ssh-rsa" } else { name };
        known.iter().any(|k| k.kind == kind)
    };
    let (first, rest): (Vec<&str>, Vec<&str>) = all.iter().copied().partition(|n| is_known(n));
    if !first.is_empty() {
        let order = [first, rest].concat().join(",");
        if let Err(e) = session.method_pref(MethodType::HostKey, &order) {
            log::debug!("host keys {order}: {}", e.message());
        }
    }
}
