//! What has arrived, taken in.

use bytes::{Bytes, BytesMut};
use http::StatusCode;
use proto::{
    Event, Refusal, cgi,
    record::{EndRequest, ProtocolStatus, RequestId, Role},
};
use tokio::io::{AsyncRead, AsyncWrite};

use super::{Connection, Phase, closing::Unread, request::Request, timer::Wait};
use crate::ExchangeService;

impl<Io, S> Connection<Io, S>
where
    Io: AsyncRead + AsyncWrite + Unpin,
    S: ExchangeService,
{
    pub(super) fn take_events(&mut self) -> bool {
        let mut taken = false;
        loop {
            if self.proto.is_finished() {
                // What follows the last request is of no use.
                self.socket.input.clear();
                return taken;
            }
            match self.proto.poll_event(&mut self.socket.input) {
                Ok(Some(event)) => self.handle_event(event),
                Ok(None) => return taken,
                Err(error) => self.fail(error.into()),
            }
            taken = true;
        }
    }

    fn handle_event(&mut self, event: Event) {
        match event {
            Event::Request {
                id,
                role,
                keep_conn,
                params,
            } => self.begin(Request::new(id, role, keep_conn, params)),
            Event::Refused {
                id,
                role,
                keep_conn,
                params,
                refusal,
            } => {
                let mut request = Request::new(id, role, keep_conn, params);
                request.is_cut = true;
                self.refuse_begun(&request, refusal);
            }
            Event::Stdin { id, data } => self.take_stdin(id, data),
            Event::StdinEnd { id } => self.with(id, |request| request.stdin.push_end()),
            Event::Data { id, data } => self.with(id, |request| {
                request.data.push(data);
            }),
            Event::DataEnd { id } => self.with(id, |request| request.data.push_end()),
            Event::Abort { id } => self.abort(id),
            _ => {}
        }
    }

    fn take_stdin(&mut self, id: RequestId, data: Bytes) {
        let Some(request) = self.requests.get_mut(id) else {
            return;
        };
        if request.stdin.is_suspended() {
            // B-1: the time counts from the last data.
            self.timer.restart(Wait::SuspendedStdin);
        }
        if request.stdin.push(data) > 0 {
            tracing::debug!(%id, "discarding what follows the announced body");
        }
    }

    fn with(&mut self, id: RequestId, f: impl FnOnce(&mut Request)) {
        if let Some(request) = self.requests.get_mut(id) {
            f(request);
        }
    }

    fn begin(&mut self, request: Request) {
        if self.requests.is_empty() {
            self.unread = Unread::Nothing;
        }
        self.start_serving();
        let served = match request.role {
            Role::RESPONDER => true,
            Role::AUTHORIZER => self.options.authorizer,
            Role::FILTER => self.options.filter,
            _ => false,
        };
        if served {
            return self.requests.insert(request);
        }
        // B-13: fail closed. An authorizing web server takes a bare END_REQUEST for a yes.
        tracing::debug!(role = ?request.role, "refusing a request of a role that is not served");
        self.unread = Unread::Body;
        let end = EndRequest {
            app_status: 0,
            protocol_status: ProtocolStatus::UNKNOWN_ROLE,
        };
        self.refuse(&request, StatusCode::FORBIDDEN, end);
    }

    fn start_serving(&mut self) {
        // A request that is answered in one go leaves no other trace in the timer.
        for wait in [Wait::Idle, Wait::LargeIdle, Wait::Params] {
            self.timer.restart(wait);
        }
        if self.phase == Phase::LastRequest {
            self.proto.shutdown();
        }
        self.phase = Phase::Serving;
    }

    /// Refuses a request that went over a limit before it came to be.
    fn refuse_begun(&mut self, request: &Request, refusal: Refusal) {
        let status = match refusal {
            Refusal::ParamsTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            _ => StatusCode::SERVICE_UNAVAILABLE,
        };
        tracing::debug!(id = %request.id, ?refusal, "refusing a request");
        self.start_serving();
        self.unread = Unread::Body;
        self.refuse(request, status, EndRequest::COMPLETE);
    }

    /// R-10a: a refusal is a whole response.
    pub(super) fn refuse(&mut self, request: &Request, status: StatusCode, end: EndRequest) {
        let Some(mut stdout) = self.proto.request(request.id) else {
            return;
        };
        let mut response = BytesMut::new();
        cgi::write_refusal(status, request.method().as_ref(), &mut response);
        stdout.stdout_slice(&response);
        for message in request.handle.take_stderr() {
            stdout.stderr(message);
        }
        request.end(stdout, end);
    }

    /// B-11: the handler is dropped, whoever holds the body is told, and the request is ended once.
    fn abort(&mut self, id: RequestId) {
        if let Some(mut request) = self.requests.remove(id) {
            tracing::debug!(%id, "the web server aborted a request");
            request.abort();
        }
        if let Some(request) = self.proto.request(id) {
            request.end(EndRequest {
                app_status: 1,
                ..EndRequest::COMPLETE
            });
        }
        self.unread = Unread::Body;
    }

    /// B-11: no web server closes only its side, so the end of file means that nobody waits for a response.
    pub(super) fn handle_eof(&mut self) {
        if self.options.allow_half_close && !self.requests.is_receiving() {
            return;
        }
        if !self.requests.is_empty() {
            tracing::debug!("the web server closed the connection during a request");
        }
        self.requests.abort_all();
    }
}
