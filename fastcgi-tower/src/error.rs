//! What can go wrong on a connection.

use std::{error::Error as StdError, fmt, io};

use proto::{Awaited, ConnectionError};

/// A boxed error, as services and bodies give them.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// Why a connection or a request body failed.
///
/// Ask with the `is_` methods; the causes behind [`source`](StdError::source) are for people and may change.
#[derive(Debug)]
pub struct Error {
    kind: Kind,
}

#[derive(Debug)]
pub(crate) enum Kind {
    Io(io::Error),
    Protocol(ConnectionError),
    Timeout(Awaited),
    Truncated,
    IncompleteBody,
    Aborted,
}

impl Error {
    pub(crate) fn new(kind: Kind) -> Self {
        Self { kind }
    }

    /// What it is for code that reads a body as bytes.
    pub(crate) fn io_kind(&self) -> io::ErrorKind {
        match &self.kind {
            Kind::Io(error) => error.kind(),
            Kind::Aborted | Kind::Truncated => io::ErrorKind::ConnectionAborted,
            Kind::IncompleteBody => io::ErrorKind::UnexpectedEof,
            Kind::Timeout(_) => io::ErrorKind::TimedOut,
            Kind::Protocol(_) => io::ErrorKind::InvalidData,
        }
    }

    /// The socket failed.
    pub fn is_io(&self) -> bool {
        matches!(self.kind, Kind::Io(_))
    }

    /// The web server broke the protocol or a limit.
    pub fn is_protocol(&self) -> bool {
        matches!(self.kind, Kind::Protocol(_))
    }

    /// HTTP was spoken, and not FastCGI: by a browser, or by a web server that has `proxy_pass` where it needs `fastcgi_pass`. It
    /// has got an answer (B-21). It is a [protocol](Self::is_protocol) error, too.
    pub fn is_http(&self) -> bool {
        matches!(self.kind, Kind::Protocol(ConnectionError::Http))
    }

    /// The web server took longer than a limit allows.
    pub fn is_timeout(&self) -> bool {
        matches!(self.kind, Kind::Timeout(_))
    }

    /// A response could not be finished, and the connection has to be broken so that the client sees it.
    pub fn is_truncated(&self) -> bool {
        matches!(self.kind, Kind::Truncated)
    }

    /// A request body ended before `CONTENT_LENGTH` bytes had arrived (B-4).
    pub fn is_incomplete_body(&self) -> bool {
        matches!(self.kind, Kind::IncompleteBody)
    }

    /// The web server gave the request up, or closed the connection (B-11).
    pub fn is_aborted(&self) -> bool {
        matches!(self.kind, Kind::Aborted)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Io(_) => f.write_str("the connection failed"),
            Kind::Protocol(_) => f.write_str("the web server broke the protocol"),
            Kind::Timeout(awaited) => write!(f, "timed out: {awaited}"),
            Kind::Truncated => f.write_str("the response could not be finished"),
            Kind::IncompleteBody => f.write_str("the request body ended early"),
            Kind::Aborted => f.write_str("the web server gave the request up"),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.kind {
            Kind::Io(error) => Some(error),
            Kind::Protocol(error) => Some(error),
            _ => None,
        }
    }
}

/// For code that reads a body as bytes: `ConnectionAborted` where the web server gave the request up, `UnexpectedEof` where
/// the body ended early, `TimedOut`, `InvalidData` where the protocol was broken, and the socket's own error.
impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        match error.kind {
            Kind::Io(error) => error,
            _ => Self::new(error.io_kind(), error),
        }
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::new(Kind::Io(error))
    }
}

impl From<ConnectionError> for Error {
    fn from(error: ConnectionError) -> Self {
        Self::new(match error {
            ConnectionError::TimedOut(awaited) => Kind::Timeout(awaited),
            ConnectionError::Truncated => Kind::Truncated,
            error => Kind::Protocol(error),
        })
    }
}

/// What the system says, without its number.
pub(crate) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    match text.split_once(" (os error ") {
        Some((reason, _)) => reason.to_owned(),
        None => text,
    }
}
