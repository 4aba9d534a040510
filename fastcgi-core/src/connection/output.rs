//! What is sent of one request: the head of its response, what follows, and how it ends.
//!
//! ```text
//!     Untouched ── head ──▶ HeadHeld ── stdout, flush, end ──▶ Streaming ── end ──▶ Ended
//!       │ │                   │  │                                ▲  │
//!       │ └── stdout ─────────│──│────────────────────────────────┘  ├── fail ──▶ Broken: the connection
//!       │                     │  │ an Authorizer's answer            └── fail, beside other requests ──▶ Shared:
//!       │                     │  ▼ over 32 KiB                                   END_REQUEST, with an app_status of 1
//!       │ fail                │ TooLong
//!       ▼                     ▼  ▼
//!     Replaced: a whole 500, and END_REQUEST
//! ```
//!
//! The head waits, so that a failure can still be a 500 (R-10). An Authorizer's answer waits until all of it is known
//! (B-13), and is a 500 if that is too much. Messages for the log follow the head (R-16).
//!
//! An end before the announced length is a failure. A request that is aborted is ended by `FCGI_END_REQUEST` in any state, and
//! what was held of its response is dropped; one that is refused is answered as one that failed, with another status.

use std::fmt;

use bytes::{Bytes, BytesMut};

use super::limits::MAX_WHOLE;
use crate::{
    cgi::BodyLength,
    outgoing::Outgoing,
    record::{RecordType, RequestId},
};

/// The response to one request, as far as it is known.
pub(super) struct Output {
    state: State,
    length: BodyLength,
    /// Whether nothing may leave before all of it is known: a web server takes the head of an Authorizer's answer for a
    /// yes, whatever becomes of the rest.
    is_whole: bool,
    stderr: Stderr,
}

enum State {
    Untouched,
    HeadHeld(BytesMut),
    /// It had to be whole, and was too long for that: only another response can take its place.
    TooLong,
    Streaming,
}

/// Messages for the web server's log.
#[derive(Default)]
struct Stderr {
    /// Those that wait for the head to leave.
    waiting: Vec<Bytes>,
    size: usize,
    /// Whether the stream was used, and so has to be ended.
    used: bool,
}

/// The most bytes of messages that wait for the head of a response. What comes on top of them is dropped.
const MAX_STDERR: usize = 64 * 1024;

/// The answer of an Authorizer that is longer than 32 KiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong(());

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the answer of an authorizer is longer than 32 KiB")
    }
}

impl std::error::Error for TooLong {}

impl Output {
    pub(super) fn new(is_whole: bool) -> Self {
        Self {
            state: State::Untouched,
            length: BodyLength::Unknown,
            is_whole,
            stderr: Stderr::default(),
        }
    }

    /// The header block, and how much may follow it. It is of no use behind a response that has begun.
    ///
    /// An empty one is the same as none: there is nothing in it that could leave before what follows.
    pub(super) fn head(&mut self, head: BytesMut, length: BodyLength) {
        if let State::Untouched | State::HeadHeld(_) = self.state {
            self.state = if head.is_empty() {
                State::Untouched
            } else {
                State::HeadHeld(head)
            };
            self.length = length;
        }
    }

    /// Part of what follows the head. Gives how many bytes of it were too many.
    pub(super) fn stdout(
        &mut self,
        id: RequestId,
        mut data: Bytes,
        outgoing: &mut Outgoing,
    ) -> Result<usize, TooLong> {
        let surplus = self.length.take(&mut data);
        if self.is_whole {
            return self.gather(&data).map(|()| surplus);
        }
        if let State::Untouched = self.state {
            // The head is the first of the data.
            if !data.is_empty() {
                outgoing.put_stream(RecordType::STDOUT, id, data);
                self.let_go(id, outgoing);
            }
        } else {
            self.let_go(id, outgoing);
            outgoing.put_stream(RecordType::STDOUT, id, data);
        }
        Ok(surplus)
    }

    /// There is nothing more at the moment: the head, if there is one, need not wait for the body.
    pub(super) fn flush(&mut self, id: RequestId, outgoing: &mut Outgoing) {
        if matches!(self.state, State::HeadHeld(_)) && !self.is_whole {
            self.let_go(id, outgoing);
        }
    }

    pub(super) fn stderr(&mut self, id: RequestId, message: Bytes, outgoing: &mut Outgoing) {
        if message.is_empty() {
            return;
        }
        if let State::Streaming = self.state {
            self.stderr.used = true;
            outgoing.put_stream(RecordType::STDERR, id, message);
        } else if self.stderr.size + message.len() <= MAX_STDERR {
            self.stderr.size += message.len();
            self.stderr.waiting.push(message);
        }
    }

    /// A message that does not wait for the head.
    pub(super) fn stderr_now(&mut self, id: RequestId, message: Bytes, outgoing: &mut Outgoing) {
        if !message.is_empty() {
            self.stderr.used = true;
            outgoing.put_stream(RecordType::STDERR, id, message);
        }
    }

    /// Lets everything go that has waited, and ends the streams that were used (R-11).
    pub(super) fn end(&mut self, id: RequestId, outgoing: &mut Outgoing) {
        self.let_go(id, outgoing);
        outgoing.put_empty(RecordType::STDOUT, id);
        if self.stderr.used {
            outgoing.put_empty(RecordType::STDERR, id);
        }
    }

    /// Puts another response in the place of one of which nothing has left.
    pub(super) fn replace(&mut self, response: BytesMut) {
        self.state = State::HeadHeld(response);
        self.length = BodyLength::None;
    }

    /// Drops what has not left: the request was aborted.
    pub(super) fn forget(&mut self) {
        self.state = State::Streaming;
        self.stderr.waiting.clear();
    }

    /// What it costs to keep what waits: an answer that has to be whole, and the messages behind a head.
    pub(super) fn memory(&self) -> usize {
        let answer = match &self.state {
            State::HeadHeld(held) if self.is_whole => held.capacity(),
            _ => 0,
        };
        answer + self.stderr.size + self.stderr.waiting.len() * size_of::<Bytes>()
    }

    /// Whether nothing of the response has left.
    pub(super) fn is_held(&self) -> bool {
        !matches!(self.state, State::Streaming)
    }

    /// How much may still follow.
    pub(super) fn length(&self) -> BodyLength {
        self.length
    }

    /// Whether it may end like this.
    pub(super) fn is_complete(&self) -> bool {
        !matches!(self.state, State::TooLong) && self.length.finish().is_ok()
    }

    /// Adds to an answer that has to be whole; `false` when it is too long.
    fn gather(&mut self, data: &[u8]) -> Result<(), TooLong> {
        if let State::Untouched = self.state {
            self.state = State::HeadHeld(BytesMut::new());
        }
        match &mut self.state {
            State::HeadHeld(held) if held.len() + data.len() <= MAX_WHOLE => {
                held.extend_from_slice(data);
                Ok(())
            }
            _ => {
                self.state = State::TooLong;
                Err(TooLong(()))
            }
        }
    }

    fn let_go(&mut self, id: RequestId, outgoing: &mut Outgoing) {
        if let State::Streaming = self.state {
            return;
        }
        if let State::HeadHeld(head) = std::mem::replace(&mut self.state, State::Streaming) {
            outgoing.put_stream_slice(RecordType::STDOUT, id, &head);
        }
        self.stderr.size = 0;
        for message in std::mem::take(&mut self.stderr.waiting) {
            self.stderr(id, message, outgoing);
        }
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.state {
            State::Untouched => "Untouched",
            State::HeadHeld(_) => "HeadHeld",
            State::TooLong => "TooLong",
            State::Streaming => "Streaming",
        })
    }
}
