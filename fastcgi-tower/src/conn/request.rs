//! One request, as the web server tells it.

use std::task::Waker;

use http::Method;
use proto::{
    Params, RequestMut,
    record::{EndRequest, RequestId, Role},
};

use crate::{Exchange, Handle, body::Inlet};

/// What the web server has told of a request, and what it goes on telling.
pub(super) struct Request {
    pub(super) id: RequestId,
    pub(super) role: Role,
    pub(super) keep_conn: bool,
    pub(super) params: Params,
    pub(super) stdin: Inlet,
    pub(super) data: Inlet,
    pub(super) handle: Handle,
    /// Whether params are missing, because there were too many.
    pub(super) is_cut: bool,
    /// Whether the response began before the web server had sent everything.
    pub(super) answered_early: bool,
}

impl Request {
    pub(super) fn new(id: RequestId, role: Role, keep_conn: bool, params: Params) -> Self {
        // An Authorizer starts at the end of its params: it is sent no body, sometimes not even an empty one. A length
        // that is none is refused by the mapping, not here.
        let announced = match role {
            Role::AUTHORIZER => Some(0),
            _ => params.content_length().unwrap_or(None),
        };
        let data_length = match role {
            Role::FILTER => params.data_length(),
            _ => Some(0),
        };
        let resumes = announced.is_some_and(|length| length > 0) && is_from_mod_fcgid(&params);
        Self {
            id,
            role,
            keep_conn,
            params,
            stdin: Inlet::new(announced, resumes),
            data: Inlet::new(data_length, resumes),
            handle: Handle::default(),
            is_cut: false,
            answered_early: false,
        }
    }

    /// Ends the request, after the last of its response.
    ///
    /// B-9: h2o 2.2 aborts when, on a connection that it keeps, it reads `FCGI_END_REQUEST` before it has noticed that
    /// its last write succeeded. That can be after we have read what it wrote, unless it was told nothing until then.
    /// The end of the connection does as well.
    pub(super) fn end(&self, stdout: RequestMut<'_>, end: EndRequest) {
        let is_early = self.answered_early || !self.has_ended();
        if is_early && self.may_be_from_h2o() {
            stdout.end_by_closing(end);
        } else {
            stdout.end(end);
        }
    }

    fn may_be_from_h2o(&self) -> bool {
        match self.params.get("SERVER_SOFTWARE") {
            Some(software) => software.starts_with(b"h2o/"),
            None => self.is_cut,
        }
    }

    /// Whether nothing of the reply may leave before all of it is known. A web server takes the head of an Authorizer's
    /// answer for a yes, whatever becomes of the rest.
    pub(super) fn has_to_be_whole(&self) -> bool {
        self.role == Role::AUTHORIZER
    }

    /// Nobody waits for the response any more.
    pub(super) fn abort(&mut self) {
        self.stdin.abort();
        self.data.abort();
        self.handle.abort();
    }

    /// Bytes that nobody has read yet.
    pub(super) fn buffered(&self) -> usize {
        self.stdin.buffered() + self.data.buffered()
    }

    /// Whether the web server may still send something of this request.
    pub(super) fn is_receiving(&self) -> bool {
        !(self.stdin.is_complete() && self.data.is_complete())
    }

    pub(super) fn method(&self) -> Option<Method> {
        Method::from_bytes(self.params.get("REQUEST_METHOD")?).ok()
    }

    /// Whether the web server has nothing more to send of this request.
    pub(super) fn has_ended(&self) -> bool {
        let data_ended = self.role != Role::FILTER || self.data.has_ended();
        self.stdin.has_ended() && data_ended
    }

    pub(super) fn wake_on_read(&self, waker: &Waker) {
        self.stdin.wake_on_read(waker);
        self.data.wake_on_read(waker);
    }

    pub(super) fn exchange(&mut self) -> Exchange {
        Exchange {
            role: self.role,
            keep_conn: self.keep_conn,
            params: self.params.clone(),
            stdin: self.stdin.open(),
            data: self.data.open(),
            handle: self.handle.clone(),
        }
    }
}

/// B-1: mod_fcgid may send an empty STDIN record in front of a body. mod_proxy_fcgi does not.
fn is_from_mod_fcgid(params: &Params) -> bool {
    let value = |name| params.get(name).unwrap_or_default();
    value("SERVER_SOFTWARE").starts_with(b"Apache")
        && !value("SCRIPT_FILENAME").starts_with(b"proxy:")
}
