//! Any number of sockets, of whatever kind; or one connection that is there already.

use std::{
    fmt,
    future::poll_fn,
    io,
    net::{IpAddr, SocketAddr},
    os::fd::BorrowedFd,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::{io::DuplexStream, net::unix, sync::oneshot, time::Sleep};

use super::{
    Listener, PeerAddr, Socket, UnixSocket, accept_pause,
    any_io::AnyIo,
    source::{Source, UnixSource},
};
use crate::{address::Address, variable};

/// Listens on sockets of whatever kind, for programs that take what they are given.
///
/// ```no_run
/// use fastcgi_tower::listener::{AnyListener, Socket};
///
/// # fn run() -> Result<AnyListener, Box<dyn std::error::Error>> {
/// let unix = Socket::bind(&"/run/app/app.sock".parse()?, Socket::BACKLOG)?;
/// let tcp = Socket::bind(&"127.0.0.1:9000".parse()?, Socket::BACKLOG)?;
/// Ok(AnyListener::new([unix, tcp])?)
/// # }
/// ```
pub struct AnyListener {
    sources: Vec<Source>,
    /// The source that is asked first, so that a busy one keeps no other waiting.
    first: usize,
    /// The rest of a pause after an error.
    pause: Option<Pin<Box<Sleep>>>,
}

impl AnyListener {
    /// The environment variable that [`from_env`](Self::from_env) reads.
    pub const VARIABLE: &str = "FCGI_LISTEN";

    /// Listens on all of `sockets`, of which nothing else in this process has a duplicate.
    ///
    /// A socket that mod_fcgid made can then be closed without losing a request.
    ///
    /// # Errors
    ///
    /// When a socket cannot be used.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime with I/O enabled.
    pub fn new(sockets: impl IntoIterator<Item = Socket>) -> io::Result<Self> {
        let sources = sockets.into_iter().map(Source::sole);
        Ok(Self::of(sources.collect::<io::Result<_>>()?))
    }

    /// Listens on all of `sockets`, which other threads may have duplicates of.
    ///
    /// # Errors
    ///
    /// When a socket cannot be used.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime with I/O enabled.
    pub fn shared(sockets: impl IntoIterator<Item = Socket>) -> io::Result<Self> {
        let sources = sockets.into_iter().map(Source::shared);
        Ok(Self::of(sources.collect::<io::Result<_>>()?))
    }

    /// The socket that this process was started with on descriptor 0; without one, sockets bound to what the environment
    /// variable `FCGI_LISTEN` says: [addresses](Address), separated by commas.
    ///
    /// # Errors
    ///
    /// When there is neither: the message says how to deploy. When an address is invalid or cannot be bound.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime with I/O enabled.
    pub fn from_env() -> io::Result<Self> {
        if let Some(socket) = Socket::from_stdin()? {
            return Self::new([socket]);
        }
        match variable::read(Self::VARIABLE)? {
            Some(list) => Self::new(Socket::bind_list(Self::VARIABLE, &list, Socket::BACKLOG)?),
            None => Err(io::Error::new(
                io::ErrorKind::NotFound,
                "descriptor 0 is not a listening socket and FCGI_LISTEN is not set: let a web server start this \
                 program, or set FCGI_LISTEN to a path or to host:port",
            )),
        }
    }

    /// Listens on an [address](Address).
    ///
    /// # Errors
    ///
    /// When the address is invalid or cannot be bound.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime with I/O enabled.
    pub fn bind(address: &str) -> io::Result<Self> {
        let address: Address = address
            .parse()
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        Self::new([Socket::bind(&address, Socket::BACKLOG)?])
    }

    /// The one connection of a process that was started for it. The receiver fails when that is closed.
    pub(crate) fn connected(io: impl Into<AnyIo>) -> io::Result<(Self, oneshot::Receiver<()>)> {
        let mut io = io.into();
        let peer = io.peer_addr()?;
        let closed = io.closed();
        Ok((Self::of(vec![Source::Connected(Some((io, peer)))]), closed))
    }

    /// The one connection inside a process.
    pub(crate) fn internal(io: DuplexStream) -> Self {
        Self::of(vec![Source::Connected(Some((
            AnyIo::pipe(io),
            AnyAddr::Pipe,
        )))])
    }

    /// Connections that are made inside the process, by what comes with it.
    #[cfg(feature = "http-server")]
    pub(crate) fn inside() -> (Self, tokio::sync::mpsc::Sender<tokio::net::UnixStream>) {
        let (connector, connections) = tokio::sync::mpsc::channel(1);
        (Self::of(vec![Source::Inside(connections)]), connector)
    }

    /// The sockets that are listened on.
    pub fn fds(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.sources.iter().filter_map(Source::as_fd)
    }

    fn of(sources: Vec<Source>) -> Self {
        Self {
            sources,
            first: 0,
            pause: None,
        }
    }

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<(AnyIo, AnyAddr)> {
        if let Some(pause) = &mut self.pause {
            ready!(pause.as_mut().poll(cx));
            self.pause = None;
        }
        let count = self.sources.len();
        for at in 0..count {
            let index = (self.first + at) % count;
            let Some(source) = self.sources.get_mut(index) else {
                continue;
            };
            loop {
                match source.poll_accept(cx) {
                    Poll::Ready(Ok(accepted)) => {
                        self.first = (index + 1) % count;
                        return Poll::Ready(accepted);
                    }
                    Poll::Ready(Err(error)) => {
                        if let Some(pause) = accept_pause(&error) {
                            let mut pause = Box::pin(tokio::time::sleep(pause));
                            // Woken when it is over.
                            let _ = pause.as_mut().poll(cx);
                            self.pause = Some(pause);
                            return Poll::Pending;
                        }
                    }
                    Poll::Pending => break,
                }
            }
        }
        Poll::Pending
    }
}

impl From<UnixSocket> for AnyListener {
    fn from(socket: UnixSocket) -> Self {
        Self::of(vec![Source::Unix(UnixSource::from(socket))])
    }
}

impl Listener for AnyListener {
    type Io = AnyIo;
    type Addr = AnyAddr;

    async fn accept(&mut self) -> (AnyIo, AnyAddr) {
        poll_fn(|cx| self.poll_accept(cx)).await
    }

    /// Of all sockets, where there are several.
    fn local_addr(&self) -> io::Result<AnyAddr> {
        if let [source] = &self.sources[..] {
            return source.local_addr();
        }
        let addrs = self.sources.iter().map(Source::local_addr);
        Ok(AnyAddr::Several(addrs.collect::<io::Result<_>>()?))
    }

    fn close(&mut self) {
        for source in &mut self.sources {
            source.close();
        }
    }
}

impl fmt::Debug for AnyListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AnyListener")
            .field(&self.local_addr().ok())
            .finish()
    }
}

/// The address of an [`AnyListener`] or of its peer.
#[derive(Clone)]
#[non_exhaustive]
pub enum AnyAddr {
    /// Of a TCP socket.
    Tcp(SocketAddr),
    /// Of a Unix socket.
    Unix(unix::SocketAddr),
    /// Inside the process: the request of plain CGI.
    Pipe,
    /// Inside the process: the HTTP twin.
    Inside,
    /// Of each socket of a listener that has several, or none.
    Several(Vec<Self>),
}

impl PeerAddr for AnyAddr {
    fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::Tcp(addr) => Some(addr.ip()),
            Self::Unix(_) | Self::Pipe | Self::Inside | Self::Several(_) => None,
        }
    }

    fn is_remote(&self) -> bool {
        match self {
            Self::Tcp(addr) => addr.is_remote(),
            Self::Unix(_) | Self::Pipe | Self::Inside => false,
            Self::Several(addrs) => addrs.iter().any(Self::is_remote),
        }
    }

    fn is_internal(&self) -> bool {
        matches!(self, Self::Pipe | Self::Inside)
    }

    fn is_plain_cgi(&self) -> bool {
        matches!(self, Self::Pipe)
    }
}

impl fmt::Debug for AnyAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(addr) => addr.fmt(f),
            Self::Unix(addr) => addr.fmt(f),
            Self::Pipe => f.write_str("(pipe)"),
            Self::Inside => f.write_str("(inside)"),
            Self::Several(addrs) => addrs.fmt(f),
        }
    }
}
