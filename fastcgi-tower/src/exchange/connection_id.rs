//! Which connection a request came on.

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
};

/// A number for a connection, unique in this process.
///
/// A web server that keeps its connections sends the requests of many clients on one, so it says nothing about clients.
/// The [`Default`] is 0, which no connection has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(u64);

impl ConnectionId {
    pub(crate) fn next() -> Self {
        static LAST: AtomicU64 = AtomicU64::new(0);
        Self(LAST.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// The number.
    pub fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
