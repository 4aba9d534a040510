//! Where an application listens.

use std::{
    fmt, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    str::FromStr,
};

use tokio::net::{TcpStream, UnixStream};

use crate::listener::AnyIo;

/// Where an application listens.
///
/// Made from a [`SocketAddr`] or a path; or parsed, as
/// [`AnyListener::bind`](crate::listener::AnyListener::bind) takes it: a path holds a `/`, anything else is `host:port`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Address(Kind);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Kind {
    // A name is looked up for every connection.
    Tcp { host: String, port: u16 },
    Unix(PathBuf),
}

impl Address {
    pub(super) async fn connect(&self) -> io::Result<AnyIo> {
        match &self.0 {
            Kind::Tcp { host, port } => {
                let io = TcpStream::connect((host.as_str(), *port)).await?;
                // Small records must not wait for the acknowledgement of earlier ones.
                io.set_nodelay(true)?;
                Ok(AnyIo::Tcp(io))
            }
            Kind::Unix(path) => UnixStream::connect(path).await.map(AnyIo::Unix),
        }
    }
}

impl From<SocketAddr> for Address {
    fn from(addr: SocketAddr) -> Self {
        Self(Kind::Tcp {
            host: addr.ip().to_string(),
            port: addr.port(),
        })
    }
}

impl From<PathBuf> for Address {
    fn from(path: PathBuf) -> Self {
        Self(Kind::Unix(path))
    }
}

impl From<&Path> for Address {
    fn from(path: &Path) -> Self {
        path.to_owned().into()
    }
}

impl FromStr for Address {
    type Err = InvalidAddress;

    fn from_str(address: &str) -> Result<Self, InvalidAddress> {
        if address.contains('/') {
            return Ok(Path::new(address).into());
        }
        let (host, port) = address.rsplit_once(':').ok_or(InvalidAddress(()))?;
        let host = match host.strip_prefix('[') {
            Some(host) => host.strip_suffix(']').ok_or(InvalidAddress(()))?,
            None => host,
        };
        match port.parse() {
            Ok(port) if !host.is_empty() => Ok(Self(Kind::Tcp {
                host: host.to_owned(),
                port,
            })),
            _ => Err(InvalidAddress(())),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Kind::Tcp { host, port } => write!(f, "{host}:{port}"),
            Kind::Unix(path) => path.display().fmt(f),
        }
    }
}

/// What is neither a path with a `/` nor `host:port`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidAddress(());

impl fmt::Display for InvalidAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an address is a path with a / or host:port")
    }
}

impl std::error::Error for InvalidAddress {}
