//! What the application says: the commands for one request, and how it ends.

use bytes::{Bytes, BytesMut};
use http::StatusCode;

use super::{
    Connection, ConnectionError, Life,
    output::TooLong,
    request::{Request, RequestKey},
};
use crate::{
    cgi::{self, BodyLength},
    record::{EndRequest, ProtocolStatus, RecordType},
};

/// The commands for one request in progress.
///
/// A response is a [`head`](Self::head), then [`stdout`](Self::stdout) as often as there is something, then
/// [`end`](Self::end). It may [`fail`](Self::fail) at any time.
#[derive(Debug)]
pub struct RequestMut<'a> {
    connection: &'a mut Connection,
    key: RequestKey,
}

/// What became of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Ending {
    /// It is complete.
    Complete,
    /// A response with this status was sent in its place.
    Replaced(StatusCode),
    /// It broke off, and the client can see that. The connection ends with it, unless other requests share it.
    Truncated,
}

impl<'a> RequestMut<'a> {
    pub(super) fn new(connection: &'a mut Connection, key: RequestKey) -> Self {
        Self { connection, key }
    }

    /// The header block of the response, and how much may follow it.
    ///
    /// It leaves with the first of what follows, or with [`flush`](Self::flush): until then, a failure can still be
    /// answered with a status of 500, and another head takes its place. After that, a head is ignored. An empty one
    /// is for an application that writes its header block as the first of [`stdout`](Self::stdout).
    pub fn head(&mut self, head: BytesMut, length: BodyLength) {
        if let Some(request) = self.connection.requests.get_mut(self.key) {
            request.output.head(head, length);
        }
    }

    /// Whether more of a response may follow what was sent.
    pub fn wants_stdout(&self) -> bool {
        let request = self.connection.requests.get(self.key);
        request.is_some_and(|request| !request.output.length().is_over())
    }

    /// Part of the response. Gives how many bytes were too many for its announced length; they are cut off.
    ///
    /// # Errors
    ///
    /// When the answer of an Authorizer is longer than 32 KiB (B-13). Nothing of it has left, and nothing will: let it
    /// [fail](Self::fail).
    pub fn stdout(&mut self, data: Bytes) -> Result<usize, TooLong> {
        let Connection {
            requests, outgoing, ..
        } = &mut *self.connection;
        let Some(request) = requests.get_mut(self.key) else {
            return Ok(0);
        };
        let was_held = request.output.is_held();
        let taken = request.output.stdout(request.id, data, outgoing);
        request.note_answer(was_held);
        taken
    }

    /// There is nothing more of the response at the moment, so its head has waited long enough. Without a head, this does
    /// nothing.
    pub fn flush(&mut self) {
        let Connection {
            requests, outgoing, ..
        } = &mut *self.connection;
        if let Some(request) = requests.get_mut(self.key) {
            let was_held = request.output.is_held();
            request.output.flush(request.id, outgoing);
            request.note_answer(was_held);
        }
    }

    /// A message for the web server's log. It follows the head of the response, because nginx counts what comes before
    /// against the buffer for the head; at most 64 KiB wait for that.
    pub fn stderr(&mut self, message: Bytes) {
        let Connection {
            requests, outgoing, ..
        } = &mut *self.connection;
        if let Some(request) = requests.get_mut(self.key) {
            request.output.stderr(request.id, message, outgoing);
        }
    }

    /// A message for the web server's log that leaves at once, also before the head of the response. It is no
    /// beginning of a response: a failure after it can still be answered with a status of 500.
    pub fn stderr_now(&mut self, message: Bytes) {
        let Connection {
            requests, outgoing, ..
        } = &mut *self.connection;
        if let Some(request) = requests.get_mut(self.key) {
            request.output.stderr_now(request.id, message, outgoing);
        }
    }

    /// Ends the response and the request. By value: nothing can follow.
    ///
    /// A response that is shorter than it was announced, or was [too long](TooLong), [fails](Self::fail) in its place.
    pub fn end(self, app_status: u32) -> Ending {
        let request = self.connection.requests.get(self.key);
        if request.is_some_and(|request| !request.output.is_complete()) {
            return self.fail(app_status);
        }
        self.connection.forget_events(self.key);
        let end = EndRequest {
            app_status,
            ..EndRequest::COMPLETE
        };
        self.connection.end_request(self.key, end);
        Ending::Complete
    }

    /// Gives the response up, so that the client can see that something is missing: with a status of 500 as long as
    /// nothing of it has left, else by breaking it off.
    pub fn fail(self, app_status: u32) -> Ending {
        self.connection.forget_events(self.key);
        let request = self.connection.requests.get(self.key);
        if request.is_some_and(|request| request.output.is_held()) {
            let end = EndRequest {
                app_status,
                ..EndRequest::COMPLETE
            };
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            self.connection.refuse(self.key, status, end);
            return Ending::Replaced(status);
        }
        self.connection.truncate(self.key);
        Ending::Truncated
    }
}

impl Request {
    /// B-9: whether the response began now, and so before the web server had sent everything.
    fn note_answer(&mut self, was_held: bool) {
        if was_held && !self.output.is_held() {
            self.answered_early = !self.has_ended();
        }
    }
}

impl Connection {
    /// R-10a: a refusal is a whole response, in the place of one of which nothing has left.
    pub(super) fn refuse(&mut self, key: RequestKey, status: StatusCode, end: EndRequest) {
        let Some(request) = self.requests.get_mut(key) else {
            return;
        };
        let mut response = BytesMut::new();
        cgi::write_refusal(status, request.method().as_ref(), &mut response);
        request.output.replace(response);
        self.end_request(key, end);
    }

    /// Ends the streams that were used and the request; with its connection, where `FCGI_END_REQUEST` does harm
    /// (B-9). When other requests are in progress on that, they are worth more.
    pub(super) fn end_request(&mut self, key: RequestKey, end: EndRequest) {
        let is_alone = self.requests.len() == 1;
        let Some(request) = self.requests.get_mut(key) else {
            return;
        };
        self.closing.end_request(request);
        request.output.end(request.id, &mut self.outgoing);
        if is_alone && request.must_end_by_closing() {
            self.closing.take_no_more();
        } else {
            self.outgoing
                .put_fixed(RecordType::END_REQUEST, Some(request.id), &end.to_bytes());
            let is_last = is_alone && self.closing.life() == Life::LastRequests;
            if is_last && is_kept_by_nginx(request) {
                // B-19: nginx keeps a connection only if END_REQUEST ends what it has read. With an empty management record
                // behind it nginx closes the connection, where it would otherwise send its next request as we close it.
                self.outgoing.put_empty(RecordType::GET_VALUES_RESULT, None);
            }
        }
        self.requests.remove(key);
        self.stop_reading_on();
        self.settle();
    }

    /// The owner has finished with a request: events of its streams are of no use any more.
    fn forget_events(&mut self, key: RequestKey) {
        self.events.retain(|event| event.stream() != Some(key));
    }

    /// a record is begun that no web server can take for one, and not finished; after that nothing can be sent on
    /// the connection. When other requests are in progress on it, they are worth more: then the request is ended with an
    /// `app_status` of 1.
    fn truncate(&mut self, key: RequestKey) {
        if self.requests.len() > 1 {
            return self.end_request(key, ABORTED);
        }
        if let Some(request) = self.requests.get(key) {
            self.closing.end_request(request);
            self.outgoing.put_broken(request.id);
            self.requests.remove(key);
            self.fail(ConnectionError::Truncated);
        }
    }
}

/// Whether nginx keeps the connection behind this request.
fn is_kept_by_nginx(request: &Request) -> bool {
    let software = request.params().and_then(|it| it.get("SERVER_SOFTWARE"));
    request.keep_conn && software.is_some_and(|it| it.starts_with(b"nginx"))
}

/// How a request ends that was aborted (B-11), or that breaks off beside others.
pub(super) const ABORTED: EndRequest = EndRequest {
    app_status: 1,
    protocol_status: ProtocolStatus::REQUEST_COMPLETE,
};
