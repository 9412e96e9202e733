use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::time::Duration;

use rustix::event::{EventfdFlags, eventfd};

use crate::{End, Pipe};

/// Bytes read in one go.
const CHUNK: usize = 64 * 1024;

/// How long it waits for something before it says that there is nothing.
const PATIENCE: Duration = Duration::from_secs(1);

/// Bytes of one line of messages that are kept.
const MESSAGE: usize = 4096;

/// What one side asks the thread that talks to do.
#[derive(Debug)]
pub enum Order {
    /// Bytes to write.
    Write(Vec<u8>),
    /// No more will come: end the process's input.
    Close,
    /// Do not wait for anything any more.
    Abandon,
}

/// Where orders are left. Never blocks.
#[derive(Clone, Debug)]
pub struct Mailbox {
    sender: Sender<Order>,
    wake: Arc<OwnedFd>,
}

impl Mailbox {
    /// Leaves an order. One for a conversation that is over is lost: its end was told.
    pub fn leave(&self, order: Order) {
        if self.sender.send(order).is_ok() {
            // A counter that is full has woken the thread already.
            let _ = rustix::io::write(&*self.wake, &1u64.to_ne_bytes());
        }
    }
}

/// What comes from the process.
#[derive(Debug)]
pub enum Heard<'a> {
    /// Whole lines of its output, each with its end. The last one lacks it when output ended so.
    Lines(&'a [u8]),
    /// One line of its messages.
    Message(&'a str),
    /// Nothing, for a while.
    Silence,
    /// Nothing, and all that was to be written is: there is room for more.
    Room,
}

/// Lines to and from a process, on one thread.
pub struct Conversation {
    orders: Receiver<Order>,
    wake: Arc<OwnedFd>,
    mailbox: Sender<Order>,
    max_line: usize,
    outgoing: Vec<u8>,
    written: usize,
    closing: bool,
    closed: bool,
    partial: Vec<u8>,
    message: Vec<u8>,
    out_ended: bool,
    err_ended: bool,
}

/// Why a conversation stopped before its process did.
enum Broken {
    Abandoned,
    Io(io::Error),
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

fn would_block(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

impl Conversation {
    /// A conversation in lines of at most `max_line` bytes.
    ///
    /// # Errors
    /// When the system has no file descriptors left.
    pub fn new(max_line: usize) -> io::Result<Self> {
        let wake = Arc::new(eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?);
        let (mailbox, orders) = channel();
        Ok(Self {
            orders,
            wake,
            mailbox,
            max_line,
            outgoing: Vec::new(),
            written: 0,
            closing: false,
            closed: false,
            partial: Vec::new(),
            message: Vec::new(),
            out_ended: false,
            err_ended: false,
        })
    }

    /// Where to leave orders for it.
    #[must_use]
    pub fn mailbox(&self) -> Mailbox {
        Mailbox { sender: self.mailbox.clone(), wake: Arc::clone(&self.wake) }
    }

    /// Talks until the process ends its output, `hear` says `false`, or somebody abandons it.
    /// Gives how the process ended.
    pub fn run(&mut self, pipe: &mut dyn Pipe, hear: &mut dyn FnMut(Heard<'_>) -> bool) -> End {
        let talked = loop {
            match self.pass(pipe, hear) {
                Ok(true) => {}
                Ok(false) if self.out_ended => break Ok(()),
                Ok(false) => {
                    if self.outgoing.is_empty() && !hear(Heard::Room) {
                        break Err(Broken::Abandoned);
                    }
                    let writing = self.written < self.outgoing.len() || self.closing;
                    if let Err(e) = pipe.wait(writing, self.wake.as_fd(), PATIENCE) {
                        break Err(Broken::Io(e));
                    }
                    if !hear(Heard::Silence) {
                        break Err(Broken::Abandoned);
                    }
                }
                Err(broken) => break Err(broken),
            }
        };
        if !self.partial.is_empty() && talked.is_ok() {
            let rest = std::mem::take(&mut self.partial);
            hear(Heard::Lines(&rest));
        }
        self.flush_message(hear);
        let end = pipe.end();
        match (talked, end) {
            (Err(Broken::Abandoned), _) => End::Lost("it was given up".into()),
            (Err(Broken::Io(e)), End::Lost(_)) => End::Lost(e.to_string()),
            (_, end) => end,
        }
    }

    /// Does what can be done at once; whether that was anything.
    fn pass(
        &mut self,
        pipe: &mut dyn Pipe,
        hear: &mut dyn FnMut(Heard<'_>) -> bool,
    ) -> Result<bool, Broken> {
        let mut busy = self.take_orders()?;
        busy |= self.write(pipe)?;
        busy |= self.read(pipe, hear)?;
        busy |= self.read_messages(pipe, hear)?;
        Ok(busy)
    }

    fn take_orders(&mut self) -> Result<bool, Broken> {
        // Emptied before the orders are looked at: what comes later wakes again.
        let _ = rustix::io::read(&*self.wake, &mut [0u8; 8]);
        let mut busy = false;
        loop {
            match self.orders.try_recv() {
                Ok(Order::Write(bytes)) => self.outgoing.extend_from_slice(&bytes),
                Ok(Order::Close) => self.closing = true,
                Ok(Order::Abandon) => return Err(Broken::Abandoned),
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => return Ok(busy),
            }
            busy = true;
        }
    }

    fn write(&mut self, pipe: &mut dyn Pipe) -> Result<bool, Broken> {
        let mut busy = false;
        while self.written < self.outgoing.len() {
            match pipe.write(&self.outgoing[self.written..]) {
                Ok(n) => self.written += n,
                Err(e) if would_block(&e) => return Ok(busy),
                // It reads no more: its end will say why.
                Err(e) if e.kind() == io::ErrorKind::BrokenPipe => {
                    self.written = self.outgoing.len();
                }
                Err(e) => return Err(e.into()),
            }
            busy = true;
        }
        self.outgoing.clear();
        self.written = 0;
        if self.closing && !self.closed {
            match pipe.close_input() {
                Ok(()) => self.closed = true,
                Err(e) if would_block(&e) => return Ok(busy),
                Err(e) => return Err(e.into()),
            }
            self.closing = false;
        }
        Ok(busy)
    }

    fn read(
        &mut self,
        pipe: &mut dyn Pipe,
        hear: &mut dyn FnMut(Heard<'_>) -> bool,
    ) -> Result<bool, Broken> {
        if self.out_ended {
            return Ok(false);
        }
        let start = self.partial.len();
        self.partial.resize(start + CHUNK, 0);
        let read = pipe.read(&mut self.partial[start..]);
        let n = *read.as_ref().unwrap_or(&0);
        self.partial.truncate(start + n);
        match read {
            Ok(0) => {
                self.out_ended = true;
                return Ok(true);
            }
            Ok(_) => {}
            Err(e) if would_block(&e) => return Ok(false),
            Err(e) => return Err(e.into()),
        }
        if let Some(end) = self.partial[start..].iter().rposition(|b| *b == b'\n') {
            let rest = self.partial.split_off(start + end + 1);
            let lines = std::mem::replace(&mut self.partial, rest);
            if !hear(Heard::Lines(&lines)) {
                return Err(Broken::Abandoned);
            }
        } else if self.partial.len() > self.max_line {
            let error = format!("it wrote a line of more than {} bytes", self.max_line);
            return Err(io::Error::new(io::ErrorKind::InvalidData, error).into());
        }
        Ok(true)
    }

    fn read_messages(
        &mut self,
        pipe: &mut dyn Pipe,
        hear: &mut dyn FnMut(Heard<'_>) -> bool,
    ) -> Result<bool, Broken> {
        if self.err_ended {
            return Ok(false);
        }
        let mut buffer = [0; 8192];
        let n = match pipe.read_errors(&mut buffer) {
            Ok(0) => {
                self.err_ended = true;
                return Ok(false);
            }
            Ok(n) => n,
            Err(e) if would_block(&e) => return Ok(false),
            Err(e) => return Err(e.into()),
        };
        for part in buffer[..n].split_inclusive(|b| *b == b'\n') {
            let room = MESSAGE.saturating_sub(self.message.len());
            self.message.extend_from_slice(&part[..part.len().min(room)]);
            if part.ends_with(b"\n") {
                self.flush_message(hear);
            }
        }
        Ok(true)
    }

    fn flush_message(&mut self, hear: &mut dyn FnMut(Heard<'_>) -> bool) {
        let line = std::mem::take(&mut self.message);
        let text = String::from_utf8_lossy(&line);
        if !text.trim().is_empty() {
            hear(Heard::Message(text.trim_end()));
        }
    }
}
