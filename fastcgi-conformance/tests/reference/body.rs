//! A request and its body, between the thread of the connection and that of the request.

use std::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::{fault, wire};

/// A body that nobody reads is taken up to here.
const WINDOW: usize = 1 << 20;

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) struct Request {
    pub(crate) id: u16,
    pub(crate) keep: bool,
    pub(crate) params: wire::Pairs,
    pub(crate) body: Body,
}

impl Request {
    pub(crate) fn new(id: u16, keep: bool, params: wire::Pairs) -> Self {
        Self {
            id,
            keep,
            params,
            body: Body::default(),
        }
    }

    /// The last value of a param.
    pub(crate) fn param(&self, name: &str) -> Option<&[u8]> {
        let mut params = self.params.iter().rev();
        let (_, value) = params.find(|(it, _)| it == name.as_bytes())?;
        Some(value)
    }
}

#[derive(Default)]
struct BodyState {
    data: Vec<u8>,
    received: usize,
    ended: bool,
    aborted: bool,
    ignored: bool,
}

/// The request body, between the thread of the connection and that of the request.
#[derive(Default)]
pub(crate) struct Body {
    state: Mutex<BodyState>,
    changed: Condvar,
}

impl Body {
    pub(crate) fn push(&self, content: &[u8], announced: Option<usize>) {
        let mut state = lock(&self.state);
        let mut fits = match announced {
            Some(length) if !fault("surplus-is-body") => length.saturating_sub(state.received),
            None if fault("no-length-no-body") => 0,
            _ => usize::MAX,
        };
        if fault("bodies-have-512-kib") {
            fits = fits.min((512_usize << 10).saturating_sub(state.received));
        }
        if fault("a-zero-ends-the-body") {
            let zero = content.iter().position(|byte| *byte == 0);
            fits = fits.min(zero.unwrap_or(usize::MAX));
        }
        let content = content.get(..fits).unwrap_or(content);
        state.received += content.len();
        let is_unlimited = fault("bodies-have-no-limit") || fault("a-handler-waits-for-the-body");
        while state.data.len() > WINDOW && !state.ignored && !state.aborted && !is_unlimited {
            let waited = self.changed.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
        if !state.ignored {
            state.data.extend_from_slice(content);
        }
        self.changed.notify_all();
    }

    pub(crate) fn end(&self) {
        lock(&self.state).ended = true;
        self.changed.notify_all();
    }

    pub(crate) fn abort(&self) {
        lock(&self.state).aborted = true;
        self.changed.notify_all();
    }

    /// Nobody will read the rest.
    pub(crate) fn ignore(&self) {
        let mut state = lock(&self.state);
        state.ignored = true;
        state.data.clear();
        self.changed.notify_all();
    }

    pub(crate) fn has_ended(&self) -> bool {
        lock(&self.state).ended
    }

    pub(crate) fn was_received(&self) -> bool {
        lock(&self.state).received > 0
    }

    pub(crate) fn wait_for_end(&self) {
        let mut state = lock(&self.state);
        while !state.ended && !state.aborted {
            let waited = self.changed.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Some bytes; none at the end, or when the request is given up.
    pub(crate) fn read(&self) -> Vec<u8> {
        let mut state = lock(&self.state);
        while state.data.is_empty() && !state.ended && !state.aborted {
            let waited = self.changed.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
        let bytes = std::mem::take(&mut state.data);
        self.changed.notify_all();
        bytes
    }

    /// Waits, unless the request is given up.
    pub(crate) fn wait(&self, time: Duration) {
        let until = Instant::now() + time;
        let mut state = lock(&self.state);
        while !state.aborted {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}
