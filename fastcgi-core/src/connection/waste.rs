//! What arrives and is of no use: how much of it a connection takes (B-15).

use bytes::Buf;

use super::{
    ConnectionError,
    limits::{MAX_EMPTY_RECORDS, MAX_REPLIES},
};
use crate::outgoing::Outgoing;

/// Counts since something of use arrived, and since the web server has read what it was answered.
#[derive(Debug, Default)]
pub(super) struct Waste {
    /// Empty records and management records.
    empty_records: u32,
    /// Bytes for requests that are over.
    ignored: u64,
    /// Answers of the connection's own that may wait to be written.
    replies: u32,
    /// Where in what is sent the last of them begins.
    last_reply: u64,
}

impl Waste {
    /// Something of use has arrived.
    pub(super) fn end(&mut self) {
        self.empty_records = 0;
        self.ignored = 0;
    }

    /// A record that carries nothing. The end of a stream may come again and again, which is no progress.
    pub(super) fn empty_record(&mut self) -> Result<(), ConnectionError> {
        self.empty_records += 1;
        match self.empty_records > MAX_EMPTY_RECORDS {
            true => Err(ConnectionError::TooManyEmptyRecords),
            false => Ok(()),
        }
    }

    /// A record that belongs to nothing in progress.
    pub(super) fn ignored_record(
        &mut self,
        bytes: usize,
        limit: u64,
    ) -> Result<(), ConnectionError> {
        if bytes == 0 {
            return self.empty_record();
        }
        self.ignored = self.ignored.saturating_add(bytes as u64);
        match self.ignored > limit {
            true => Err(ConnectionError::TooMuchIgnored),
            false => Ok(()),
        }
    }

    /// An answer of the connection's own, which is about to be put into `outgoing`.
    pub(super) fn reply(&mut self, outgoing: &Outgoing) -> Result<(), ConnectionError> {
        if outgoing.written() > self.last_reply {
            self.replies = 0;
        }
        self.last_reply = outgoing.written() + outgoing.remaining() as u64;
        self.replies += 1;
        match self.replies > MAX_REPLIES {
            true => Err(ConnectionError::TooManyReplies),
            false => Ok(()),
        }
    }
}
