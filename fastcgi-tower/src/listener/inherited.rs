//! The listening socket that a process manager put on descriptor 0 (specification, 2.2).

use std::{
    fs::File,
    io,
    net::TcpListener as StdTcpListener,
    os::{
        fd::{AsFd, OwnedFd},
        unix::net::{UnixListener as StdUnixListener, UnixStream as StdUnixStream},
    },
};

use rustix::net::{AddressFamily, sockopt};
use tokio::net::{TcpListener, UnixListener};

/// A listening socket that this process was started with, of whichever kind it is.
///
/// mod_fcgid, lighttpd's `bin-path`, h2o's `fastcgi.spawn`, spawn-fcgi, and systemd with `StandardInput=socket` start
/// applications so.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "FastCGI knows no other transport")]
pub enum InheritedSocket {
    /// A TCP socket.
    Tcp(TcpListener),
    /// A Unix socket. Its path is the process manager's and never removed.
    Unix(UnixListener),
}

impl InheritedSocket {
    /// Takes the socket from descriptor 0, if there is one.
    ///
    /// The descriptor is then `/dev/null`, or as empty where there is none, so that the application's children do not inherit the socket. `None` when
    /// descriptor 0 is something else, as for a program started by hand.
    ///
    /// # Errors
    ///
    /// When the socket is neither TCP nor Unix, or cannot be used.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime with I/O enabled.
    pub fn from_stdin() -> io::Result<Option<Self>> {
        Self::take_stdin()?.map(Self::from_fd).transpose()
    }

    /// Does what [`from_stdin`](Self::from_stdin) does, but gives the bare socket. No runtime is needed for it, and
    /// each thread can have a duplicate to make a [listener](Self::from_fd) of.
    ///
    /// # Errors
    ///
    /// When the socket cannot be duplicated or replaced.
    pub fn take_stdin() -> io::Result<Option<OwnedFd>> {
        let stdin = io::stdin();
        if !sockopt::socket_acceptconn(stdin.as_fd()).unwrap_or(false) {
            return Ok(None);
        }
        // A duplicate has close-on-exec set.
        let socket = stdin.as_fd().try_clone_to_owned()?;
        rustix::stdio::dup2_stdin(nothing()?)?;
        Ok(Some(socket))
    }

    /// Makes a listener of a listening socket.
    ///
    /// # Errors
    ///
    /// When the socket is neither TCP nor Unix, or cannot be used.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime with I/O enabled.
    pub fn from_fd(socket: OwnedFd) -> io::Result<Self> {
        // The flag is shared with the other processes that have this socket; they have to want it, too.
        rustix::io::ioctl_fionbio(&socket, true)?;
        let family = sockopt::socket_domain(&socket)?;
        if family == AddressFamily::UNIX {
            let listener = UnixListener::from_std(StdUnixListener::from(socket))?;
            return Ok(Self::Unix(listener));
        }
        if family == AddressFamily::INET || family == AddressFamily::INET6 {
            let listener = TcpListener::from_std(StdTcpListener::from(socket))?;
            return Ok(Self::Tcp(listener));
        }
        Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "the inherited socket is neither TCP nor Unix",
        ))
    }
}

/// Something to read nothing from.
fn nothing() -> io::Result<OwnedFd> {
    match File::open("/dev/null") {
        Ok(file) => Ok(file.into()),
        // A root directory with nothing but the program in it. The other end is closed at once.
        Err(_) => StdUnixStream::pair().map(|(near, _)| near.into()),
    }
}
