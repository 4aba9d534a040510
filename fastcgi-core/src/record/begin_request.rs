//! The content of `FCGI_BEGIN_REQUEST` (specification, 5.1).

use std::{fmt, ops::BitOr};

/// How the web server wants a request to be handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "the eight bytes are fixed by the specification and any value is legal"
)]
pub struct BeginRequest {
    /// The part that the application plays.
    pub role: Role,
    /// How the connection has to be treated.
    pub flags: Flags,
}

impl BeginRequest {
    /// The length of the content on the wire.
    pub const LEN: usize = 8;

    /// Any eight bytes are one.
    pub const fn parse(bytes: [u8; Self::LEN]) -> Self {
        let [role1, role0, flags, ..] = bytes;
        Self {
            role: Role(u16::from_be_bytes([role1, role0])),
            flags: Flags(flags),
        }
    }

    /// The content on the wire, the reserved bytes zero.
    pub const fn to_bytes(self) -> [u8; Self::LEN] {
        let [role1, role0] = self.role.0.to_be_bytes();
        [role1, role0, self.flags.0, 0, 0, 0, 0, 0]
    }
}

/// The part that an application plays in a request (6.1). Any number is one; the known are constants.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Role(u16);

impl Role {
    /// Answers a request, as a CGI program does (6.2).
    pub const RESPONDER: Self = Self(1);
    /// Decides whether a request may pass (6.3).
    pub const AUTHORIZER: Self = Self(2);
    /// Answers with a file worked over, which the web server sends as `FCGI_DATA` (6.4).
    pub const FILTER: Self = Self(3);

    /// The number on the wire.
    pub const fn as_u16(self) -> u16 {
        self.0
    }
}

impl From<u16> for Role {
    fn from(role: u16) -> Self {
        Self(role)
    }
}

impl fmt::Debug for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::RESPONDER => f.write_str("RESPONDER"),
            Self::AUTHORIZER => f.write_str("AUTHORIZER"),
            Self::FILTER => f.write_str("FILTER"),
            Self(role) => write!(f, "Role({role})"),
        }
    }
}

/// The flags of a request. Unknown bits are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Flags(u8);

impl Flags {
    /// No flag: the application closes the connection after the response.
    pub const NONE: Self = Self(0);
    /// The web server keeps the connection for further requests.
    pub const KEEP_CONN: Self = Self(1);

    /// Whether all flags of `other` are set here.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The byte on the wire.
    pub const fn as_u8(self) -> u8 {
        self.0
    }
}

impl From<u8> for Flags {
    fn from(flags: u8) -> Self {
        Self(flags)
    }
}

impl BitOr for Flags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}
