//! The connection's end of an exchange.

use std::sync::Arc;

use bytes::Bytes;
use proto::{Connection, NewRequest, RequestKey, StreamEnd, record::Role};
use tracing::{Span, field::Empty};

use super::{
    ConnectionId, Exchange, Incoming, RequestHandle,
    alarm::ConnectionAlarm,
    handle::Message,
    queue::{Cost, End},
    sender::Sender,
};
use crate::socket::Origin;

/// Takes what arrives of a request, and has what its handler reports besides its answer.
#[derive(Debug)]
pub(crate) struct Inlet {
    stdin: Sender,
    /// A Filter's file: other roles have none.
    data: Option<Box<Sender>>,
    handle: RequestHandle,
    is_plain_cgi: bool,
    span: Span,
    /// The buffer that the params are in.
    origin: Origin,
}

impl Inlet {
    /// An inlet that has no request yet.
    pub(crate) fn closed(connection_id: ConnectionId, is_plain_cgi: bool) -> Self {
        Self {
            stdin: Sender::closed(),
            data: None,
            handle: RequestHandle::on(connection_id),
            is_plain_cgi,
            span: Span::none(),
            origin: Origin::default(),
        }
    }

    /// Makes it the inlet of `request`, which came in the buffer `origin`.
    pub(crate) fn open(&mut self, request: &NewRequest, origin: Origin) {
        let is_filter = request.role == Role::FILTER;
        self.stdin = Sender::new(request.length);
        self.data = is_filter.then(|| Box::new(Sender::new(request.data_length)));
        self.handle.renew();
        // Not `request`, which the span of tower-http's `TraceLayer` inside it is called.
        self.span = tracing::debug_span!(
            "fastcgi_request",
            id = %request.id,
            role = ?request.role,
            method = Empty,
            path = Empty,
        );
        self.origin = origin;
    }

    /// The request is over. Nothing of it is kept.
    pub(crate) fn close(&mut self) {
        self.stdin = Sender::closed();
        self.data = None;
        self.span = Span::none();
    }

    /// The exchange for the service. `alarm` goes off when something of its bodies is read, and it waits for that.
    pub(crate) fn exchange(
        &mut self,
        request: NewRequest,
        alarm: &Arc<ConnectionAlarm>,
    ) -> Exchange {
        Exchange {
            role: request.role,
            keep_conn: request.keep_conn,
            params: request.params,
            stdin: self.stdin.open(alarm),
            data: match &mut self.data {
                Some(data) => data.open(alarm),
                None => Incoming::empty(),
            },
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
        if let Some(sender) = &mut self.data {
            sender.push(data, origin);
        }
    }

    pub(crate) fn end_data(&mut self, end: StreamEnd) {
        if let Some(data) = &mut self.data {
            data.end(end.into());
        }
    }

    /// Nobody waits for the response any more.
    pub(crate) fn abort(&mut self) {
        self.stdin.end(End::Aborted);
        if let Some(data) = &mut self.data {
            data.end(End::Aborted);
        }
        self.handle.abort();
    }

    /// What is kept: the buffer of the params, bodies, and messages for the log. `current` is the buffer
    /// that is read into.
    #[inline]
    pub(crate) fn cost(&self, current: Origin) -> Cost {
        let mut cost = self.stdin.cost(current);
        if let Some(data) = &self.data {
            cost = cost.plus(data.cost(current));
        }
        let params = usize::try_from(self.origin.size).unwrap_or(usize::MAX);
        cost.kept += params + self.handle.stderr_size();
        cost.has_current |= self.origin == current;
        cost
    }

    /// Hands on what the handler has said for the log of the web server.
    pub(crate) fn put_stderr(&self, key: RequestKey, connection: &mut Connection) {
        for message in self.handle.take_stderr() {
            if let Some(mut request) = connection.request(key) {
                match message {
                    Message::AfterHead(message) => request.stderr(message),
                    Message::Now(message) => request.stderr_now(message),
                }
            }
        }
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
