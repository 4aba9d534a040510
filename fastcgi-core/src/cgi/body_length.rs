//! How much of a body may follow the head of a response, and that no more and no less does.

use std::fmt;

use bytes::Bytes;

/// How much of a body follows the head of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BodyLength {
    /// Nothing may follow, whatever the body holds: the answer to a HEAD request, or status 204, 205 or 304.
    None,
    /// Exactly this many bytes, as `content-length` has announced.
    ///
    /// Surplus bytes would run into the next response of the client's connection, and missing ones leave the client
    /// waiting.
    Exactly(u64),
    /// As many as come.
    Unknown,
}

impl BodyLength {
    /// Whether nothing more may follow.
    pub fn is_over(self) -> bool {
        matches!(self, Self::None | Self::Exactly(0))
    }

    /// Cuts `data` to what may follow, and counts that. Gives how many bytes were too many.
    pub fn take(&mut self, data: &mut Bytes) -> usize {
        let room = match self {
            Self::None => 0,
            Self::Exactly(left) => usize::try_from(*left).unwrap_or(usize::MAX),
            Self::Unknown => return 0,
        };
        let surplus = data.len().saturating_sub(room);
        data.truncate(room);
        if let Self::Exactly(left) = self {
            *left -= data.len() as u64;
        }
        surplus
    }

    /// The body has ended.
    ///
    /// # Errors
    ///
    /// When more was announced than has come.
    pub fn finish(self) -> Result<(), ShortBody> {
        match self {
            Self::Exactly(1..) => Err(ShortBody(())),
            _ => Ok(()),
        }
    }
}

/// A body that ended before its announced length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShortBody(());

impl fmt::Display for ShortBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the response body is shorter than its content-length")
    }
}

impl std::error::Error for ShortBody {}
