//! What can go wrong on a connection.

use std::{error::Error as StdError, fmt, io};

use proto::{Awaited, ConnectionError, client::InvalidHead, record::ProtocolStatus};

/// A boxed error, as services and bodies give them.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// Why a connection, a request or a body failed.
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
    // The web server's side: see `client`.
    Connect(io::Error),
    Refused(ProtocolStatus),
    InvalidHead(InvalidHead),
    NoHead,
    IncompleteResponse(Option<io::Error>),
    RequestBody(BoxError),
}

impl Error {
    pub(crate) fn new(kind: Kind) -> Self {
        Self { kind }
    }

    /// The socket failed.
    pub fn is_io(&self) -> bool {
        matches!(self.kind, Kind::Io(_))
    }

    /// The peer broke the protocol or a limit.
    pub fn is_protocol(&self) -> bool {
        matches!(self.kind, Kind::Protocol(_))
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

    /// The application cannot be connected to.
    pub fn is_connect(&self) -> bool {
        matches!(self.kind, Kind::Connect(_))
    }

    /// The application did not serve the request: it is overloaded, or serves no such role (specification, 5.5).
    pub fn is_refused(&self) -> bool {
        matches!(self.kind, Kind::Refused(_))
    }

    /// The application's answer is no CGI response.
    pub fn is_invalid_response(&self) -> bool {
        matches!(self.kind, Kind::InvalidHead(_) | Kind::NoHead)
    }

    /// The application's answer broke off: the connection was closed, or fewer bytes came than were announced.
    pub fn is_incomplete_response(&self) -> bool {
        matches!(self.kind, Kind::IncompleteResponse(_))
    }

    /// The body of a request to an application failed.
    pub fn is_request_body(&self) -> bool {
        matches!(self.kind, Kind::RequestBody(_))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Io(_) => f.write_str("the connection failed"),
            Kind::Protocol(_) => f.write_str("the peer broke the protocol"),
            Kind::Timeout(awaited) => write!(f, "timed out: {awaited}"),
            Kind::Truncated => f.write_str("the response could not be finished"),
            Kind::IncompleteBody => f.write_str("the request body ended early"),
            Kind::Aborted => f.write_str("the web server gave the request up"),
            Kind::Connect(_) => f.write_str("the application cannot be reached"),
            Kind::Refused(status) => write!(f, "the application refused the request: {status:?}"),
            Kind::InvalidHead(_) => f.write_str("the application's answer is no CGI response"),
            Kind::NoHead => f.write_str("the application's answer has no header block"),
            Kind::IncompleteResponse(_) => f.write_str("the application's answer broke off"),
            Kind::RequestBody(_) => f.write_str("the body of the request failed"),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.kind {
            Kind::Io(error) | Kind::Connect(error) => Some(error),
            Kind::Protocol(error) => Some(error),
            Kind::InvalidHead(error) => Some(error),
            Kind::IncompleteResponse(Some(error)) => Some(error),
            Kind::RequestBody(error) => Some(&**error),
            _ => None,
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
