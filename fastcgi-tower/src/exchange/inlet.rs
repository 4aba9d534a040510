//! The connection's end of an exchange.

use std::sync::Arc;

use atomic_waker::AtomicWaker;
use bytes::Bytes;
use proto::{NewRequest, StreamEnd};
use tracing::Span;

use super::{
    Exchange, Origin, RequestHandle,
    queue::{Cost, End},
    sender::Sender,
};

/// Where what arrives of a request goes, and what its handler says besides answering.
#[derive(Debug)]
pub(crate) struct Inlet {
    stdin: Sender,
    data: Sender,
    handle: RequestHandle,
    is_plain_cgi: bool,
    span: Span,
    /// The buffer that the params are in.
    origin: Origin,
}

impl Inlet {
    pub(crate) fn new(request: &NewRequest, is_plain_cgi: bool, origin: Origin) -> Self {
        Self {
            stdin: Sender::new(request.length),
            data: Sender::new(request.data_length),
            handle: RequestHandle::default(),
            is_plain_cgi,
            span: tracing::debug_span!("request", id = %request.id, role = ?request.role),
            origin,
        }
    }

    /// The exchange for the service. `room` is woken when something of its bodies is read.
    pub(crate) fn exchange(&mut self, request: NewRequest, room: &Arc<AtomicWaker>) -> Exchange {
        Exchange {
            role: request.role,
            keep_conn: request.keep_conn,
            params: request.params,
            stdin: self.stdin.open(room),
            data: self.data.open(room),
            handle: self.handle.clone(),
            is_plain_cgi: self.is_plain_cgi,
        }
    }

    pub(crate) fn push_stdin(&mut self, data: Bytes, origin: Origin) {
        self.stdin.push(data, origin);
    }

    pub(crate) fn end_stdin(&mut self, end: StreamEnd) {
        self.stdin.end(end.into());
    }

    pub(crate) fn push_data(&mut self, data: Bytes, origin: Origin) {
        self.data.push(data, origin);
    }

    pub(crate) fn end_data(&mut self, end: StreamEnd) {
        self.data.end(end.into());
    }

    /// Nobody waits for the response any more.
    pub(crate) fn abort(&mut self) {
        self.stdin.end(End::Aborted);
        self.data.end(End::Aborted);
        self.handle.abort();
    }

    /// What is kept: the buffer of the params, bodies, and messages for the log. `current` is the buffer
    /// that is read into.
    pub(crate) fn cost(&self, current: Origin) -> Cost {
        let mut cost = self.stdin.cost(current).plus(self.data.cost(current));
        let params = usize::try_from(self.origin.size).unwrap_or(usize::MAX);
        cost.kept += params + self.handle.stderr_size();
        cost.has_current |= self.origin == current;
        cost
    }

    pub(crate) fn handle(&self) -> &RequestHandle {
        &self.handle
    }

    pub(crate) fn span(&self) -> &Span {
        &self.span
    }
}

impl From<StreamEnd> for End {
    fn from(end: StreamEnd) -> Self {
        match end {
            StreamEnd::Complete => Self::Complete,
            // Also what a later version may add: something is missing.
            _ => Self::Incomplete,
        }
    }
}
