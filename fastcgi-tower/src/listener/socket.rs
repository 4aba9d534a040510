//! A listening socket, before any runtime knows of it.

use std::{
    fmt, io,
    net::{SocketAddr, TcpListener as StdTcpListener, ToSocketAddrs},
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::net::UnixListener as StdUnixListener,
    },
};

use rustix::net::{AddressFamily, SocketAddrUnix};
use socket2::{Domain, SockAddr, Socket as RawSocket, Type};

use super::{SocketPermissions, advice, socket_file::SocketFile};
use crate::{
    address::{Address, Kind},
    stdio::{Handed, take_stdin},
    system::{address_family, is_listening},
    variable,
};

/// A listening TCP or Unix socket: bound, or handed over by the process that started this one.
///
/// It belongs to no runtime yet, so it can be made before there is one, and each of several can have a duplicate.
/// [`AnyListener`](super::AnyListener) accepts its connections.
#[derive(Debug)]
pub struct Socket {
    fd: OwnedFd,
    /// The path, where it is ours to remove.
    file: Option<SocketFile>,
}

impl Socket {
    /// Connections that may wait to be accepted, unless another number is given. The system has a limit of its own, on
    /// Linux `net.core.somaxconn`.
    pub const BACKLOG: u32 = 1024;

    /// Listens on `address`, with room for `backlog` connections that wait to be accepted.
    ///
    /// A Unix socket has a mode of 0660, and the care of [`UnixSocket`](super::UnixSocket). Of several addresses that a
    /// host has, the first that can be bound is taken.
    ///
    /// # Errors
    ///
    /// When the address cannot be bound. The message names it.
    pub fn bind(address: &Address, backlog: u32) -> io::Result<Self> {
        match &address.0 {
            Kind::Path(path) => {
                let (listener, file) =
                    SocketFile::bind(path, SocketPermissions::default(), backlog)?;
                Ok(Self {
                    fd: listener.into(),
                    file: Some(file),
                })
            }
            Kind::Tcp { host, port } => bind_first(host, *port, backlog),
        }
    }

    /// Listens on a TCP address, with room for `backlog` connections that wait to be accepted.
    ///
    /// # Errors
    ///
    /// When the address cannot be bound. The message names it.
    pub fn bind_tcp(addr: SocketAddr, backlog: u32) -> io::Result<Self> {
        Self::listen_tcp(addr, backlog).map_err(|error| advice::on_tcp(addr, error))
    }

    fn listen_tcp(addr: SocketAddr, backlog: u32) -> io::Result<Self> {
        let socket = RawSocket::new(Domain::for_address(addr), Type::STREAM, None)?;
        // As std does: a restart need not wait for the connections of the last process.
        socket.set_reuse_address(true)?;
        socket.bind(&SockAddr::from(addr))?;
        socket.listen(backlog.try_into().unwrap_or(i32::MAX))?;
        Self::new(OwnedFd::from(socket))
    }

    /// Takes a socket that is listening already, and whose path, if it has one, belongs to another process.
    ///
    /// # Errors
    ///
    /// When it is neither TCP nor Unix, or does not listen.
    pub fn new(fd: impl Into<OwnedFd>) -> io::Result<Self> {
        let fd = fd.into();
        let family = address_family(&fd)?;
        let is_supported = [
            AddressFamily::UNIX,
            AddressFamily::INET,
            AddressFamily::INET6,
        ]
        .contains(&family);
        if !is_supported || !is_listening(&fd)? {
            return Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "this is not a listening TCP or Unix socket",
            ));
        }
        // The flag is shared with the other processes that have this socket; they have to want it, too.
        rustix::io::ioctl_fionbio(&fd, true)?;
        Ok(Self { fd, file: None })
    }

    /// The socket that this process was started with on descriptor 0, if there is one: as from mod_fcgid, spawn-fcgi or
    /// lighttpd's `bin-path` (specification, 2.2).
    ///
    /// Descriptor 0 is then `/dev/null`, so that the application's children do not inherit the socket. `None` when it is
    /// something else, as for a program started by hand.
    ///
    /// # Errors
    ///
    /// When the socket cannot be used.
    pub fn from_stdin() -> io::Result<Option<Self>> {
        if Handed::on_stdin() != Handed::Listening {
            return Ok(None);
        }
        Self::new(take_stdin()?).map(Some)
    }

    /// Listens on each address of a list, which is the value of `variable`.
    pub(crate) fn bind_list(variable: &str, list: &str, backlog: u32) -> io::Result<Vec<Self>> {
        let invalid = |error| io::Error::new(io::ErrorKind::InvalidInput, error);
        let addresses = Address::parse_list(list).map_err(invalid);
        let sockets = addresses.and_then(|addresses| {
            let bound = addresses.iter().map(|address| Self::bind(address, backlog));
            bound.collect()
        });
        sockets
            .map_err(|error| io::Error::new(error.kind(), variable::about(variable, list, &error)))
    }

    /// A duplicate for another runtime. The path stays this one's to remove.
    ///
    /// # Errors
    ///
    /// When there are too many open files.
    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(Self {
            fd: self.fd.try_clone()?,
            file: None,
        })
    }

    /// The address, if it is TCP.
    pub fn tcp_addr(&self) -> Option<SocketAddr> {
        let addr = rustix::net::getsockname(&self.fd).ok()?;
        addr.try_into().ok()
    }

    pub(super) fn into_parts(self) -> io::Result<(StdListener, Option<SocketFile>)> {
        let family = address_family(&self.fd)?;
        let listener = match family {
            AddressFamily::UNIX => StdListener::Unix(self.fd.into()),
            _ => StdListener::Tcp(self.fd.into()),
        };
        Ok((listener, self.file))
    }
}

/// Its address: a path, or an IP address and a port.
impl fmt::Display for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            return file.path().display().fmt(f);
        }
        match rustix::net::getsockname(&self.fd) {
            Ok(addr) => match (
                SocketAddr::try_from(addr.clone()),
                SocketAddrUnix::try_from(addr),
            ) {
                (Ok(addr), _) => addr.fmt(f),
                (_, Ok(addr)) => match addr.path() {
                    Some(path) => f.write_str(&path.to_string_lossy()),
                    None => f.write_str("a socket without a path"),
                },
                _ => f.write_str("a socket of another kind"),
            },
            Err(error) => error.fmt(f),
        }
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

pub(super) enum StdListener {
    Tcp(StdTcpListener),
    Unix(StdUnixListener),
}

fn bind_first(host: &str, port: u16, backlog: u32) -> io::Result<Socket> {
    let mut failure = None;
    let addrs = (host, port).to_socket_addrs().map_err(|error| {
        let message = format!("{host}:{port}: no address is known for the host {host}: {error}");
        io::Error::new(error.kind(), message)
    });
    for addr in addrs? {
        match Socket::bind_tcp(addr, backlog) {
            Ok(socket) => return Ok(socket),
            Err(error) => failure = Some(error),
        }
    }
    Err(failure.unwrap_or_else(|| io::ErrorKind::AddrNotAvailable.into()))
}
