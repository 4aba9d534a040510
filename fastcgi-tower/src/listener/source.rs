//! One socket of an [`AnyListener`](super::AnyListener), by its kind.

use std::{
    collections::VecDeque,
    io,
    os::{
        fd::{AsFd, BorrowedFd},
        unix::{net::UnixListener as StdUnixListener, process::parent_id},
    },
    task::{Context, Poll, ready},
};

use rustix::net::{Shutdown, shutdown};
use tokio::net::{TcpListener, UnixListener, UnixStream, unix};

use super::{
    AnyAddr, AnyIo, Socket, UnixSocket, set_nodelay, socket::StdListener, socket_file::SocketFile,
};

/// Where connections come from.
#[derive(Debug)]
pub(super) enum Source {
    Tcp(TcpListener),
    Unix(UnixSource),
    /// A connection that is there already, until it is accepted.
    Connected(Option<(AnyIo, AnyAddr)>),
    /// Connections from inside the process.
    #[cfg(feature = "http-server")]
    Inside(tokio::sync::mpsc::Receiver<UnixStream>),
}

impl Source {
    /// A socket of which nothing else in this process has a duplicate.
    pub(super) fn sole(socket: Socket) -> io::Result<Self> {
        let mut source = Self::shared(socket)?;
        if let Self::Unix(socket) = &mut source {
            if socket.is_mod_fcgids() {
                socket.path = Path::ModFcgids(None);
            }
        }
        Ok(source)
    }

    /// A socket that others may have, too.
    pub(super) fn shared(socket: Socket) -> io::Result<Self> {
        let (listener, file) = socket.into_parts()?;
        match listener {
            StdListener::Tcp(listener) => TcpListener::from_std(listener).map(Self::Tcp),
            StdListener::Unix(listener) => Ok(Self::Unix(UnixSource {
                listener: UnixListener::from_std(listener)?,
                path: file.map_or(Path::Theirs, Path::Ours),
            })),
        }
    }

    pub(super) fn poll_accept(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<(AnyIo, AnyAddr)>> {
        match self {
            Self::Tcp(listener) => {
                let (io, addr) = ready!(listener.poll_accept(cx))?;
                set_nodelay(&io);
                Poll::Ready(Ok((io.into(), AnyAddr::Tcp(addr))))
            }
            Self::Unix(socket) => socket.poll_accept(cx),
            Self::Connected(io) => match io.take() {
                Some(accepted) => Poll::Ready(Ok(accepted)),
                None => Poll::Pending,
            },
            #[cfg(feature = "http-server")]
            Self::Inside(connections) => match ready!(connections.poll_recv(cx)) {
                Some(io) => Poll::Ready(Ok((io.into(), AnyAddr::Inside))),
                // No peer is left that could connect.
                None => Poll::Pending,
            },
        }
    }

    pub(super) fn local_addr(&self) -> io::Result<AnyAddr> {
        match self {
            Self::Tcp(listener) => listener.local_addr().map(AnyAddr::Tcp),
            Self::Unix(socket) => socket.listener.local_addr().map(AnyAddr::Unix),
            Self::Connected(Some((io, _))) => io.local_addr(),
            Self::Connected(None) => Ok(AnyAddr::Pipe),
            #[cfg(feature = "http-server")]
            Self::Inside(_) => Ok(AnyAddr::Inside),
        }
    }

    pub(super) fn as_fd(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Self::Tcp(listener) => Some(listener.as_fd()),
            Self::Unix(socket) => Some(socket.listener.as_fd()),
            _ => None,
        }
    }

    pub(super) fn close(&mut self) {
        if let Self::Unix(socket) = self {
            socket.close();
        }
    }
}

/// A Unix socket, and whose its path is.
#[derive(Debug)]
pub(super) struct UnixSource {
    listener: UnixListener,
    path: Path,
}

#[derive(Debug)]
enum Path {
    /// Of the process that handed the socket over, and may have given it to others.
    Theirs,
    /// It is removed when nothing listens on it any more.
    Ours(SocketFile),
    /// mod_fcgid made the socket for this process alone. Once it is closed, this has the connections made before.
    ///
    /// A connection that is made and never accepted is a 500 for the client; one that is refused goes to the next
    /// process. So before the last look at the backlog, new connections have to be impossible.
    ModFcgids(Option<VecDeque<(UnixStream, unix::SocketAddr)>>),
}

impl From<UnixSocket> for UnixSource {
    fn from(socket: UnixSocket) -> Self {
        let (listener, file) = socket.into_parts();
        Self {
            listener,
            path: Path::Ours(file),
        }
    }
}

impl UnixSource {
    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(AnyIo, AnyAddr)>> {
        if let Path::ModFcgids(Some(waiting)) = &mut self.path {
            return match waiting.pop_front() {
                Some((io, addr)) => Poll::Ready(Ok((io.into(), AnyAddr::Unix(addr)))),
                None => Poll::Pending,
            };
        }
        let (io, addr) = ready!(self.listener.poll_accept(cx))?;
        Poll::Ready(Ok((io.into(), AnyAddr::Unix(addr))))
    }

    fn close(&mut self) {
        match &mut self.path {
            Path::Theirs => {}
            Path::Ours(file) => file.remove(),
            Path::ModFcgids(waiting) => match refuse_more(&self.listener) {
                Ok(connected) => *waiting = Some(connected),
                // Connections that come too late are broken then.
                Err(error) => tracing::debug!(%error, "the socket cannot be shut down"),
            },
        }
    }

    /// Whether mod_fcgid made the socket: its path ends in the parent's process id and a number. Any other that was
    /// inherited may be shared with other processes, and is theirs to close.
    fn is_mod_fcgids(&self) -> bool {
        let addr = self.listener.local_addr().ok();
        let path = addr.as_ref().and_then(|addr| addr.as_pathname());
        let name = path.and_then(|path| path.file_name()?.to_str());
        name.and_then(|name| name.split_once('.'))
            .is_some_and(|(parent, number)| {
                parent.parse() == Ok(parent_id()) && number.parse::<u32>().is_ok()
            })
    }
}

/// Refuses connections from now on, and accepts those that were made before.
fn refuse_more(listener: &UnixListener) -> io::Result<VecDeque<(UnixStream, unix::SocketAddr)>> {
    shutdown(listener, Shutdown::Read)?;
    // Not by way of the runtime: for it, the end of the socket is something to be read, again and again.
    let listener = StdUnixListener::from(listener.as_fd().try_clone_to_owned()?);
    let mut waiting = VecDeque::new();
    while let Ok((io, addr)) = listener.accept() {
        io.set_nonblocking(true)?;
        waiting.push_back((UnixStream::from_std(io)?, addr.into()));
    }
    Ok(waiting)
}
