//! The connection's end of a request body.

use std::{collections::VecDeque, sync::Arc, task::Waker};

use bytes::Bytes;

use super::{
    Incoming, Kind,
    channel::{CHUNK_COST, Channel, End},
};

/// Takes what arrives on a stream and decides where the body ends (B-1 to B-5).
#[derive(Debug)]
pub(crate) struct Inlet {
    /// The length that was announced. It is a cap: what comes after it is no part of the body (B-3).
    announced: Option<u64>,
    /// Whether more may follow an end that comes before the announced length (B-1).
    resumes: bool,
    received: u64,
    phase: Phase,
    store: Store,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Nothing has arrived, not even the end.
    Untouched,
    /// In the middle of the body.
    Receiving,
    /// An end came before the announced bytes, and nothing since. mod_fcgid can send one early by mistake (B-1).
    Suspended,
    /// The stream has ended before the announced bytes.
    Short,
    /// All bytes are here, and the end of the stream is not.
    Full,
    /// The stream has ended.
    Ended,
    /// The body broke off or was given up. Whatever follows is no part of it.
    Failed(End),
}

#[derive(Debug)]
enum Store {
    /// The request has not been handed out yet.
    Held(VecDeque<Bytes>),
    Shared(Arc<Channel>),
    /// Nobody will read it.
    Discarded,
}

impl Inlet {
    /// A body of the `announced` length, if that is known. With `resumes`, the body may go on after an empty record that
    /// comes before that length.
    pub(crate) fn new(announced: Option<u64>, resumes: bool) -> Self {
        Self {
            announced,
            resumes,
            received: 0,
            phase: match announced {
                Some(0) => Phase::Full,
                _ => Phase::Untouched,
            },
            store: Store::Held(VecDeque::new()),
        }
    }

    /// Data from the stream. Gives back how many bytes of it were too many.
    pub(crate) fn push(&mut self, mut data: Bytes) -> usize {
        if self.is_complete() {
            return data.len();
        }
        let room = self
            .announced
            .map_or(u64::MAX, |announced| announced - self.received);
        let surplus = data
            .len()
            .saturating_sub(usize::try_from(room).unwrap_or(usize::MAX));
        data.truncate(data.len() - surplus);
        self.received += data.len() as u64;
        match &mut self.store {
            Store::Held(chunks) => chunks.push_back(data),
            Store::Shared(channel) => channel.push(data),
            Store::Discarded => {}
        }
        self.phase = Phase::Receiving;
        if self.announced == Some(self.received) {
            self.phase = Phase::Full;
            self.end(End::Complete);
        }
        surplus
    }

    /// An empty record: the end, unless more was announced.
    pub(crate) fn push_end(&mut self) {
        if let Phase::Failed(_) = self.phase {
            return;
        }
        let is_short = self
            .announced
            .is_some_and(|announced| self.received < announced);
        self.phase = match (is_short, self.resumes) {
            (true, true) => Phase::Suspended,
            (true, false) => {
                self.end(End::Incomplete);
                Phase::Short
            }
            (false, _) => {
                self.end(End::Complete);
                Phase::Ended
            }
        };
    }

    /// No more will come, although more was announced (B-4).
    pub(crate) fn break_off(&mut self) {
        self.fail(End::Incomplete);
    }

    /// The request was given up (B-11).
    pub(crate) fn abort(&mut self) {
        self.fail(End::Aborted);
    }

    /// The body for the service. What has arrived so far moves into it.
    pub(crate) fn open(&mut self) -> Incoming {
        let Store::Held(chunks) = std::mem::replace(&mut self.store, Store::Discarded) else {
            return Incoming::empty();
        };
        if let Phase::Full | Phase::Ended = self.phase {
            return Incoming::whole(chunks);
        }
        let channel = Arc::new(Channel::new(chunks, self.announced));
        self.store = Store::Shared(Arc::clone(&channel));
        match self.phase {
            Phase::Failed(end) => self.end(end),
            Phase::Short => self.end(End::Incomplete),
            _ => {}
        }
        Incoming(Kind::Streaming(channel))
    }

    /// Whether enough is known to hand out the request. Without an announced length that takes the first record, so
    /// that a request without a body has a body of known size (B-5).
    pub(crate) fn is_ready(&self) -> bool {
        self.announced.is_some() || self.phase != Phase::Untouched
    }

    /// Whether all bytes of the body are here, or none will come.
    pub(crate) fn is_complete(&self) -> bool {
        matches!(
            self.phase,
            Phase::Full | Phase::Ended | Phase::Short | Phase::Failed(_)
        )
    }

    /// Whether the web server has nothing more to send on this stream.
    pub(crate) fn has_ended(&self) -> bool {
        matches!(self.phase, Phase::Ended | Phase::Short)
    }

    /// Whether an end came too early, with nothing after it.
    pub(crate) fn is_suspended(&self) -> bool {
        self.phase == Phase::Suspended
    }

    /// Bytes that are held for somebody to read, the chunks themselves included.
    pub(crate) fn buffered(&self) -> usize {
        match &self.store {
            Store::Held(chunks) => chunks.iter().map(|chunk| chunk.len() + CHUNK_COST).sum(),
            Store::Shared(channel) => channel.buffered(),
            Store::Discarded => 0,
        }
    }

    pub(crate) fn wake_on_read(&self, waker: &Waker) {
        if let Store::Shared(channel) = &self.store {
            channel.wake_on_read(waker);
        }
    }

    fn fail(&mut self, end: End) {
        if !self.is_complete() {
            self.end(end);
            self.phase = Phase::Failed(end);
        }
    }

    fn end(&self, end: End) {
        if let Store::Shared(channel) = &self.store {
            channel.end(end);
        }
    }
}
