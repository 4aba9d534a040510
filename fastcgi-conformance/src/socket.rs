//! A stream to the application: TCP or a Unix socket.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, TcpStream, ToSocketAddrs as _},
    os::{fd::OwnedFd, unix::net::UnixStream},
    time::Duration,
};

use socket2::{Domain, SockAddr, Type};

use crate::target::Address;

/// A connected socket.
#[derive(Debug)]
pub(crate) enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Socket {
    /// Connects within `limit`. Small writes leave at once (`TCP_NODELAY`).
    pub(crate) fn connect(address: &Address, limit: Duration) -> io::Result<Self> {
        match address {
            Address::Unix(path) => {
                // Where many wait to be accepted, this waits, too; but not for ever.
                let socket = socket2::Socket::new(Domain::UNIX, Type::STREAM, None)?;
                socket.set_write_timeout(Some(limit))?;
                socket.connect(&SockAddr::unix(path)?)?;
                Ok(Self::Unix(OwnedFd::from(socket).into()))
            }
            Address::Tcp(address) => {
                let mut last = io::Error::other(format!("{address} has no address"));
                for address in address.to_socket_addrs()? {
                    match TcpStream::connect_timeout(&address, limit) {
                        Ok(socket) => {
                            socket.set_nodelay(true)?;
                            return Ok(Self::Tcp(socket));
                        }
                        Err(error) => last = error,
                    }
                }
                Err(last)
            }
        }
    }

    /// How long one read and one write may take. Zero is no limit for the system, so it is a millisecond.
    pub(crate) fn set_limits(&self, limit: Duration) -> io::Result<()> {
        let limit = Some(limit.max(Duration::from_millis(1)));
        match self {
            Self::Tcp(socket) => {
                socket.set_read_timeout(limit)?;
                socket.set_write_timeout(limit)
            }
            Self::Unix(socket) => {
                socket.set_read_timeout(limit)?;
                socket.set_write_timeout(limit)
            }
        }
    }

    /// Ends this direction, and goes on reading.
    pub(crate) fn half_close(&self) -> io::Result<()> {
        match self {
            Self::Tcp(socket) => socket.shutdown(Shutdown::Write),
            Self::Unix(socket) => socket.shutdown(Shutdown::Write),
        }
    }
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(socket) => socket.read(buffer),
            Self::Unix(socket) => socket.read(buffer),
        }
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(socket) => socket.write(bytes),
            Self::Unix(socket) => socket.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
