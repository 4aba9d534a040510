//! Useless input: how much of it a connection takes, and how much of it is answered (B-15).

use super::{
    ConnectionError,
    limits::{MAX_EMPTY_RECORDS, MAX_OWED},
};
use crate::outgoing::Outgoing;

/// Counts since something of use arrived, and what waits to be written of the connection's own answers.
#[derive(Debug, Default)]
pub(super) struct Waste {
    /// Empty records.
    empty_records: u32,
    /// Bytes that belong to nothing in progress, since the last request.
    ignored: u64,
    /// Bytes of the connection's own answers, some of which may have been written since.
    owed: u64,
    /// Where in the output the last of them ends.
    owed_end: u64,
}

impl Waste {
    /// A request was handed out.
    pub(super) fn begin_request(&mut self) {
        self.empty_records = 0;
        self.ignored = 0;
    }

    /// Something of use has arrived for a request in progress. What was ignored beside it stays counted: it may be most
    /// of what arrives.
    pub(super) fn progress(&mut self) {
        self.empty_records = 0;
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

    /// An answer of the connection's own was put into `outgoing`, behind `start`.
    pub(super) fn owe(&mut self, start: u64, outgoing: &Outgoing) {
        let waiting = self.waiting(outgoing);
        self.owed_end = outgoing.end();
        self.owed = waiting + self.owed_end.saturating_sub(start);
    }

    /// Whether so much of that waits to be written that the web server has to read first.
    pub(super) fn owes_too_much(&self, outgoing: &Outgoing) -> bool {
        self.owed >= MAX_OWED && self.waiting(outgoing) >= MAX_OWED
    }

    /// The most that may still wait of the connection's own answers.
    fn waiting(&self, outgoing: &Outgoing) -> u64 {
        self.owed
            .min(self.owed_end.saturating_sub(outgoing.written()))
    }
}
