//! Where connections come from: TCP, Unix sockets, and the socket that a process manager put on descriptor 0.

mod advice;
mod any;
mod any_io;
mod socket;
mod socket_file;
mod source;
#[cfg(feature = "axum-serve")]
mod tap_io;
mod unix_socket;

use std::{
    fmt,
    future::Future,
    io,
    net::{IpAddr, SocketAddr},
    pin::pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, DuplexStream, Interest, Ready},
    net::{TcpListener, TcpStream, UnixListener, UnixStream, unix},
};

pub use self::{
    any::{AnyAddr, AnyListener},
    any_io::AnyIo,
    socket::Socket,
    unix_socket::{SocketPermissions, UnixSocket},
};

/// Something that gives connections of web servers: the shape of axum's trait of that name.
#[diagnostic::on_unimplemented(
    note = "a listener that was written for `axum::serve` is wrapped: `ForeignListener(listener)` of axum-fastcgi"
)]
pub trait Listener: Send + 'static {
    /// A connection.
    type Io: Transport;
    /// Where a connection comes from.
    type Addr: PeerAddr;

    /// Waits for the next connection. Errors are the listener's business: it has to log them and try again.
    ///
    /// Has to be cancel safe: a future that is dropped has not taken a connection.
    fn accept(&mut self) -> impl Future<Output = (Self::Io, Self::Addr)> + Send;

    /// Where connections are accepted.
    ///
    /// # Errors
    ///
    /// When it is not known. A server does not start then, because it cannot know which machines reach it; unless it is
    /// allowed for all of them, or for those in `FCGI_WEB_SERVER_ADDRS` alone.
    fn local_addr(&self) -> io::Result<Self::Addr>;

    /// Keeps further connections from being made, where that is possible; those that wait are still to be accepted.
    /// Default: nothing.
    fn close(&mut self) {}
}

/// The address of a [`Listener`], or of a peer of it.
///
/// The server's guards depend on it. A listener on an address that other machines can reach is refused unless that is
/// allowed, and `FCGI_WEB_SERVER_ADDRS` admits connections by it.
#[diagnostic::on_unimplemented(
    note = "implement `PeerAddr` for an address of your own; a listener that was written for `axum::serve` and has an address \
            of another type is wrapped, if you vouch for its peers: `TrustedListener(listener)` of axum-fastcgi"
)]
pub trait PeerAddr: fmt::Debug + Send {
    /// The IP address; `None` where it is absent, as for a Unix socket. **With `None` for a TCP socket, the guards are
    /// off.**
    fn ip(&self) -> Option<IpAddr>;

    /// Whether other machines can reach it. Default: when its IP address is not one of this machine alone.
    fn is_remote(&self) -> bool {
        self.ip().is_some_and(|ip| !ip.to_canonical().is_loopback())
    }

    /// Whether the other end is in this very process, and is admitted whatever `FCGI_WEB_SERVER_ADDRS` says. Default: `false`.
    fn is_internal(&self) -> bool {
        false
    }

    /// Whether the other end hands over the request of plain CGI, which the web server has started this process for. Default:
    /// `false`.
    fn is_plain_cgi(&self) -> bool {
        false
    }
}

/// A connection of a [`Listener`].
pub trait Transport: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    /// Breaks the connection in the middle of a response, so that the web server sees that something is missing.
    /// Default: closes it.
    fn reset(self)
    where
        Self: Sized,
    {
        drop(self);
    }

    /// Whether the other end has left, as far as that can be known without reading; `None` when it cannot. Default: `None`.
    ///
    /// Asked once a second while a request is in progress and enough of its body waits to be read. With `Some(true)` its
    /// handler is dropped. With `None` the connection reads on, up to [`Limits::max_spill`](crate::Limits::max_spill),
    /// because the end of the connection may be behind what is unread; a departure behind more than that is not seen before
    /// the handler reads or ends. A closed side alone is no departure.
    fn is_peer_gone(&self) -> Option<bool> {
        None
    }
}

impl PeerAddr for SocketAddr {
    fn ip(&self) -> Option<IpAddr> {
        Some(Self::ip(self))
    }
}

impl PeerAddr for unix::SocketAddr {
    fn ip(&self) -> Option<IpAddr> {
        None
    }
}

/// The credentials of a process on this machine: only a Unix socket has them.
impl PeerAddr for unix::UCred {
    fn ip(&self) -> Option<IpAddr> {
        None
    }
}

/// The system reports at once that the other end is closed, whatever is unread.
impl Transport for UnixStream {
    fn is_peer_gone(&self) -> Option<bool> {
        Some(is_write_closed(self.ready(EITHER)))
    }
}

impl Transport for DuplexStream {}

impl Transport for TcpStream {
    fn reset(self) {
        if let Err(error) = self.set_zero_linger() {
            tracing::debug!(%error, "SO_LINGER cannot be set");
        }
    }

    /// Only a reset is reported at once: an end of the connection waits behind what is unread.
    fn is_peer_gone(&self) -> Option<bool> {
        is_write_closed(self.ready(EITHER)).then_some(true)
    }
}

const EITHER: Interest = Interest::READABLE.add(Interest::WRITABLE);

/// Whether nothing can be written any more: then the other end has left. The runtime knows this without a system call.
/// Polled once, because a socket with something unread is always ready.
fn is_write_closed(ready: impl Future<Output = io::Result<Ready>>) -> bool {
    let mut cx = Context::from_waker(Waker::noop());
    let polled = pin!(ready).poll(&mut cx);
    matches!(polled, Poll::Ready(Ok(ready)) if ready.is_write_closed())
}

/// Small responses are written in one piece and must not wait for what is never to come, so `TCP_NODELAY` is set.
impl Listener for TcpListener {
    type Io = TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        let (io, addr) = loop {
            match Self::accept(self).await {
                Ok(accepted) => break accepted,
                Err(error) => handle_accept_error(error).await,
            }
        };
        set_nodelay(&io);
        (io, addr)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Self::local_addr(self)
    }
}

impl Listener for UnixListener {
    type Io = UnixStream;
    type Addr = unix::SocketAddr;

    async fn accept(&mut self) -> (UnixStream, unix::SocketAddr) {
        loop {
            match Self::accept(self).await {
                Ok(accepted) => return accepted,
                Err(error) => handle_accept_error(error).await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<unix::SocketAddr> {
        Self::local_addr(self)
    }
}

fn set_nodelay(io: &TcpStream) {
    if let Err(error) = io.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY cannot be set");
    }
}

async fn handle_accept_error(error: io::Error) {
    if let Some(pause) = accept_pause(&error) {
        tokio::time::sleep(pause).await;
    }
}

/// How long to wait after an error of accepting. An error of the connection that was to be accepted says nothing about
/// the next. Any other, such as too many open files, is likely to come again at once: it is logged and slept over.
fn accept_pause(error: &io::Error) -> Option<Duration> {
    let is_of_the_connection = matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    );
    if is_of_the_connection {
        return None;
    }
    tracing::error!(%error, "no connection can be accepted");
    Some(Duration::from_secs(1))
}
