//! Which request of a connection a record belongs to (specification, 3.3).

use std::{fmt, num::NonZeroU16};

/// The id of a request, chosen by the web server; unique among the requests in progress on one connection.
///
/// Zero is no request id: it marks management records, and is `None` wherever an id is optional.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(NonZeroU16);

impl RequestId {
    /// The id that nearly every web server uses for every request.
    pub const ONE: Self = Self(NonZeroU16::MIN);

    /// `None` for zero.
    pub const fn new(id: u16) -> Option<Self> {
        match NonZeroU16::new(id) {
            Some(id) => Some(Self(id)),
            None => None,
        }
    }

    /// The number on the wire.
    pub const fn get(self) -> u16 {
        self.0.get()
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequestId({})", self.0)
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
