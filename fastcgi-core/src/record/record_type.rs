//! What a record is about (specification, 8).

use std::fmt;

/// A record type. Any byte is one; those that the specification names are constants.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct RecordType(u8);

impl RecordType {
    /// Starts a request: web server to application.
    pub const BEGIN_REQUEST: Self = Self(1);
    /// The web server has lost interest in a request.
    pub const ABORT_REQUEST: Self = Self(2);
    /// The application is done with a request.
    pub const END_REQUEST: Self = Self(3);
    /// A stream of name-value pairs: web server to application.
    pub const PARAMS: Self = Self(4);
    /// The stream of the request body.
    pub const STDIN: Self = Self(5);
    /// The stream of the response: application to web server.
    pub const STDOUT: Self = Self(6);
    /// A stream for the web server's log.
    pub const STDERR: Self = Self(7);
    /// The stream of the file that a Filter works on.
    pub const DATA: Self = Self(8);
    /// Asks what the application can do.
    pub const GET_VALUES: Self = Self(9);
    /// The answer to [`GET_VALUES`](Self::GET_VALUES).
    pub const GET_VALUES_RESULT: Self = Self(10);
    /// The answer to a management record of a type that is not known.
    pub const UNKNOWN_TYPE: Self = Self(11);

    pub(crate) const fn from_u8(byte: u8) -> Self {
        Self(byte)
    }

    /// The byte on the wire.
    pub const fn as_u8(self) -> u8 {
        self.0
    }

    /// Whether records of this type belong to a request. The others are about the connection and have no request id.
    pub const fn is_application(self) -> bool {
        matches!(self.0, 1..=8)
    }

    /// Whether the contents of such records are one stream of bytes, in which the borders of records mean nothing and
    /// an empty record is the end (3.3).
    pub const fn is_stream(self) -> bool {
        matches!(
            self,
            Self::PARAMS | Self::STDIN | Self::STDOUT | Self::STDERR | Self::DATA
        )
    }

    const fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::BEGIN_REQUEST => "BEGIN_REQUEST",
            Self::ABORT_REQUEST => "ABORT_REQUEST",
            Self::END_REQUEST => "END_REQUEST",
            Self::PARAMS => "PARAMS",
            Self::STDIN => "STDIN",
            Self::STDOUT => "STDOUT",
            Self::STDERR => "STDERR",
            Self::DATA => "DATA",
            Self::GET_VALUES => "GET_VALUES",
            Self::GET_VALUES_RESULT => "GET_VALUES_RESULT",
            Self::UNKNOWN_TYPE => "UNKNOWN_TYPE",
            _ => return None,
        })
    }
}

impl From<u8> for RecordType {
    fn from(byte: u8) -> Self {
        Self::from_u8(byte)
    }
}

impl fmt::Debug for RecordType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "RecordType({})", self.0),
        }
    }
}
