//! A connection of whatever kind.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf},
    net::{TcpStream, UnixStream},
    sync::oneshot,
};

use super::{AnyAddr, Transport};

/// A connection of an [`AnyListener`](super::AnyListener).
#[derive(Debug)]
pub struct AnyIo {
    kind: Kind,
    /// Dropped with the connection, if something waits for that.
    _open: Option<oneshot::Sender<()>>,
}

#[derive(Debug)]
enum Kind {
    Tcp(TcpStream),
    Unix(UnixStream),
    Pipe(DuplexStream),
}

impl AnyIo {
    fn new(kind: Kind) -> Self {
        Self { kind, _open: None }
    }

    /// One end of a connection inside this process.
    pub(super) fn pipe(io: DuplexStream) -> Self {
        Self::new(Kind::Pipe(io))
    }

    /// Fails when the connection is closed.
    pub(super) fn closed(&mut self) -> oneshot::Receiver<()> {
        let (open, closed) = oneshot::channel();
        self._open = Some(open);
        closed
    }

    /// Where this end of the connection is.
    pub(super) fn local_addr(&self) -> io::Result<AnyAddr> {
        match &self.kind {
            Kind::Tcp(io) => io.local_addr().map(AnyAddr::Tcp),
            Kind::Unix(io) => io.local_addr().map(AnyAddr::Unix),
            Kind::Pipe(_) => Ok(AnyAddr::Pipe),
        }
    }

    /// Where the other end of the connection is.
    pub(super) fn peer_addr(&self) -> io::Result<AnyAddr> {
        match &self.kind {
            Kind::Tcp(io) => io.peer_addr().map(AnyAddr::Tcp),
            Kind::Unix(io) => io.peer_addr().map(AnyAddr::Unix),
            Kind::Pipe(_) => Ok(AnyAddr::Pipe),
        }
    }

    /// The socket, unless the connection is inside this process.
    #[cfg(feature = "client")]
    pub(crate) fn socket(&self) -> Option<std::os::fd::BorrowedFd<'_>> {
        use std::os::fd::AsFd;
        match &self.kind {
            Kind::Tcp(io) => Some(io.as_fd()),
            Kind::Unix(io) => Some(io.as_fd()),
            Kind::Pipe(_) => None,
        }
    }
}

impl Transport for AnyIo {
    fn reset(self) {
        if let Kind::Tcp(io) = self.kind {
            io.reset();
        }
    }

    fn is_peer_gone(&self) -> Option<bool> {
        match &self.kind {
            Kind::Tcp(io) => io.is_peer_gone(),
            Kind::Unix(io) => io.is_peer_gone(),
            // It is in this process.
            Kind::Pipe(_) => Some(false),
        }
    }
}

impl From<TcpStream> for AnyIo {
    fn from(io: TcpStream) -> Self {
        Self::new(Kind::Tcp(io))
    }
}

impl From<UnixStream> for AnyIo {
    fn from(io: UnixStream) -> Self {
        Self::new(Kind::Unix(io))
    }
}

/// Hands a call to the socket, whichever it is.
macro_rules! either {
    ($io:expr, $socket:ident => $call:expr) => {
        match $io {
            Kind::Tcp($socket) => $call,
            Kind::Unix($socket) => $call,
            Kind::Pipe($socket) => $call,
        }
    };
}

impl AsyncRead for AnyIo {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        either!(&mut self.get_mut().kind, io => Pin::new(io).poll_read(cx, buf))
    }
}

impl AsyncWrite for AnyIo {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        either!(&mut self.get_mut().kind, io => Pin::new(io).poll_write(cx, buf))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        either!(&mut self.get_mut().kind, io => Pin::new(io).poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        either!(&self.kind, io => io.is_write_vectored())
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(&mut self.get_mut().kind, io => Pin::new(io).poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(&mut self.get_mut().kind, io => Pin::new(io).poll_shutdown(cx))
    }
}
