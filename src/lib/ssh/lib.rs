//! Processes on other machines, over SSH, with nothing there but `sh` and sshd.
//!
//! - [`HostName`]: what a user may write for a host; nothing that a shell or ssh could take for
//!   something else.
//! - [`Settings`]: what ssh's own configuration says about it (`ssh -G`), and whether libssh2
//!   can do that.
//! - [`Session`]: a connection made by libssh2, the host's key checked, the user authenticated.
//! - [`Pipe`]: a running process with its three streams, without blocking: a channel of a
//!   session ([`Session::start`]) or a child process ([`Process`]: the system's ssh, or a local
//!   sh).
//! - [`Script`]: a command as a script for `sh`, with a mark that tells its output from what
//!   login shells print before it.
//! - [`Conversation`]: lines to and from a pipe, until one side ends it.

#![forbid(unsafe_code)]

mod agent;
mod channel;
mod conversation;
mod error;
mod known_hosts;
mod name;
mod pipe;
mod process;
mod script;
mod session;
mod settings;

pub use conversation::{Conversation, Heard, Mailbox, Order};
pub use error::SshError;
pub use name::{HostName, NameError};
pub use pipe::{End, Pipe};
pub use process::Process;
pub use script::{Script, quote};
pub use session::{Session, Trust};
pub use settings::{Route, Settings, resolve, system_ssh};
