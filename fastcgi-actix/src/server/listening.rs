//! Where a server listens.

use std::{
    io,
    net::{SocketAddr, TcpListener, ToSocketAddrs},
    os::unix::net::UnixListener,
    path::Path,
};

use fastcgi_tower::listener::Socket;

use super::FastCgiServer;

/// Sockets.
impl<F, I, S, B> FastCgiServer<F, I, S, B> {
    /// Listens on TCP, on every address that `addrs` resolves to.
    ///
    /// # Errors
    ///
    /// When `addrs` cannot be resolved, or none of the addresses can be bound.
    pub fn bind<A: ToSocketAddrs>(mut self, addrs: A) -> io::Result<Self> {
        let mut failure = None;
        let before = self.sockets.len();
        for addr in addrs.to_socket_addrs()? {
            match Socket::bind_tcp(addr, self.backlog) {
                Ok(socket) => self.sockets.push(socket),
                Err(error) => failure = Some(error),
            }
        }
        if self.sockets.len() > before {
            return Ok(self);
        }
        Err(failure.unwrap_or_else(|| io::ErrorKind::AddrNotAvailable.into()))
    }

    /// Listens on a path, with a mode of 0660.
    ///
    /// A socket that another process left there is replaced; anything else is left alone. The path is removed when the
    /// server stops, if it is still the same socket.
    ///
    /// # Errors
    ///
    /// [`AddrInUse`](io::ErrorKind::AddrInUse) when a process listens there already, and
    /// [`AlreadyExists`](io::ErrorKind::AlreadyExists) when something other than a socket is there.
    pub fn bind_uds(mut self, path: impl AsRef<Path>) -> io::Result<Self> {
        let address = path.as_ref().into();
        self.sockets.push(Socket::bind(&address, self.backlog)?);
        Ok(self)
    }

    /// Listens on a TCP socket that is bound already.
    ///
    /// # Errors
    ///
    /// When the socket cannot be used.
    pub fn listen(self, listener: TcpListener) -> io::Result<Self> {
        Ok(self.listen_socket(Socket::new(listener)?))
    }

    /// Listens on a Unix socket that is bound already. Its path is somebody else's and never removed.
    ///
    /// # Errors
    ///
    /// When the socket cannot be used.
    pub fn listen_uds(self, listener: UnixListener) -> io::Result<Self> {
        Ok(self.listen_socket(Socket::new(listener)?))
    }

    /// Listens on the socket that this process was started with on descriptor 0, as from mod_fcgid, spawn-fcgi or
    /// lighttpd's `bin-path`.
    ///
    /// # Errors
    ///
    /// When descriptor 0 is not a listening socket.
    pub fn listen_stdin(mut self) -> io::Result<Self> {
        let socket = Socket::from_stdin()?.ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::NotFound,
                "descriptor 0 is not a listening socket: let a web server start this program",
            )
        })?;
        self.has_inherited = true;
        Ok(self.listen_socket(socket))
    }

    /// Listens on a socket of [`listener`](crate::listener).
    pub fn listen_socket(mut self, socket: Socket) -> Self {
        self.sockets.push(socket);
        self
    }

    /// How many connections may wait to be accepted on each socket that is bound from now on. Default: 1024.
    pub fn backlog(mut self, backlog: u32) -> Self {
        self.backlog = backlog;
        self
    }

    /// The addresses of the TCP sockets.
    pub fn addrs(&self) -> Vec<SocketAddr> {
        self.sockets.iter().filter_map(Socket::tcp_addr).collect()
    }
}
