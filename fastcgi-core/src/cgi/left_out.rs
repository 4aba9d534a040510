//! What is sent as a header field and does not become one.

use std::fmt;

use bytes::Bytes;

/// A header field that was left out of a request. For logs: its value is never in here.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LeftOut {
    /// The name of the field, or the name of the param behind `HTTP_` if no field can have it.
    pub name: Bytes,
    /// Why.
    pub reason: LeftOutReason,
}

/// Why a header field was left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LeftOutReason {
    /// The name is not a token (H-11).
    InvalidName,
    /// The value cannot be the value of a header field (H-10).
    InvalidValue,
    /// Another field of the same name follows, and only one of them can count (H-8).
    Repeated,
}

impl fmt::Display for LeftOutReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InvalidName => "its name is not a token",
            Self::InvalidValue => "its value is invalid",
            Self::Repeated => "another one follows",
        })
    }
}
