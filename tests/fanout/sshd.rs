//! A real sshd on a free loopback port, with keys and settings of its own.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use testkit::{Program, program};

/// Where Debian and others put it: not on everybody's PATH.
fn sshd() -> PathBuf {
    let places = ["/usr/sbin/sshd", "/usr/local/sbin/sshd", "/usr/bin/sshd"];
    let found = places.iter().map(Path::new).find(|p| p.exists());
    found.expect("these tests need sshd (Debian: openssh-server); make setup gets it").to_owned()
}

pub(crate) struct Sshd {
    child: Child,
    pub(crate) port: u16,
    folder: TempDir,
}

impl Sshd {
    pub(crate) fn start() -> Self {
        Self::with("")
    }

    /// With more settings of sshd; in them, FOLDER is a folder that goes with it.
    pub(crate) fn with(settings: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["host", "user"] {
            key(&folder.path().join(name));
        }
        fs::copy(folder.path().join("user.pub"), folder.path().join("authorized"))
            .expect("authorized keys");
        if rustix::process::getuid().is_root() {
            fs::create_dir_all("/run/sshd").expect("sshd's own empty folder");
        }
        // A home of its own: what the user's shell does at a login is not what is tested. Of
        // several SetEnv lines sshd takes the first.
        let home = "SetEnv HOME=FOLDER";
        let settings = match settings.contains("SetEnv") {
            true => settings.replace("SetEnv", home),
            false => format!("{home}\n{settings}"),
        };
        let settings = settings.replace("FOLDER", &folder.path().display().to_string());
        for _ in 0..20 {
            let port = free_port();
            if let Some(child) = launch(folder.path(), port, &settings) {
                let sshd = Self { child, port, folder };
                sshd.know(&sshd.path("known_hosts"), "host");
                sshd.configure("");
                return sshd;
            }
        }
        panic!("sshd does not start");
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file of known hosts with a key of ours for this host.
    pub(crate) fn know(&self, file: &Path, key: &str) {
        let public = fs::read_to_string(self.path(&format!("{key}.pub"))).expect("a public key");
        let words: Vec<&str> = public.split_whitespace().take(2).collect();
        let line = format!("[127.0.0.1]:{} {}\n", self.port, words.join(" "));
        fs::write(file, line).expect("known_hosts");
    }

    /// A key pair of this name.
    pub(crate) fn new_key(&self, name: &str) {
        key(&self.path(name));
    }

    /// Writes ssh's configuration: attic and kitchen are this host; then what is given.
    pub(crate) fn configure(&self, more: &str) {
        let text = format!(
            "{more}\nHost attic kitchen cellar\n HostName 127.0.0.1\n Port {}\n\
             Host *\n User {}\n IdentityFile {}\n IdentitiesOnly yes\n IdentityAgent none\n\
             UserKnownHostsFile {}\n GlobalKnownHostsFile none\n",
            self.port,
            user(),
            self.path("user").display(),
            self.path("known_hosts").display(),
        );
        fs::write(self.path("config"), text).expect("ssh's configuration");
    }

    /// fanout with this host's settings and these hosts.
    pub(crate) fn fanout(&self, hosts: &str) -> Program {
        program("fanout").arg("-F").arg(self.path("config")).args(["-H", hosts])
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        // What it started for us ends with its connections.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn key(path: &Path) {
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(path)
        .stdin(Stdio::null())
        .status()
        .expect("ssh-keygen runs");
    assert!(made.success(), "ssh-keygen");
}

fn user() -> String {
    let output = Command::new("id").arg("-un").output().expect("id runs");
    String::from_utf8(output.stdout).expect("UTF-8").trim().to_owned()
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

/// Starts it; nothing when somebody else has taken the port meanwhile.
#[expect(clippy::zombie_processes, reason = "its owner, Sshd, waits for it")]
fn launch(folder: &Path, port: u16, settings: &str) -> Option<Child> {
    let at = |name: &str| folder.join(name).display().to_string();
    let text = format!(
        "{settings}\nPort {port}\nListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}\n\
         PidFile none\nStrictModes no\nUsePAM no\nPasswordAuthentication no\n\
         KbdInteractiveAuthentication no\nPermitRootLogin yes\nMaxStartups 200\nMaxSessions 200\n\
         LogLevel ERROR\nPrintMotd no\n",
        at("host"),
        at("authorized")
    );
    fs::write(folder.join("sshd_config"), text).expect("sshd_config");
    let mut child = Command::new(sshd())
        .args(["-D", "-e", "-f"])
        .arg(folder.join("sshd_config"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(fs::File::create(folder.join("sshd.log")).expect("a log"))
        .spawn()
        .expect("sshd starts");
    let deadline = Instant::now() + Duration::from_secs(20);
    while Instant::now() < deadline {
        if child.try_wait().expect("sshd can be waited for").is_some() {
            let log = fs::read_to_string(folder.join("sshd.log")).unwrap_or_default();
            assert!(log.contains("in use"), "sshd ended: {log}");
            return None;
        }
        if let Ok(mut probe) = TcpStream::connect(("127.0.0.1", port)) {
            let mut banner = [0; 4];
            if probe.read_exact(&mut banner).is_ok() && &banner == b"SSH-" {
                return Some(child);
            }
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("sshd says nothing");
}

/// A wire to a port that can be cut, or grow silent.
pub(crate) struct Wire {
    pub(crate) port: u16,
    ends: Arc<Mutex<Vec<TcpStream>>>,
    frozen: Arc<AtomicBool>,
    dead: Arc<AtomicBool>,
    connections: Arc<AtomicUsize>,
}

impl Wire {
    pub(crate) fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let wire = Self {
            port: listener.local_addr().expect("an address").port(),
            ends: Arc::default(),
            frozen: Arc::default(),
            dead: Arc::default(),
            connections: Arc::default(),
        };
        let (ends, frozen, dead, connections) = (
            Arc::clone(&wire.ends),
            Arc::clone(&wire.frozen),
            Arc::clone(&wire.dead),
            Arc::clone(&wire.connections),
        );
        std::thread::spawn(move || {
            for near in listener.incoming().flatten() {
                if dead.load(Ordering::SeqCst) {
                    continue;
                }
                let Ok(far) = TcpStream::connect(("127.0.0.1", port)) else { continue };
                connections.fetch_add(1, Ordering::SeqCst);
                let copy = |s: &TcpStream| s.try_clone().expect("a second handle");
                ends.lock().expect("no panic").extend([copy(&near), copy(&far)]);
                for (from, to) in [(copy(&near), copy(&far)), (far, near)] {
                    let frozen = Arc::clone(&frozen);
                    std::thread::spawn(move || carry(from, to, &frozen));
                }
            }
        });
        wire
    }

    /// Ends every connection; new ones are possible.
    pub(crate) fn cut(&self) {
        for end in self.ends.lock().expect("no panic").drain(..) {
            let _ = end.shutdown(Shutdown::Both);
        }
    }

    /// Ends every connection, and takes no more.
    pub(crate) fn kill(&self) {
        self.dead.store(true, Ordering::SeqCst);
        self.cut();
    }

    /// Nothing arrives any more, and nobody is told.
    pub(crate) fn freeze(&self) {
        self.frozen.store(true, Ordering::SeqCst);
    }

    /// Connections so far.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream, frozen: &AtomicBool) {
    let mut buffer = [0; 65536];
    while let Ok(n @ 1..) = from.read(&mut buffer) {
        if frozen.load(Ordering::SeqCst) {
            continue;
        }
        if to.write_all(&buffer[..n]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}
