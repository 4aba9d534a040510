//! The body of a download.

use bytes::Bytes;

/// A body of known length, in pieces of 64 KiB that share one buffer.
#[derive(Debug)]
pub(crate) struct Zeros {
    left: u64,
}

static ZEROS: [u8; 64 * 1024] = [0; 64 * 1024];

impl Zeros {
    pub(crate) fn new(length: u64) -> Self {
        Self { left: length }
    }

    pub(crate) fn left(&self) -> u64 {
        self.left
    }
}

impl Iterator for Zeros {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        if self.left == 0 {
            return None;
        }
        let length = self.left.min(ZEROS.len() as u64);
        self.left -= length;
        Some(Bytes::from_static(&ZEROS).slice(..length as usize))
    }
}
