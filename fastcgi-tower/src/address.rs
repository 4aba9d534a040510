//! Where an application listens, as people write it.

use std::{
    fmt,
    net::SocketAddr,
    path::{Path, PathBuf},
    str::FromStr,
};

/// Where an application listens: a path, or a host and a port. `FCGI_LISTEN` holds such addresses, and the `bind` of a
/// facade's `run` takes them.
///
/// | written | means |
/// |---|---|
/// | `/run/app/app.sock`, `./app.sock`, `app.sock`, `unix:/run/app/app.sock`, `unix:app.sock` | a Unix socket |
/// | `127.0.0.1:9000`, `[::1]:9000`, `localhost:9000`, `tcp:127.0.0.1:9000` | a TCP socket |
///
/// A name without a slash is a path where it ends in `.sock` or `.socket`.
///
/// ```
/// use fastcgi_tower::Address;
///
/// let address: Address = "unix:/run/app/app.sock".parse()?;
/// assert_eq!(address.to_string(), "/run/app/app.sock");
///
/// let error = ":9000".parse::<Address>().expect_err("it has no host");
/// assert_eq!(error.to_string(), "\":9000\" has no host: 127.0.0.1:9000 is for this machine alone");
/// # Ok::<(), fastcgi_tower::InvalidAddress>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Address(pub(crate) Kind);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Path(PathBuf),
    /// A host is a name or an IP address, without brackets. A name is looked up when it is used.
    Tcp {
        host: String,
        port: u16,
    },
}

impl Address {
    /// Reads several addresses, separated by commas.
    ///
    /// # Errors
    ///
    /// When one of them is invalid.
    pub fn parse_list(list: &str) -> Result<Vec<Self>, InvalidAddress> {
        list.split(',').map(|it| it.trim().parse()).collect()
    }

    /// The path of a Unix socket; absent for a TCP socket.
    pub fn as_path(&self) -> Option<&Path> {
        match &self.0 {
            Kind::Path(path) => Some(path),
            Kind::Tcp { .. } => None,
        }
    }
}

impl FromStr for Address {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        let invalid = |fault| {
            Err(InvalidAddress {
                text: text.to_owned(),
                fault,
            })
        };
        if let Some(path) = text.strip_prefix("unix:") {
            // Also as a URL: unix:///run/app.sock
            return match path.strip_prefix("//").unwrap_or(path) {
                "" => invalid(Fault::Unknown),
                path => Ok(Path::new(path).into()),
            };
        }
        let address = match text.strip_prefix("tcp:") {
            Some(address) => address.strip_prefix("//").unwrap_or(address),
            None if is_path(text) => return Ok(Path::new(text).into()),
            None => text,
        };
        let Some((host, port)) = address.rsplit_once(':') else {
            return match address.parse::<u16>() {
                Ok(port) => invalid(Fault::NoHost(port)),
                Err(_) => invalid(Fault::Unknown),
            };
        };
        let is_number = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        let host = match host.strip_prefix('[') {
            Some(inner) => inner.strip_suffix(']'),
            None => Some(host),
        };
        match (host, port.parse()) {
            (Some(""), Ok(port)) => invalid(Fault::NoHost(port)),
            (Some(host), Ok(port)) if is_number && !host.contains('/') => Ok(Self(Kind::Tcp {
                host: host.to_owned(),
                port,
            })),
            (Some(_), Err(_)) if is_number => invalid(Fault::Port),
            _ => invalid(Fault::Unknown),
        }
    }
}

fn is_path(text: &str) -> bool {
    let has_scheme = text.contains("://");
    let is_name = !text.contains(':') && (text.ends_with(".sock") || text.ends_with(".socket"));
    (text.contains('/') && !has_scheme) || is_name
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
        Self(Kind::Path(path))
    }
}

impl From<&Path> for Address {
    fn from(path: &Path) -> Self {
        path.to_owned().into()
    }
}

/// As it is read: with `unix:` in front of a path that would not be taken for one.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Kind::Tcp { host, port } => write!(f, "{host}:{port}"),
            Kind::Path(path) => {
                let path = path.to_string_lossy();
                let is_read = path.parse().is_ok_and(|read: Self| read == *self);
                write!(f, "{}{path}", if is_read { "" } else { "unix:" })
            }
        }
    }
}

/// A text that is neither a path nor a host and a port. `Display` says what was meant, where it can guess.
///
/// `Debug` prints the same, as `main` does with what it returns.
#[derive(Clone, PartialEq, Eq)]
pub struct InvalidAddress {
    text: String,
    fault: Fault,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Fault {
    NoHost(u16),
    Port,
    Unknown,
}

impl fmt::Display for InvalidAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} ", self.text)?;
        match &self.fault {
            Fault::NoHost(port) => {
                write!(f, "has no host: 127.0.0.1:{port} is for this machine alone")
            }
            Fault::Port => f.write_str("has a port that is not from 0 to 65535"),
            Fault::Unknown if self.text.contains([':', '/']) || self.text.is_empty() => f.write_str(
                "is neither a path, such as /run/app/app.sock, nor host:port, such as 127.0.0.1:9000",
            ),
            Fault::Unknown => write!(
                f,
                "is neither a path nor host:port: did you mean ./{}?",
                self.text
            ),
        }
    }
}

impl fmt::Debug for InvalidAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for InvalidAddress {}
