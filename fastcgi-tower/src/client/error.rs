//! What can go wrong with a request to an application.

use std::{error::Error, fmt, io, time::Duration};

use proto::{
    ConnectionError,
    client::{InvalidHead, QueryTooLong},
    record::ProtocolStatus,
};

use crate::error::BoxError;

/// Why a request to an application failed.
///
/// Ask with the `is_` methods; the causes behind [`source`](Error::source) are for people and may change.
#[derive(Debug)]
pub struct ClientError {
    kind: Kind,
}

#[derive(Debug)]
pub(super) enum Kind {
    Connect(io::Error),
    Io(io::Error),
    Protocol(ConnectionError),
    Refused(ProtocolStatus),
    InvalidHead(InvalidHead),
    NoHead,
    IncompleteResponse(Option<io::Error>),
    RequestBody(BoxError),
    QueryTooLong(QueryTooLong),
    /// With the limit.
    OutputTooLong(usize),
    /// With the limit.
    TimedOut(Late, Duration),
}

/// What did not come in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Late {
    Connect,
    FirstByte,
    Read,
    Whole,
    /// The whole, of which nothing has come.
    Answer,
}

impl ClientError {
    pub(super) fn new(kind: Kind) -> Self {
        Self { kind }
    }

    /// The application cannot be connected to, or not in time.
    pub fn is_connect(&self) -> bool {
        matches!(
            self.kind,
            Kind::Connect(_) | Kind::TimedOut(Late::Connect, _)
        )
    }

    /// One of the time limits of the [`Client`](super::Client) has passed.
    pub fn is_timeout(&self) -> bool {
        matches!(self.kind, Kind::TimedOut(..))
    }

    /// The socket failed.
    pub fn is_io(&self) -> bool {
        matches!(self.kind, Kind::Io(_))
    }

    /// What listens does not speak FastCGI, or breaks the protocol.
    pub fn is_protocol(&self) -> bool {
        matches!(self.kind, Kind::Protocol(_))
    }

    /// The peer speaks HTTP, and not FastCGI. Mostly, the address is that of a web server.
    pub fn is_http(&self) -> bool {
        matches!(self.kind, Kind::Protocol(ConnectionError::Http))
    }

    /// More came than [`Client::max_output`](super::Client::max_output) allows.
    pub fn is_output_too_long(&self) -> bool {
        matches!(self.kind, Kind::OutputTooLong(_))
    }

    /// The application did not serve the request: it is overloaded, or serves no such role (specification, 5.5).
    pub fn is_refused(&self) -> bool {
        matches!(self.kind, Kind::Refused(_))
    }

    /// The application's answer is not a CGI response.
    pub fn is_invalid_response(&self) -> bool {
        matches!(self.kind, Kind::InvalidHead(_) | Kind::NoHead)
    }

    /// The application's answer broke off: the connection was closed, or fewer bytes came than were announced.
    pub fn is_incomplete_response(&self) -> bool {
        matches!(self.kind, Kind::IncompleteResponse(_))
    }

    /// The body of the request failed.
    pub fn is_request_body(&self) -> bool {
        matches!(self.kind, Kind::RequestBody(_))
    }

    /// The application was to be asked for more names than one record holds: 65 535 bytes.
    pub fn is_query_too_long(&self) -> bool {
        matches!(self.kind, Kind::QueryTooLong(_))
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Connect(_) => f.write_str("the application cannot be reached"),
            Kind::Io(_) => f.write_str("the connection failed"),
            Kind::Protocol(ConnectionError::Http) => {
                f.write_str("the application speaks HTTP, not FastCGI")
            }
            Kind::Protocol(_) => f.write_str("the application broke the protocol"),
            Kind::OutputTooLong(limit) => {
                write!(f, "the application's answer is longer than {limit} bytes")
            }
            Kind::Refused(status) => write!(f, "the application refused the request: {status:?}"),
            Kind::InvalidHead(_) => f.write_str("the application's answer is not a CGI response"),
            Kind::NoHead => f.write_str("the application's answer has no header block"),
            Kind::IncompleteResponse(_) => f.write_str("the application's answer broke off"),
            Kind::RequestBody(_) => f.write_str("the body of the request failed"),
            Kind::QueryTooLong(_) => {
                f.write_str("the application cannot be asked for these values")
            }
            Kind::TimedOut(Late::Connect, limit) => {
                write!(f, "the application cannot be reached within {limit:?}")
            }
            Kind::TimedOut(Late::FirstByte, limit) => {
                write!(f, "the application sent nothing within {limit:?}")
            }
            Kind::TimedOut(Late::Read, limit) => {
                write!(f, "the application's answer paused for {limit:?}")
            }
            Kind::TimedOut(Late::Answer, limit) => {
                write!(f, "the application did not answer within {limit:?}")
            }
            Kind::TimedOut(Late::Whole, limit) => {
                write!(f, "the application's answer was not whole within {limit:?}")
            }
        }
    }
}

impl Error for ClientError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.kind {
            Kind::Connect(error) | Kind::Io(error) => Some(error),
            Kind::Protocol(ConnectionError::Http) => None,
            Kind::Protocol(error) => Some(error),
            Kind::InvalidHead(error) => Some(error),
            Kind::IncompleteResponse(Some(error)) => Some(error),
            Kind::RequestBody(error) => Some(&**error),
            Kind::QueryTooLong(error) => Some(error),
            Kind::Refused(_)
            | Kind::NoHead
            | Kind::IncompleteResponse(None)
            | Kind::OutputTooLong(_)
            | Kind::TimedOut(..) => None,
        }
    }
}

impl From<io::Error> for ClientError {
    fn from(error: io::Error) -> Self {
        Self::new(Kind::Io(error))
    }
}

impl From<ConnectionError> for ClientError {
    fn from(error: ConnectionError) -> Self {
        Self::new(Kind::Protocol(error))
    }
}

impl From<QueryTooLong> for ClientError {
    fn from(error: QueryTooLong) -> Self {
        Self::new(Kind::QueryTooLong(error))
    }
}
