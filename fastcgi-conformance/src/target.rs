//! Whom to ask: an address, and how the application is started, if it is.

use std::{
    cell::RefCell,
    fmt, fs, io,
    net::TcpListener,
    os::{fd::OwnedFd, unix::net::UnixListener},
    path::{Path, PathBuf},
    str::FromStr,
};

use crate::{folder::Folder, process::Process};
use socket2::SockRef;

/// How many connections wait to be accepted.
const BACKLOG: i32 = 1024;

/// Where an application listens: `unix:/run/app.sock`, `127.0.0.1:9000`, `[::1]:9000` or `name:9000`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Address {
    /// The path of a Unix socket.
    Unix(PathBuf),
    /// A host and a port.
    Tcp(String),
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("unix:") {
            return Ok(Self::Unix(path.into()));
        }
        if text.starts_with('/') || text.starts_with("./") {
            return Ok(Self::Unix(text.into()));
        }
        let parts = text.rsplit_once(':');
        match parts.map(|(host, port)| (host.contains('/'), port.parse::<u16>())) {
            Some((false, Ok(_))) => Ok(Self::Tcp(text.to_owned())),
            _ => Err(format!("{text}: neither unix:PATH nor HOST:PORT")),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Tcp(address) => f.write_str(address),
        }
    }
}

/// A program and its arguments.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Program {
    /// The file, or the name of one in `PATH`.
    pub file: PathBuf,
    /// What follows it.
    pub args: Vec<String>,
}

impl Program {
    /// A program with arguments.
    #[must_use]
    pub fn new(file: impl Into<PathBuf>, args: impl IntoIterator<Item = String>) -> Self {
        Self {
            file: file.into(),
            args: args.into_iter().collect(),
        }
    }
}

/// The kind of socket that a spawned application gets on descriptor 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SpawnOn {
    /// A Unix socket in a folder of its own.
    #[default]
    Unix,
    /// A free port of 127.0.0.1.
    Tcp,
}

/// The application that is asked.
#[derive(Debug)]
pub struct Target {
    address: Address,
    starts: Starts,
    /// Has the socket of a spawned application, and is removed with this value.
    _folder: Option<Folder>,
}

#[derive(Debug)]
enum Starts {
    /// It runs already.
    No,
    /// With our listening socket on descriptor 0 (specification, 2.2).
    OnDescriptor0(Program, RefCell<Option<OwnedFd>>),
    /// It opens its address itself.
    Beside(Program),
}

impl Target {
    /// An application that runs already.
    #[must_use]
    pub fn at(address: Address) -> Self {
        Self {
            address,
            starts: Starts::No,
            _folder: None,
        }
    }

    /// A program that gets a listening socket on descriptor 0.
    ///
    /// # Errors
    ///
    /// When there is no socket to be had.
    pub fn spawned(program: Program, on: SpawnOn) -> io::Result<Self> {
        let folder = Folder::new()?;
        let (address, listener) = Self::listen(on, folder.path())?;
        Ok(Self {
            address,
            starts: Starts::OnDescriptor0(program, RefCell::new(Some(listener))),
            _folder: Some(folder),
        })
    }

    /// A listening socket.
    pub(crate) fn listen(on: SpawnOn, folder: &Path) -> io::Result<(Address, OwnedFd)> {
        Ok(match on {
            SpawnOn::Unix => {
                let path = folder.join("socket");
                let listener = UnixListener::bind(&path).map_err(|error| {
                    let text = format!("cannot listen at {}: {error}", path.display());
                    io::Error::new(error.kind(), text)
                })?;
                (Address::Unix(path), listener.into())
            }
            SpawnOn::Tcp => {
                let listener = TcpListener::bind(("127.0.0.1", 0))?;
                // As long as that of web servers, where std has 128.
                SockRef::from(&listener).listen(BACKLOG)?;
                let address = listener.local_addr()?.to_string();
                (Address::Tcp(address), listener.into())
            }
        })
    }

    /// A program that listens at `address` by itself, and is started again when it has ended.
    #[must_use]
    pub fn started(program: Program, address: Address) -> Self {
        Self {
            address,
            starts: Starts::Beside(program),
            _folder: None,
        }
    }

    /// Where the application listens.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Whether the application was given its socket on descriptor 0.
    pub(crate) fn is_spawned(&self) -> bool {
        matches!(self.starts, Starts::OnDescriptor0(..))
    }

    /// Starts the application, if it is to be started.
    pub(crate) fn start(&self) -> io::Result<Option<Process>> {
        let (program, stdin) = match &self.starts {
            Starts::No => return Ok(None),
            Starts::OnDescriptor0(program, listener) => {
                // What still waits for a process that has ended is not for the next one.
                let first = listener.borrow_mut().take();
                let listener = first.map_or_else(|| self.listen_again(), Ok)?;
                (program, Some(listener))
            }
            Starts::Beside(program) => (program, None),
        };
        Process::start(program, stdin, &[]).map(Some)
    }

    /// A new socket at the same address.
    fn listen_again(&self) -> io::Result<OwnedFd> {
        Ok(match &self.address {
            Address::Unix(path) => {
                fs::remove_file(path)?;
                UnixListener::bind(path)?.into()
            }
            Address::Tcp(address) => {
                let listener = TcpListener::bind(address)?;
                SockRef::from(&listener).listen(BACKLOG)?;
                listener.into()
            }
        })
    }

    /// The program of a spawned application, for cases that start another one.
    pub(crate) fn program(&self) -> Option<&Program> {
        match &self.starts {
            Starts::OnDescriptor0(program, _) => Some(program),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_unix_or_tcp() {
        let unix = Ok(Address::Unix("/run/app.sock".into()));
        assert_eq!("unix:/run/app.sock".parse(), unix);
        assert_eq!("/run/app.sock".parse(), unix);
        let tcp = Ok(Address::Tcp("[::1]:9000".to_owned()));
        assert_eq!("[::1]:9000".parse(), tcp);
        assert!("9000".parse::<Address>().is_err());
        assert!("host:http".parse::<Address>().is_err());
        assert!("http://127.0.0.1:9000".parse::<Address>().is_err());
    }
}
