//! The two sockets between a web server and the application.

use bytes::BytesMut;

/// Bytes on their way in one direction.
#[derive(Debug)]
pub(super) struct Pipe {
    pub(super) bytes: BytesMut,
    capacity: usize,
    /// Whether nothing more follows.
    pub(super) is_ended: bool,
}

impl Pipe {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            bytes: BytesMut::new(),
            capacity,
            is_ended: false,
        }
    }

    pub(super) fn room(&self) -> usize {
        self.capacity.saturating_sub(self.bytes.len())
    }
}
