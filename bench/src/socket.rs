//! The socket between the load and a server: the load makes it, the server finds it on descriptor 0.

use std::{
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    os::{
        fd::{AsFd, OwnedFd},
        unix::net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
    str::FromStr,
};

use rustix::net::{RecvFlags, recv};

use crate::Result;

/// The kind of socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    Unix,
    Tcp,
}

impl Transport {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Unix => "unix",
            Self::Tcp => "tcp",
        }
    }
}

impl FromStr for Transport {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "unix" => Ok(Self::Unix),
            "tcp" => Ok(Self::Tcp),
            _ => Err("the socket is unix or tcp"),
        }
    }
}

/// A listening socket, for an asynchronous runtime.
#[derive(Debug)]
pub(crate) enum Listening {
    Unix(UnixListener),
    Tcp(TcpListener),
}

impl Listening {
    /// Takes it from descriptor 0.
    pub(crate) fn from_stdin(transport: Transport) -> io::Result<Self> {
        let socket = io::stdin().as_fd().try_clone_to_owned()?;
        Ok(match transport {
            Transport::Unix => {
                let listener = UnixListener::from(socket);
                listener.set_nonblocking(true)?;
                Self::Unix(listener)
            }
            Transport::Tcp => {
                let listener = TcpListener::from(socket);
                listener.set_nonblocking(true)?;
                Self::Tcp(listener)
            }
        })
    }
}

/// Where a server listens.
#[derive(Clone, Debug)]
pub(crate) enum Address {
    Unix(PathBuf),
    Tcp(std::net::SocketAddr),
}

impl Address {
    /// A new listening socket, and its address.
    pub(crate) fn listen(transport: Transport, path: &Path) -> io::Result<(OwnedFd, Self)> {
        Ok(match transport {
            Transport::Unix => {
                let listener = UnixListener::bind(path)?;
                (listener.into(), Self::Unix(path.to_owned()))
            }
            Transport::Tcp => {
                let listener = TcpListener::bind("127.0.0.1:0")?;
                let addr = listener.local_addr()?;
                (listener.into(), Self::Tcp(addr))
            }
        })
    }

    pub(crate) fn connect(&self) -> io::Result<Stream> {
        Ok(match self {
            Self::Unix(path) => Stream::Unix(UnixStream::connect(path)?),
            Self::Tcp(addr) => {
                let stream = TcpStream::connect(addr)?;
                stream.set_nodelay(true)?;
                Stream::Tcp(stream)
            }
        })
    }
}

/// A connection to a server.
#[derive(Debug)]
pub(crate) enum Stream {
    Unix(UnixStream),
    Tcp(TcpStream),
}

impl Stream {
    /// Whether there is something to read, or the end.
    pub(crate) fn is_readable(&self) -> io::Result<bool> {
        let socket = match self {
            Self::Unix(stream) => stream.as_fd(),
            Self::Tcp(stream) => stream.as_fd(),
        };
        match recv(socket, &mut [0], RecvFlags::PEEK | RecvFlags::DONTWAIT) {
            Ok(_) => Ok(true),
            Err(rustix::io::Errno::AGAIN) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Unix(stream) => stream.read(buffer),
            Self::Tcp(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        match self {
            Self::Unix(stream) => stream.write(buffer),
            Self::Tcp(stream) => stream.write(buffer),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
