//! Why a connection fails.

use std::fmt;

use crate::{
    params::InvalidParams,
    record::{RecordType, RequestId, UnsupportedVersion},
};

/// Why a connection cannot go on: the peer broke the protocol or a limit, or a response could not be finished.
///
/// The peer of a [`Connection`](crate::Connection) is the web server, that of a
/// [`ClientConnection`](crate::client::ClientConnection) the application. Other connections are not concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectionError {
    /// A record of another version of the protocol.
    UnsupportedVersion(UnsupportedVersion),
    /// HTTP, from the beginning of the connection on. A client gets an answer (B-21); a server that was called is left alone.
    Http,
    /// A record whose content has the wrong length for its type.
    InvalidLength(RecordType, usize),
    /// `FCGI_BEGIN_REQUEST` for a request in progress.
    DuplicateRequest(RequestId),
    /// An application record without a request id.
    MissingRequestId(RecordType),
    /// A record that this peer does not send, or not now.
    UnexpectedRecord(RecordType),
    /// Name-value pairs that do not fit their stream.
    InvalidParams(InvalidParams),
    /// More than 1000 records in a row that carry nothing.
    TooManyEmptyRecords,
    /// More than [`Limits::max_ignored`](crate::Limits::max_ignored) bytes that belong to no request.
    TooMuchIgnored,
    /// Something did not come in time.
    TimedOut(Awaited),
    /// A response could not be finished, and the web server has to see that.
    Truncated,
}

/// What did not come in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Awaited {
    /// The params of a request.
    Params,
    /// That the web server reads.
    Write,
}

impl fmt::Display for Awaited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Params => "the params of a request did not arrive",
            Self::Write => "the web server does not read",
        })
    }
}

impl fmt::Display for ConnectionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnsupportedVersion(_) => f.write_str("unsupported protocol version"),
            Self::Http => f.write_str("HTTP was spoken, and not FastCGI"),
            Self::InvalidLength(record_type, length) => {
                write!(f, "{record_type:?} record with a content of {length} bytes")
            }
            Self::DuplicateRequest(id) => {
                write!(f, "BEGIN_REQUEST for request {id}, which is in progress")
            }
            Self::MissingRequestId(record_type) => {
                write!(f, "{record_type:?} record without a request id")
            }
            Self::UnexpectedRecord(record_type) => write!(f, "unexpected {record_type:?} record"),
            Self::InvalidParams(_) => f.write_str("invalid name-value pairs"),
            Self::TooManyEmptyRecords => f.write_str("too many records that carry nothing"),
            Self::TooMuchIgnored => f.write_str("too much data that belongs to no request"),
            Self::TimedOut(awaited) => write!(f, "timed out: {awaited}"),
            Self::Truncated => f.write_str("the response could not be finished"),
        }
    }
}

impl std::error::Error for ConnectionError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::UnsupportedVersion(error) => Some(error),
            Self::InvalidParams(error) => Some(error),
            _ => None,
        }
    }
}

impl From<UnsupportedVersion> for ConnectionError {
    fn from(error: UnsupportedVersion) -> Self {
        Self::UnsupportedVersion(error)
    }
}

impl From<InvalidParams> for ConnectionError {
    fn from(error: InvalidParams) -> Self {
        Self::InvalidParams(error)
    }
}
