//! Where a server listens, before any runtime knows.

use std::{
    io,
    net::{SocketAddr, TcpListener, ToSocketAddrs},
    os::fd::OwnedFd,
    path::Path,
};

use fastcgi_tower::listener::{AnyListener, InheritedSocket, SocketFile, SocketPermissions};

/// Listening sockets. Each worker gets duplicates.
#[derive(Debug, Default)]
pub(crate) struct Sockets {
    all: Vec<OwnedFd>,
    /// Of those that are TCP.
    addrs: Vec<SocketAddr>,
    /// Of those that are Unix sockets of our own.
    files: Vec<SocketFile>,
    has_inherited: bool,
}

impl Sockets {
    pub(crate) fn bind(&mut self, addrs: impl ToSocketAddrs) -> io::Result<()> {
        let mut failure = None;
        let before = self.all.len();
        for addr in addrs.to_socket_addrs()? {
            match TcpListener::bind(addr) {
                Ok(listener) => self.add_tcp(listener)?,
                Err(error) => failure = Some(error),
            }
        }
        if self.all.len() > before {
            return Ok(());
        }
        Err(failure.unwrap_or_else(|| io::ErrorKind::AddrNotAvailable.into()))
    }

    pub(crate) fn bind_path(&mut self, path: &Path) -> io::Result<()> {
        let (listener, file) = SocketFile::bind(path, SocketPermissions::default())?;
        self.files.push(file);
        self.add(listener);
        Ok(())
    }

    pub(crate) fn add_tcp(&mut self, listener: TcpListener) -> io::Result<()> {
        self.addrs.push(listener.local_addr()?);
        self.add(listener);
        Ok(())
    }

    pub(crate) fn add_any(&mut self, listener: AnyListener) -> io::Result<()> {
        if let AnyListener::Tcp(listener) = &listener {
            self.addrs.push(listener.local_addr()?);
        }
        let (socket, file) = listener.into_fd()?;
        self.files.extend(file);
        self.add(socket);
        Ok(())
    }

    pub(crate) fn add_stdin(&mut self) -> io::Result<()> {
        let socket = InheritedSocket::take_stdin()?.ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::NotFound,
                "descriptor 0 is no listening socket: let a web server start this program",
            )
        })?;
        self.add(socket);
        self.has_inherited = true;
        Ok(())
    }

    pub(crate) fn add(&mut self, socket: impl Into<OwnedFd>) {
        self.all.push(socket.into());
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Whether one was there when the process started.
    pub(crate) fn has_inherited(&self) -> bool {
        self.has_inherited
    }

    pub(crate) fn addrs(&self) -> &[SocketAddr] {
        &self.addrs
    }

    pub(crate) fn duplicates(&self) -> io::Result<Vec<OwnedFd>> {
        self.all.iter().map(OwnedFd::try_clone).collect()
    }

    /// The paths, to be kept as long as a worker listens.
    pub(crate) fn into_files(self) -> Vec<SocketFile> {
        self.files
    }
}
