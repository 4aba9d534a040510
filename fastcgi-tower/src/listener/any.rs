//! A listener of a kind that is only known when the program runs.

use std::{
    env, fmt,
    io::{self, IoSlice},
    net::{IpAddr, SocketAddr},
    os::fd::OwnedFd,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf},
    net::{TcpListener, TcpStream, UnixListener, UnixStream, unix},
};

use super::{CgiProcess, InheritedSocket, Listener, ModFcgidSocket, SocketFile, UnixSocket};

/// Any of the listeners, chosen by the environment.
#[derive(Debug)]
#[non_exhaustive]
pub enum AnyListener {
    /// A TCP socket.
    Tcp(TcpListener),
    /// A Unix socket whose path is somebody else's.
    Unix(UnixListener),
    /// A Unix socket that mod_fcgid made for this process.
    ModFcgid(ModFcgidSocket),
    /// A Unix socket of our own.
    UnixSocket(UnixSocket),
    /// The one request of a CGI program.
    Cgi(CgiProcess),
}

impl AnyListener {
    /// The environment variable that [`from_env`](Self::from_env) reads.
    pub const VARIABLE: &str = "FCGI_LISTEN";

    /// The socket that this process was started with on descriptor 0; without one, a socket bound to what the
    /// environment variable `FCGI_LISTEN` says.
    ///
    /// # Errors
    ///
    /// When there is neither: the message says how to deploy. When the address cannot be bound.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime with I/O enabled.
    pub async fn from_env() -> io::Result<Self> {
        if let Some(listener) = Self::from_stdin()? {
            return Ok(listener);
        }
        match env::var(Self::VARIABLE) {
            Ok(address) => Self::bind(&address).await,
            Err(_) => Err(io::Error::new(
                io::ErrorKind::NotFound,
                "descriptor 0 is no listening socket and FCGI_LISTEN is not set: let a web server start this program, \
                 or set FCGI_LISTEN to a path or to host:port",
            )),
        }
    }

    /// The socket that this process was started with on descriptor 0, if there is one.
    ///
    /// # Errors
    ///
    /// As for [`InheritedSocket::from_stdin`].
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime with I/O enabled.
    pub fn from_stdin() -> io::Result<Option<Self>> {
        Ok(InheritedSocket::from_stdin()?.map(Self::sole))
    }

    /// A socket of which nobody else in this process has a duplicate. If mod_fcgid made it, it can be closed without
    /// losing a request.
    pub fn sole(socket: InheritedSocket) -> Self {
        match socket {
            InheritedSocket::Tcp(listener) => Self::Tcp(listener),
            InheritedSocket::Unix(listener) => match ModFcgidSocket::new(listener) {
                Ok(socket) => Self::ModFcgid(socket),
                Err(listener) => Self::Unix(listener),
            },
        }
    }

    /// Listens on a path, which holds a `/`, or on `host:port`.
    ///
    /// # Errors
    ///
    /// When the address cannot be bound.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime with I/O enabled.
    pub async fn bind(address: &str) -> io::Result<Self> {
        if address.contains('/') {
            return UnixSocket::bind(address).map(Self::UnixSocket);
        }
        TcpListener::bind(address).await.map(Self::Tcp)
    }

    /// The bare socket, of which every runtime can have a duplicate to make a [listener](InheritedSocket::from_fd) of;
    /// and its path, if that is ours, to be kept as long as one of them listens.
    ///
    /// # Errors
    ///
    /// When the socket cannot be taken from its runtime, or there is none.
    pub fn into_fd(self) -> io::Result<(OwnedFd, Option<SocketFile>)> {
        match self {
            Self::Tcp(listener) => Ok((listener.into_std()?.into(), None)),
            Self::Unix(listener) => Ok((listener.into_std()?.into(), None)),
            Self::ModFcgid(socket) => Ok((socket.into_std()?.into(), None)),
            Self::UnixSocket(socket) => {
                let (listener, file) = socket.into_std()?;
                Ok((listener.into(), Some(file)))
            }
            Self::Cgi(_) => Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "a CGI program has no socket",
            )),
        }
    }
}

impl From<InheritedSocket> for AnyListener {
    fn from(socket: InheritedSocket) -> Self {
        match socket {
            InheritedSocket::Tcp(listener) => Self::Tcp(listener),
            InheritedSocket::Unix(listener) => Self::Unix(listener),
        }
    }
}

impl Listener for AnyListener {
    type Io = AnyIo;
    type Addr = AnyAddr;

    async fn accept(&mut self) -> (AnyIo, AnyAddr) {
        match self {
            Self::Tcp(listener) => {
                let (io, addr) = Listener::accept(listener).await;
                (AnyIo::Tcp(io), AnyAddr::Tcp(addr))
            }
            Self::Unix(listener) => {
                let (io, addr) = Listener::accept(listener).await;
                (AnyIo::Unix(io), AnyAddr::Unix(addr))
            }
            Self::ModFcgid(listener) => {
                let (io, addr) = listener.accept().await;
                (AnyIo::Unix(io), AnyAddr::Unix(addr))
            }
            Self::UnixSocket(listener) => {
                let (io, addr) = listener.accept().await;
                (AnyIo::Unix(io), AnyAddr::Unix(addr))
            }
            Self::Cgi(process) => {
                let (io, ()) = process.accept().await;
                (AnyIo::Pipe(io), AnyAddr::Pipe)
            }
        }
    }

    fn local_addr(&self) -> io::Result<AnyAddr> {
        match self {
            Self::Tcp(listener) => listener.local_addr().map(AnyAddr::Tcp),
            Self::Unix(listener) => listener.local_addr().map(AnyAddr::Unix),
            Self::ModFcgid(listener) => listener.local_addr().map(AnyAddr::Unix),
            Self::UnixSocket(listener) => listener.local_addr().map(AnyAddr::Unix),
            Self::Cgi(_) => Ok(AnyAddr::Pipe),
        }
    }

    fn idle_timeout(&self) -> Option<Duration> {
        match self {
            Self::Tcp(listener) => listener.idle_timeout(),
            Self::Unix(listener) => listener.idle_timeout(),
            Self::ModFcgid(listener) => listener.idle_timeout(),
            Self::UnixSocket(listener) => listener.idle_timeout(),
            Self::Cgi(process) => process.idle_timeout(),
        }
    }

    fn is_internal(&self) -> bool {
        matches!(self, Self::Cgi(_))
    }

    fn ip(&self, addr: &AnyAddr) -> Option<IpAddr> {
        match addr {
            AnyAddr::Tcp(addr) => Some(addr.ip()),
            AnyAddr::Unix(_) | AnyAddr::Pipe => None,
        }
    }

    fn close(&mut self) {
        match self {
            Self::Tcp(listener) => listener.close(),
            Self::Unix(listener) => listener.close(),
            Self::ModFcgid(listener) => listener.close(),
            Self::UnixSocket(listener) => listener.close(),
            Self::Cgi(process) => process.close(),
        }
    }

    fn break_off(io: AnyIo) {
        match io {
            AnyIo::Tcp(io) => TcpListener::break_off(io),
            AnyIo::Unix(io) => UnixListener::break_off(io),
            AnyIo::Pipe(io) => CgiProcess::break_off(io),
        }
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
    /// Inside the process.
    Pipe,
}

impl fmt::Debug for AnyAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(addr) => addr.fmt(f),
            Self::Unix(addr) => addr.fmt(f),
            Self::Pipe => f.write_str("(pipe)"),
        }
    }
}

/// A connection of an [`AnyListener`].
#[derive(Debug)]
#[non_exhaustive]
pub enum AnyIo {
    /// Over TCP.
    Tcp(TcpStream),
    /// Over a Unix socket.
    Unix(UnixStream),
    /// Inside the process.
    Pipe(DuplexStream),
}

/// Hands a call to the socket, whichever it is.
macro_rules! either {
    ($io:expr, $socket:ident => $call:expr) => {
        match $io {
            AnyIo::Tcp($socket) => $call,
            AnyIo::Unix($socket) => $call,
            AnyIo::Pipe($socket) => $call,
        }
    };
}

impl AsyncRead for AnyIo {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        either!(self.get_mut(), io => Pin::new(io).poll_read(cx, buf))
    }
}

impl AsyncWrite for AnyIo {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        either!(self.get_mut(), io => Pin::new(io).poll_write(cx, buf))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        either!(self.get_mut(), io => Pin::new(io).poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        either!(self, io => io.is_write_vectored())
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self.get_mut(), io => Pin::new(io).poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self.get_mut(), io => Pin::new(io).poll_shutdown(cx))
    }
}
