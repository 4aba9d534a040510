//! What is sent of one request: the head of its response, what follows, and how it ends.
//!
//! ```text
//!  ┌───────────┐ head  ┌──────────┐ stdout, flush  ┌───────────┐ end   ┌───────┐
//!  │ Untouched │ ────▶ │ HeadHeld │ ─────────────▶ │ Streaming │ ────▶ │ Ended │
//!  └───────────┘       └──────────┘                └───────────┘       └───────┘
//!        │ fail             │ fail                       │ fail, or end before the announced length
//!        ▼                  ▼                            ▼
//!    a whole 500, and END_REQUEST                    ┌────────┐
//!                                                    │ Broken │  the connection, unless others share it
//!                                                    └────────┘
//! ```
//!
//! The head waits, so that a failure can still be a 500 (R-10). An Authorizer's answer waits until all of it is known
//! (B-13), and is a 500 if that is too much. Messages for the log follow the head (R-16).

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

/// What an [`Output`] has to say of a piece of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Put {
    /// It was taken, but for so many bytes.
    Taken { surplus: usize },
    /// An answer that has to be whole is too long.
    TooLong,
}

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
    pub(super) fn head(&mut self, head: BytesMut, length: BodyLength) {
        if let State::Untouched | State::HeadHeld(_) = self.state {
            self.state = State::HeadHeld(head);
            self.length = length;
        }
    }

    /// Part of what follows the head.
    pub(super) fn stdout(
        &mut self,
        id: RequestId,
        mut data: Bytes,
        outgoing: &mut Outgoing,
    ) -> Put {
        let surplus = self.length.take(&mut data);
        if self.is_whole {
            return match self.gather(&data) {
                true => Put::Taken { surplus },
                false => Put::TooLong,
            };
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
        Put::Taken { surplus }
    }

    /// There is nothing more at the moment: the head, if there is one, need not wait for the body.
    pub(super) fn flush(&mut self, id: RequestId, outgoing: &mut Outgoing) {
        if let (State::HeadHeld(_), false) = (&self.state, self.is_whole) {
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

    /// Lets everything go that has waited, and ends the streams that were used (R-11).
    pub(super) fn end(&mut self, id: RequestId, outgoing: &mut Outgoing) {
        self.let_go(id, outgoing);
        outgoing.put_stream_end(RecordType::STDOUT, id);
        if self.stderr.used {
            outgoing.put_stream_end(RecordType::STDERR, id);
        }
    }

    /// Puts another response in the place of one of which nothing has left.
    pub(super) fn replace(&mut self, response: BytesMut) {
        self.state = State::HeadHeld(response);
        self.length = BodyLength::None;
    }

    /// Nobody waits for what has not left.
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
    fn gather(&mut self, data: &[u8]) -> bool {
        if let State::Untouched = self.state {
            self.state = State::HeadHeld(BytesMut::new());
        }
        match &mut self.state {
            State::HeadHeld(held) if held.len() + data.len() <= MAX_WHOLE => {
                held.extend_from_slice(data);
                true
            }
            _ => {
                self.state = State::TooLong;
                false
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
