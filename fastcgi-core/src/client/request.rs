//! One request, seen from the web server.

use bytes::Bytes;

use crate::{
    outgoing::Outgoing,
    params::Params,
    record::{RecordType, RequestId},
};

/// A request that the application has not ended.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) id: RequestId,
    /// Whether the end of `FCGI_STDIN` was sent.
    stdin_ended: bool,
}

impl Request {
    pub(super) fn new(id: RequestId) -> Self {
        Self {
            id,
            stdin_ended: false,
        }
    }
}

/// The commands for one request.
#[derive(Debug)]
pub struct ClientRequestMut<'a> {
    request: &'a mut Request,
    outgoing: &'a mut Outgoing,
}

impl<'a> ClientRequestMut<'a> {
    pub(super) fn new(request: &'a mut Request, outgoing: &'a mut Outgoing) -> Self {
        Self { request, outgoing }
    }

    /// The whole of `FCGI_PARAMS`, its end included.
    pub fn params(&mut self, params: &Params) {
        let block = params.as_bytes().clone();
        self.stream(RecordType::PARAMS, block);
        self.end(RecordType::PARAMS);
    }

    /// Part of the request body. Nothing is sent for an empty `data`, nor after [`stdin_end`](Self::stdin_end).
    pub fn stdin(&mut self, data: Bytes) {
        if !self.request.stdin_ended {
            self.stream(RecordType::STDIN, data);
        }
    }

    /// The end of the request body.
    pub fn stdin_end(&mut self) {
        if !self.request.stdin_ended {
            self.request.stdin_ended = true;
            self.end(RecordType::STDIN);
        }
    }

    /// Part of the file for a Filter. Nothing is sent for an empty `data`.
    pub fn data(&mut self, data: Bytes) {
        self.stream(RecordType::DATA, data);
    }

    /// The end of the file for a Filter.
    pub fn data_end(&mut self) {
        self.end(RecordType::DATA);
    }

    /// Asks the application to give the request up. It still has to end it.
    pub fn abort(&mut self) {
        self.outgoing
            .put_empty(RecordType::ABORT_REQUEST, self.request.id);
    }

    fn stream(&mut self, record_type: RecordType, data: Bytes) {
        self.outgoing.put_stream(record_type, self.request.id, data);
    }

    fn end(&mut self, record_type: RecordType) {
        self.outgoing.put_empty(record_type, self.request.id);
    }
}
