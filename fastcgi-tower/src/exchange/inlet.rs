//! The connection's end of an exchange.

use std::sync::Arc;

use bytes::Bytes;
use proto::{NewRequest, StreamEnd};
use tracing::Span;

use super::{
    ConnectionId, Exchange, RequestHandle, alarm::ConnectionAlarm, queue::End, sender::Sender,
};

/// Where what arrives of a request goes, and what its handler says besides answering.
#[derive(Debug)]
pub(crate) struct Inlet {
    stdin: Sender,
    data: Sender,
    handle: RequestHandle,
    is_plain_cgi: bool,
    span: Span,
}

impl Inlet {
    pub(crate) fn new(
        request: &NewRequest,
        connection_id: ConnectionId,
        is_plain_cgi: bool,
    ) -> Self {
        Self {
            stdin: Sender::new(request.length),
            data: Sender::new(request.data_length),
            handle: RequestHandle::on(connection_id),
            is_plain_cgi,
            span: tracing::debug_span!("request", id = %request.id, role = ?request.role),
        }
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
            data: self.data.open(alarm),
            handle: self.handle.clone(),
            is_plain_cgi: self.is_plain_cgi,
        }
    }

    pub(crate) fn push_stdin(&mut self, data: Bytes) {
        self.stdin.push(data);
    }

    pub(crate) fn end_stdin(&mut self, end: StreamEnd) {
        self.stdin.end(end.into());
    }

    pub(crate) fn push_data(&mut self, data: Bytes) {
        self.data.push(data);
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

    /// Bytes of bodies that wait to be read, with what it costs to keep them.
    pub(crate) fn held(&self) -> usize {
        self.stdin.held() + self.data.held()
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
