use std::fs::File;
use std::io;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::Mode;
use rustix::io::Errno;
use rustix::net::{self, AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use tokio::net::{TcpStream, UnixStream};

use crate::{Listen, ServeError};

/// Connections the system keeps waiting for us.
const BACKLOG: i32 = 128;

/// A socket that listens, not yet part of a runtime.
#[derive(Debug)]
pub(crate) enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener, SocketFile),
}

/// A connection that came in.
pub(crate) enum Stream {
    Tcp(TcpStream, std::net::SocketAddr),
    Unix(UnixStream),
}

impl Listener {
    /// Listens; the address comes back with the port that was given out.
    pub(crate) fn bind(listen: &Listen) -> Result<(Self, Listen), ServeError> {
        let wrap = |source| ServeError::Listen { place: listen.to_string(), source };
        match listen {
            Listen::Tcp(address) => {
                let listener = TcpListener::bind(address).map_err(wrap)?;
                listener.set_nonblocking(true).map_err(wrap)?;
                let local = Listen::Tcp(listener.local_addr().map_err(wrap)?);
                Ok((Self::Tcp(listener), local))
            }
            Listen::Unix(path) => {
                let (listener, file) = bind_unix(path, wrap)?;
                Ok((Self::Unix(listener, file), listen.clone()))
            }
        }
    }

    /// Joins the runtime this is called in.
    pub(crate) fn accepting(self) -> io::Result<Accepting> {
        Ok(match self {
            Self::Tcp(listener) => Accepting::Tcp(tokio::net::TcpListener::from_std(listener)?),
            Self::Unix(listener, file) => Accepting::Unix {
                _file: file,
                listener: tokio::net::UnixListener::from_std(listener)?,
            },
        })
    }
}

/// A socket that accepts connections.
#[derive(Debug)]
pub(crate) enum Accepting {
    Tcp(tokio::net::TcpListener),
    // In this order: while the file is there, the socket behind it answers.
    Unix { _file: SocketFile, listener: tokio::net::UnixListener },
}

impl Accepting {
    pub(crate) async fn accept(&self) -> io::Result<Stream> {
        match self {
            Self::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                // A streamed token is a small packet that should not wait for the next one.
                stream.set_nodelay(true)?;
                Ok(Stream::Tcp(stream, peer))
            }
            Self::Unix { listener, .. } => Ok(Stream::Unix(listener.accept().await?.0)),
        }
    }
}

/// The socket's file, removed when the server ends unless somebody has put another in its place.
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let ours = |file: std::fs::Metadata| (file.dev(), file.ino()) == (self.device, self.inode);
        if std::fs::symlink_metadata(&self.path).is_ok_and(ours)
            && let Err(error) = std::fs::remove_file(&self.path)
        {
            log::warn!("{}: {error}", self.path.display());
        }
    }
}

fn bind_unix(
    path: &Path,
    wrap: impl Fn(io::Error) -> ServeError,
) -> Result<(UnixListener, SocketFile), ServeError> {
    let _alone = lock_directory(path).map_err(&wrap)?;
    let socket = net::socket_with(
        AddressFamily::UNIX,
        SocketType::STREAM,
        SocketFlags::CLOEXEC | SocketFlags::NONBLOCK,
        None,
    )
    .map_err(|error| wrap(error.into()))?;
    let name = SocketAddrUnix::new(path).map_err(|error| wrap(error.into()))?;
    match net::bind(&socket, &name) {
        Err(Errno::ADDRINUSE) => {
            remove_stale(path, &name, &wrap)?;
            net::bind(&socket, &name)
        }
        result => result,
    }
    .map_err(|error| wrap(error.into()))?;
    let listening = open_to_owner(path, &socket).map_err(&wrap)?;
    Ok((UnixListener::from(socket), listening))
}

/// Nobody can connect before `listen`, so the mode holds from the first connection on.
fn open_to_owner(path: &Path, socket: &OwnedFd) -> io::Result<SocketFile> {
    let file = std::fs::symlink_metadata(path)?;
    let file = SocketFile { path: path.into(), device: file.dev(), inode: file.ino() };
    rustix::fs::chmod(path, Mode::RUSR | Mode::WUSR)?;
    net::listen(socket, BACKLOG)?;
    Ok(file)
}

/// Two servers that start at once must not take each other's fresh socket for a stale one.
fn lock_directory(path: &Path) -> io::Result<File> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let directory = File::open(parent.unwrap_or(Path::new(".")))?;
    for _ in 0..50 {
        match directory.try_lock() {
            Ok(()) => return Ok(directory),
            Err(std::fs::TryLockError::WouldBlock) => {
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(std::fs::TryLockError::Error(error)) => return Err(error),
        }
    }
    Err(io::Error::new(io::ErrorKind::TimedOut, "the directory stays locked"))
}

fn remove_stale(
    path: &Path,
    name: &SocketAddrUnix,
    wrap: impl Fn(io::Error) -> ServeError,
) -> Result<(), ServeError> {
    let file = std::fs::symlink_metadata(path).map_err(&wrap)?;
    if !file.file_type().is_socket() {
        return Err(ServeError::NotASocket(path.into()));
    }
    let probe = net::socket_with(
        AddressFamily::UNIX,
        SocketType::STREAM,
        SocketFlags::CLOEXEC | SocketFlags::NONBLOCK,
        None,
    )
    .map_err(|error| wrap(error.into()))?;
    match net::connect(&probe, name) {
        // Nobody listens: what is left of a server that was killed.
        Err(Errno::CONNREFUSED) => std::fs::remove_file(path).map_err(wrap),
        // A full backlog has an owner too.
        Ok(()) | Err(Errno::AGAIN | Errno::INPROGRESS) => Err(ServeError::InUse(path.into())),
        Err(error) => Err(wrap(error.into())),
    }
}
