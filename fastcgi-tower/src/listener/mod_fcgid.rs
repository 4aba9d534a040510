//! The socket that mod_fcgid makes for each process, and how to leave it.
//!
//! A connection that is made and never accepted is a 500 for the client; one that is refused goes to the next process.
//! So before the last look at who waits, nobody may be able to connect any more.

use std::{
    collections::VecDeque,
    future::pending,
    io,
    net::IpAddr,
    os::{
        fd::AsFd,
        unix::{net::UnixListener as StdUnixListener, process::parent_id},
    },
};

use rustix::net::{Shutdown, shutdown};
use tokio::net::{UnixListener, UnixStream, unix};

use super::Listener;

/// A Unix socket on which nobody but this process listens, whose path is somebody else's.
#[derive(Debug)]
pub struct ModFcgidSocket {
    listener: UnixListener,
    /// Of a socket that is closed, those who had connected before.
    waiting: Option<VecDeque<(UnixStream, unix::SocketAddr)>>,
}

impl ModFcgidSocket {
    /// Takes the socket, if mod_fcgid made it: its path ends in the parent's process id and a number. Any other that was
    /// inherited may be shared with other processes, and is theirs to close.
    pub(super) fn new(listener: UnixListener) -> Result<Self, UnixListener> {
        if !is_mod_fcgids(&listener) {
            return Err(listener);
        }
        Ok(Self {
            listener,
            waiting: None,
        })
    }

    pub(super) fn into_std(self) -> io::Result<StdUnixListener> {
        self.listener.into_std()
    }

    /// Refuses who connects from now on, and accepts who has connected.
    fn shut_down(&self) -> io::Result<VecDeque<(UnixStream, unix::SocketAddr)>> {
        shutdown(&self.listener, Shutdown::Read)?;
        // Not by way of the runtime: for it, the end of the socket is something to be read, again and again.
        let listener = StdUnixListener::from(self.listener.as_fd().try_clone_to_owned()?);
        let mut waiting = VecDeque::new();
        while let Ok((io, addr)) = listener.accept() {
            io.set_nonblocking(true)?;
            waiting.push_back((UnixStream::from_std(io)?, addr.into()));
        }
        Ok(waiting)
    }
}

fn is_mod_fcgids(listener: &UnixListener) -> bool {
    let addr = listener.local_addr().ok();
    let path = addr.as_ref().and_then(|addr| addr.as_pathname());
    let name = path.and_then(|path| path.file_name()?.to_str());
    name.and_then(|name| name.split_once('.'))
        .is_some_and(|(parent, number)| {
            parent.parse() == Ok(parent_id()) && number.parse::<u32>().is_ok()
        })
}

impl Listener for ModFcgidSocket {
    type Io = UnixStream;
    type Addr = unix::SocketAddr;

    async fn accept(&mut self) -> (UnixStream, unix::SocketAddr) {
        match &mut self.waiting {
            None => Listener::accept(&mut self.listener).await,
            Some(waiting) => match waiting.pop_front() {
                Some(connection) => connection,
                None => pending().await,
            },
        }
    }

    fn local_addr(&self) -> io::Result<unix::SocketAddr> {
        self.listener.local_addr()
    }

    fn ip(&self, _: &unix::SocketAddr) -> Option<IpAddr> {
        None
    }

    fn close(&mut self) {
        match self.shut_down() {
            Ok(waiting) => self.waiting = Some(waiting),
            // Connections that come too late are broken then.
            Err(error) => tracing::debug!(%error, "the socket cannot be shut down"),
        }
    }
}
