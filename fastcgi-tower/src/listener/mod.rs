//! Where connections come from: TCP, Unix sockets, and the socket that a process manager put on descriptor 0.

mod any;
mod socket;
mod socket_file;
mod source;
mod unix_socket;

use std::{
    fmt,
    future::Future,
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream, UnixListener, UnixStream, unix},
};

pub use self::{
    any::{AnyAddr, AnyIo, AnyListener},
    socket::Socket,
    unix_socket::{SocketPermissions, UnixSocket},
};

/// Something that gives connections of web servers: the shape of axum's trait of that name.
pub trait Listener: Send + 'static {
    /// A connection.
    type Io: AsyncRead + AsyncWrite + Unpin + Send + 'static;
    /// Where a connection comes from.
    type Addr: fmt::Debug + Send;

    /// How long connections may be without a request, unless the server says otherwise. Default: for ever, because the
    /// web server owns its pool of connections.
    fn idle_timeout(&self) -> Option<Duration> {
        None
    }

    /// Waits for the next connection. Errors are the listener's business: it has to log them and try again.
    ///
    /// Has to be cancel safe: a future that is dropped has not taken a connection.
    fn accept(&mut self) -> impl Future<Output = (Self::Io, Self::Addr)> + Send;

    /// Where connections are accepted; of several places, the first.
    fn local_addr(&self) -> io::Result<Self::Addr>;

    /// The IP addresses of all places where connections are accepted. Default: that of [`local_addr`](Self::local_addr), by
    /// [`ip`](Self::ip).
    ///
    /// A server does not start where one of them can be reached by other machines, unless that is allowed.
    ///
    /// # Errors
    ///
    /// When they are not known. The server does not start then, either.
    fn local_ips(&self) -> io::Result<Vec<IpAddr>> {
        Ok(self.ip(&self.local_addr()?).into_iter().collect())
    }

    /// Whether connections come from this very process, so that nobody has to be kept away. Default: `false`.
    fn is_internal(&self) -> bool {
        false
    }

    /// The IP address in an address; `None` where it has none, as that of a Unix socket.
    ///
    /// The server's guards stand on it. A listener on an address that other machines can reach is refused unless that is
    /// allowed, and `FCGI_WEB_SERVER_ADDRS` admits connections by it. With `None` for a TCP socket, the first guard is off.
    fn ip(&self, addr: &Self::Addr) -> Option<IpAddr>;

    /// Keeps further connections from being made, where that is possible; those that wait are still to be accepted.
    /// Default: nothing.
    fn close(&mut self) {}

    /// Breaks a connection in the middle of a response, so that the web server sees that something is missing.
    /// Default: closes it.
    fn break_off(io: Self::Io) {
        drop(io);
    }
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

    fn idle_timeout(&self) -> Option<Duration> {
        Some(Duration::from_secs(5 * 60))
    }

    fn ip(&self, addr: &SocketAddr) -> Option<IpAddr> {
        Some(addr.ip())
    }

    /// With a reset.
    fn break_off(io: TcpStream) {
        if let Err(error) = io.set_zero_linger() {
            tracing::debug!(%error, "SO_LINGER cannot be set");
        }
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

    fn ip(&self, _: &unix::SocketAddr) -> Option<IpAddr> {
        None
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
