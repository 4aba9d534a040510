//! The content of `FCGI_END_REQUEST` (specification, 5.5).

use std::fmt;

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "the eight bytes are fixed by the specification and any value is legal"
)]
pub struct EndRequest {
    /// What a CGI program would have given to `exit`. Web servers log it or ignore it; it is no HTTP status.
    pub app_status: u32,
    /// Whether the request was served at all.
    pub protocol_status: ProtocolStatus,
}

impl EndRequest {
    /// The request was served, exit status 0.
    pub const COMPLETE: Self = Self {
        app_status: 0,
        protocol_status: ProtocolStatus::REQUEST_COMPLETE,
    };

    /// The length of the content on the wire.
    pub const LEN: usize = 8;

    /// Any eight bytes are one.
    pub const fn parse(bytes: [u8; Self::LEN]) -> Self {
        let [status3, status2, status1, status0, protocol_status, ..] = bytes;
        Self {
            app_status: u32::from_be_bytes([status3, status2, status1, status0]),
            protocol_status: ProtocolStatus(protocol_status),
        }
    }

    /// The content on the wire, the reserved bytes zero.
    pub const fn to_bytes(self) -> [u8; Self::LEN] {
        let [status3, status2, status1, status0] = self.app_status.to_be_bytes();
        [
            status3,
            status2,
            status1,
            status0,
            self.protocol_status.0,
            0,
            0,
            0,
        ]
    }
}

/// Whether a request was served. Any byte is one; the known are constants.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ProtocolStatus(u8);

impl ProtocolStatus {
    /// Served to its end.
    pub const REQUEST_COMPLETE: Self = Self(0);
    /// Refused: another request is in progress on the connection, and the application handles one at a time.
    pub const CANT_MPX_CONN: Self = Self(1);
    /// Refused: too much to do.
    pub const OVERLOADED: Self = Self(2);
    /// Refused: the application does not play that role.
    pub const UNKNOWN_ROLE: Self = Self(3);

    /// The byte on the wire.
    pub const fn as_u8(self) -> u8 {
        self.0
    }
}

impl From<u8> for ProtocolStatus {
    fn from(status: u8) -> Self {
        Self(status)
    }
}

impl fmt::Debug for ProtocolStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::REQUEST_COMPLETE => f.write_str("REQUEST_COMPLETE"),
            Self::CANT_MPX_CONN => f.write_str("CANT_MPX_CONN"),
            Self::OVERLOADED => f.write_str("OVERLOADED"),
            Self::UNKNOWN_ROLE => f.write_str("UNKNOWN_ROLE"),
            Self(status) => write!(f, "ProtocolStatus({status})"),
        }
    }
}
