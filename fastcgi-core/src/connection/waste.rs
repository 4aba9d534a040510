//! What arrives and is of no use: how much of it a connection takes (B-15).

use std::collections::VecDeque;

use bytes::Buf;

use super::{
    ConnectionError,
    limits::{MAX_EMPTY_RECORDS, MAX_REPLIES},
};
use crate::outgoing::Outgoing;

/// Counts since something of use arrived, and what the web server has not read of the connection's own answers.
#[derive(Debug, Default)]
pub(super) struct Waste {
    /// Empty records and management records.
    empty_records: u32,
    /// Bytes for requests that are over.
    ignored: u64,
    /// The answers of the connection's own of which nothing is written: how many bytes of output are in front of each.
    replies: VecDeque<u64>,
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
        if self.empty_records > MAX_EMPTY_RECORDS {
            Err(ConnectionError::TooManyEmptyRecords)
        } else {
            Ok(())
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
        if self.ignored > limit {
            Err(ConnectionError::TooMuchIgnored)
        } else {
            Ok(())
        }
    }

    /// An answer of the connection's own, before it is put into `outgoing`.
    pub(super) fn reply(&mut self, outgoing: &Outgoing) -> Result<(), ConnectionError> {
        let written = outgoing.written();
        while self.replies.front().is_some_and(|start| *start < written) {
            self.replies.pop_front();
        }
        if self.replies.len() >= MAX_REPLIES {
            return Err(ConnectionError::TooManyReplies);
        }
        self.replies
            .push_back(written + outgoing.remaining() as u64);
        Ok(())
    }
}
