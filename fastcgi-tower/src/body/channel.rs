//! What a streaming body shares with its connection.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Poll, Waker},
};

use bytes::Bytes;
use http_body::SizeHint;

use crate::{Error, error::Kind};

/// Chunks between the connection, which writes, and the body, which may be read in another task.
///
/// The lock is held for a few instructions and never across anything that is polled.
#[derive(Debug)]
pub(super) struct Channel {
    state: Mutex<State>,
}

#[derive(Debug)]
pub(super) struct State {
    chunks: VecDeque<Bytes>,
    /// Bytes in `chunks`.
    buffered: usize,
    /// Bytes not yet read, where the length is known.
    left: Option<u64>,
    end: End,
    /// The body, waiting for a chunk.
    reader: Option<Waker>,
    /// The connection, waiting for room.
    writer: Option<Waker>,
    reader_closed: bool,
}

/// How the body ends once `chunks` is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// More may come.
    Open,
    /// All is there.
    Complete,
    /// It broke off.
    Incomplete,
    /// The request was given up.
    Aborted,
}

impl Channel {
    pub(super) fn new(chunks: VecDeque<Bytes>, left: Option<u64>) -> Self {
        Self {
            state: Mutex::new(State {
                buffered: chunks.iter().map(Bytes::len).sum(),
                chunks,
                left,
                end: End::Open,
                reader: None,
                writer: None,
                reader_closed: false,
            }),
        }
    }

    /// A panic of a reader's waker is no reason to stop.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn push(&self, chunk: Bytes) {
        let mut state = self.lock();
        if state.reader_closed {
            return;
        }
        state.buffered += chunk.len();
        state.chunks.push_back(chunk);
        wake(state.reader.take(), state);
    }

    pub(super) fn end(&self, end: End) {
        let mut state = self.lock();
        if state.end == End::Open {
            state.end = end;
            wake(state.reader.take(), state);
        }
    }

    /// What `chunks` cost.
    pub(super) fn buffered(&self) -> usize {
        let state = self.lock();
        state.buffered + state.chunks.len() * CHUNK_COST
    }

    /// Has `waker` woken when something is read.
    pub(super) fn wake_on_read(&self, waker: &Waker) {
        let mut state = self.lock();
        if !state.writer.as_ref().is_some_and(|w| w.will_wake(waker)) {
            state.writer = Some(waker.clone());
        }
    }

    pub(super) fn poll_chunk(&self, waker: &Waker) -> Poll<Option<Result<Bytes, Error>>> {
        let mut state = self.lock();
        if let Some(chunk) = state.chunks.pop_front() {
            state.buffered -= chunk.len();
            if let Some(left) = &mut state.left {
                *left -= chunk.len() as u64;
            }
            wake(state.writer.take(), state);
            return Poll::Ready(Some(Ok(chunk)));
        }
        let failure = match state.end {
            End::Open => {
                if !state.reader.as_ref().is_some_and(|w| w.will_wake(waker)) {
                    state.reader = Some(waker.clone());
                }
                return Poll::Pending;
            }
            End::Complete => return Poll::Ready(None),
            End::Incomplete => Kind::IncompleteBody,
            End::Aborted => Kind::Aborted,
        };
        // The failure is told once; after it there is nothing more.
        state.end = End::Complete;
        state.left = Some(0);
        Poll::Ready(Some(Err(Error::new(failure))))
    }

    pub(super) fn is_end_stream(&self) -> bool {
        let state = self.lock();
        let at_end = state.end == End::Complete || state.left == Some(0);
        at_end && state.chunks.is_empty()
    }

    pub(super) fn size_hint(&self) -> SizeHint {
        let state = self.lock();
        match state.left {
            Some(left) => SizeHint::with_exact(left),
            None if state.end == End::Complete => SizeHint::with_exact(state.buffered as u64),
            None => SizeHint::default(),
        }
    }

    /// The body was dropped: what has arrived is forgotten, and what comes is discarded.
    pub(super) fn close_reader(&self) {
        let mut state = self.lock();
        state.reader_closed = true;
        state.reader = None;
        state.buffered = 0;
        let chunks = std::mem::take(&mut state.chunks);
        wake(state.writer.take(), state);
        drop(chunks);
    }
}

/// What a chunk costs besides its bytes. A web server may send a body in records of one byte each.
pub(super) const CHUNK_COST: usize = size_of::<Bytes>();

/// Wakes after the lock is given back: a waker may run anything.
fn wake(waker: Option<Waker>, state: MutexGuard<'_, State>) {
    drop(state);
    if let Some(waker) = waker {
        waker.wake();
    }
}
