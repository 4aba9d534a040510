//! What a streaming body shares with its connection.

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Poll, Waker},
};

use atomic_waker::AtomicWaker;
use bytes::Bytes;
use http_body::SizeHint;

use super::{alarm::ConnectionAlarm, chunks::Chunks};
use crate::{
    error::{Error, Kind},
    socket::Origin,
};

/// Chunks between the connection, which writes, and the body, which may be read in another task.
///
/// The lock is held for a few instructions and never across anything that is polled.
#[derive(Debug)]
pub(super) struct Queue {
    state: Mutex<State>,
    /// The body, when it waits for a chunk.
    reader: AtomicWaker,
    writer: Arc<ConnectionAlarm>,
}

#[derive(Debug)]
struct State {
    chunks: Chunks,
    /// Bytes of the whole body, where that is known.
    length: Option<u64>,
    /// How the body ends once `chunks` is empty. `None` as long as more may come.
    end: Option<End>,
    /// Whether `reader` has to be woken.
    is_reader_waiting: bool,
    is_reader_closed: bool,
}

impl State {
    /// Bytes not yet read, where the length is known.
    fn left(&self) -> Option<u64> {
        Some(self.length?.saturating_sub(self.chunks.popped()))
    }
}

/// How a body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// All of it has arrived.
    Complete,
    /// It broke off.
    Incomplete,
    /// The request was given up.
    Aborted,
}

impl Queue {
    pub(super) fn new(
        chunks: Chunks,
        length: Option<u64>,
        end: Option<End>,
        writer: Arc<ConnectionAlarm>,
    ) -> Self {
        Self {
            state: Mutex::new(State {
                chunks,
                length,
                end,
                is_reader_waiting: false,
                is_reader_closed: false,
            }),
            reader: AtomicWaker::new(),
            writer,
        }
    }

    /// A panic of a reader's waker is no reason to stop.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn push(&self, chunk: Bytes, origin: Origin) {
        let mut state = self.lock();
        if state.is_reader_closed {
            return;
        }
        state.chunks.push(chunk, origin);
        let is_reader_waiting = mem::take(&mut state.is_reader_waiting);
        drop(state);
        if is_reader_waiting {
            self.reader.wake();
        }
    }

    /// The first end counts.
    pub(super) fn end(&self, end: End) {
        self.lock().end.get_or_insert(end);
        self.reader.wake();
    }

    /// What waits, and what it keeps from being freed.
    pub(super) fn cost(&self, current: Origin) -> Cost {
        Cost::of(&self.lock().chunks, current)
    }

    pub(super) fn poll_chunk(&self, reader: &Waker) -> Poll<Option<Result<Bytes, Error>>> {
        let mut state = self.lock();
        if state.chunks.is_empty() && state.end.is_none() {
            drop(state);
            self.reader.register(reader);
            // After that, so that nothing falls in between.
            state = self.lock();
            state.is_reader_waiting = true;
        }
        if let Some(chunk) = state.chunks.pop() {
            drop(state);
            self.writer.made_room();
            return Poll::Ready(Some(Ok(chunk)));
        }
        let failure = match state.end {
            None => return Poll::Pending,
            Some(End::Complete) => return Poll::Ready(None),
            Some(End::Incomplete) => Kind::IncompleteBody,
            Some(End::Aborted) => Kind::Aborted,
        };
        // The failure is reported once; after it there is nothing more.
        state.end = Some(End::Complete);
        state.length = Some(state.chunks.popped());
        Poll::Ready(Some(Err(Error::new(failure))))
    }

    pub(super) fn is_end_stream(&self) -> bool {
        let state = self.lock();
        let is_at_end = state.end == Some(End::Complete) || state.left() == Some(0);
        is_at_end && state.chunks.is_empty()
    }

    pub(super) fn size_hint(&self) -> SizeHint {
        let state = self.lock();
        match state.left() {
            Some(left) => SizeHint::with_exact(left),
            None if state.end == Some(End::Complete) => {
                SizeHint::with_exact(state.chunks.bytes() as u64)
            }
            None => SizeHint::default(),
        }
    }

    /// The body was dropped: what has arrived is forgotten, and what comes is discarded.
    pub(super) fn close_reader(&self) {
        let mut state = self.lock();
        state.is_reader_closed = true;
        let chunks = mem::take(&mut state.chunks);
        drop(state);
        drop(chunks);
        self.writer.made_room();
    }
}

/// What a body costs.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cost {
    /// Bytes that wait to be read, with what pieces cost: a web server may send a body in records of one byte each.
    pub(crate) held: usize,
    /// All memory that cannot be freed because of it.
    pub(crate) kept: usize,
    /// Whether the buffer that is read into counts there.
    pub(crate) has_current: bool,
}

impl Cost {
    pub(super) fn of(chunks: &Chunks, current: Origin) -> Self {
        Self {
            held: chunks.held(),
            kept: chunks.kept(),
            has_current: chunks.ends_in(current),
        }
    }

    pub(super) fn plus(self, other: Self) -> Self {
        Self {
            held: self.held + other.held,
            kept: self.kept + other.kept,
            has_current: self.has_current || other.has_current,
        }
    }
}
