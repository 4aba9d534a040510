//! What a streaming body shares with its connection.

use std::{
    collections::VecDeque,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Poll, Waker},
};

use atomic_waker::AtomicWaker;
use bytes::Bytes;
use http_body::SizeHint;

use super::alarm::ConnectionAlarm;
use crate::error::{Error, Kind};

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
    chunks: VecDeque<Bytes>,
    /// Bytes in `chunks`.
    buffered: usize,
    /// Bytes not yet read, where the length is known.
    left: Option<u64>,
    /// How the body ends once `chunks` is empty. `None` as long as more may come.
    end: Option<End>,
    /// Whether `reader` is to be woken.
    is_reader_waiting: bool,
    is_reader_closed: bool,
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
        chunks: VecDeque<Bytes>,
        left: Option<u64>,
        end: Option<End>,
        writer: Arc<ConnectionAlarm>,
    ) -> Self {
        Self {
            state: Mutex::new(State {
                buffered: chunks.iter().map(Bytes::len).sum(),
                chunks,
                left,
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

    pub(super) fn push(&self, chunk: Bytes) {
        let mut state = self.lock();
        if state.is_reader_closed {
            return;
        }
        state.buffered += chunk.len();
        state.chunks.push_back(chunk);
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

    /// What `chunks` cost.
    pub(super) fn held(&self) -> usize {
        let state = self.lock();
        state.buffered + state.chunks.len() * CHUNK_COST
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
        if let Some(chunk) = state.chunks.pop_front() {
            state.buffered -= chunk.len();
            if let Some(left) = &mut state.left {
                *left -= chunk.len() as u64;
            }
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
        state.left = Some(0);
        Poll::Ready(Some(Err(Error::new(failure))))
    }

    pub(super) fn is_end_stream(&self) -> bool {
        let state = self.lock();
        let is_at_end = state.end == Some(End::Complete) || state.left == Some(0);
        is_at_end && state.chunks.is_empty()
    }

    pub(super) fn size_hint(&self) -> SizeHint {
        let state = self.lock();
        match state.left {
            Some(left) => SizeHint::with_exact(left),
            None if state.end == Some(End::Complete) => SizeHint::with_exact(state.buffered as u64),
            None => SizeHint::default(),
        }
    }

    /// The body was dropped: what has arrived is forgotten, and what comes is discarded.
    pub(super) fn close_reader(&self) {
        let mut state = self.lock();
        state.is_reader_closed = true;
        state.buffered = 0;
        let chunks = mem::take(&mut state.chunks);
        drop(state);
        drop(chunks);
        self.writer.made_room();
    }
}

/// What a chunk costs besides its bytes. A web server may send a body in records of one byte each.
pub(super) const CHUNK_COST: usize = size_of::<Bytes>();
