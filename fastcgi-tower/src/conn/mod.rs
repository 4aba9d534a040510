//! One connection, driven: a future over a socket and a service.
//!
//! It spawns nothing, so nothing has to be `Send`, and the services' futures are polled inside the connection's task.

mod closing;
mod config;
mod requests;
mod slot;
mod timer;

use std::{
    fmt, io,
    pin::Pin,
    task::{Context, Poll, Waker, ready},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use http::StatusCode;
use proto::{
    Config, Event, Refusal, Truncated, cgi,
    record::{EndRequest, ProtocolStatus, RequestId, Role},
};
use tokio::io::{AsyncRead, AsyncWrite};

pub use self::config::Builder;
pub(crate) use self::config::Options;
use self::{
    closing::{Closing, Unread},
    requests::Requests,
    slot::{HIGH_WATER, Outcome, Request},
    timer::{Timer, Wait},
};
use crate::{Error, ExchangeService, error::Kind, socket::Socket};

/// A connection being served: a future that has to be polled for anything to happen.
///
/// It is done when the connection is closed. Made by [`Builder::serve_connection`] and [`Builder::serve_exchanges`].
///
/// # Errors
///
/// When the socket fails, when the web server breaks the protocol or a limit, and when a response could not be finished
/// ([`Error::is_truncated`]); in that case the socket is best reset, as [`serve`](crate::serve) does. A web server that
/// goes away is no error.
#[must_use = "a connection does nothing unless it is polled"]
pub struct Connection<Io, S: ExchangeService> {
    socket: Socket<Io>,
    proto: proto::Connection,
    requests: Requests<S>,
    options: Options,
    timer: Timer,
    /// Whether the web server has read nothing for [`STALL_LIMIT`].
    stalled: bool,
    phase: Phase,
    unread: Unread,
    closing: Closing,
    /// Why the connection ends, when it is not the web server's wish. It ends as soon as the rest is written.
    failure: Option<Error>,
}

/// How far the connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// No request has come yet.
    Fresh,
    /// No request has come yet, and the first is to be the last.
    LastRequest,
    Serving,
}

/// How long a connection is kept for its first request after it was told to shut down: a web server that has just
/// connected is about to send one.
const LAST_REQUEST_LIMIT: Duration = Duration::from_millis(250);
/// How long the end of a request may wait for the end of its body (B-9).
const HELD_LIMIT: Duration = Duration::from_secs(30);
/// How long a connection keeps large buffers without a request.
const RELEASE_AFTER: Duration = Duration::from_secs(1);
/// How long the web server may read nothing before it is taken for one that first writes everything (B-8).
const STALL_LIMIT: Duration = Duration::from_millis(50);
/// How long something may follow an end of the body that came too early (B-1).
const SUSPENDED_LIMIT: Duration = Duration::from_secs(10);

// Nothing in a connection is pinned: the slots have boxes of their own.
impl<Io: Unpin, S: ExchangeService> Unpin for Connection<Io, S> {}

impl<Io, S> Connection<Io, S>
where
    Io: AsyncRead + AsyncWrite + Unpin,
    S: ExchangeService,
{
    pub(crate) fn new(io: Io, service: S, config: Config, options: Options) -> Self {
        Self {
            socket: Socket::new(io),
            proto: proto::Connection::new(config),
            requests: Requests::new(service),
            options,
            timer: Timer::default(),
            stalled: false,
            phase: Phase::Fresh,
            unread: Unread::Nothing,
            closing: Closing::default(),
            failure: None,
        }
    }

    /// Lets the requests in progress finish and then closes the connection.
    ///
    /// One that has not brought its first request yet gets 250 ms for it. Keep polling the connection.
    pub fn graceful_shutdown(self: Pin<&mut Self>) {
        let this = self.get_mut();
        match this.phase {
            Phase::Fresh => this.phase = Phase::LastRequest,
            Phase::LastRequest => {}
            Phase::Serving => this.proto.shutdown(),
        }
    }

    /// The socket, to do with it what a [truncated](Error::is_truncated) response asks for.
    pub fn into_io(self) -> Io {
        self.socket.into_io()
    }

    /// Reads, unless there is a reason not to, and takes in what has arrived.
    fn poll_input(&mut self, cx: &mut Context<'_>) -> bool {
        if self.failure.is_some() || self.socket.eof || self.holds_back() {
            return false;
        }
        if self.take_events() {
            return true;
        }
        match self.socket.poll_fill(cx) {
            Poll::Pending => return false,
            Poll::Ready(Ok(0)) => self.handle_eof(),
            Poll::Ready(Ok(_)) => {
                self.timer.restart(Wait::Stdin);
                self.take_events();
            }
            // How Caddy ends every connection.
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::ConnectionReset => {
                self.socket.eof = true;
                self.requests.abort_all();
            }
            Poll::Ready(Err(error)) => self.fail(error.into()),
        }
        true
    }

    /// Whether the socket is to be left alone. This is the one place that decides on back-pressure.
    fn holds_back(&self) -> bool {
        let unwritten = self.proto.outgoing_len();
        let buffered = self.requests.buffered();
        if buffered >= self.options.window {
            // B-8: mod_fcgid and Caddy do not read before they have written all. Others are only slow, and must not
            // make us gather what they write meanwhile. And a body that nobody reads must not stop the other requests
            // on its connection.
            let may_spill = self.stalled || self.requests.len() > 1;
            return !may_spill || buffered >= self.options.max_spill;
        }
        // Who does not read responses gets no further requests served; the rest of a body is taken all the same (B-8).
        unwritten >= HIGH_WATER && self.unread < Unread::Body && !self.requests.is_receiving()
    }

    fn take_events(&mut self) -> bool {
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
            Event::Refused { id, refusal } => {
                let status = match refusal {
                    Refusal::ParamsTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
                    _ => StatusCode::SERVICE_UNAVAILABLE,
                };
                tracing::debug!(%id, ?refusal, "refusing a request");
                self.start_serving();
                self.unread = Unread::Body;
                self.refuse(id, status, None, EndRequest::COMPLETE);
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
        self.unread = Unread::Nothing;
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
        self.refuse(request.id, StatusCode::FORBIDDEN, Some(&request), end);
    }

    fn start_serving(&mut self) {
        if self.phase == Phase::LastRequest {
            self.proto.shutdown();
        }
        self.phase = Phase::Serving;
    }

    /// R-10a: a refusal is a whole response.
    fn refuse(
        &mut self,
        id: RequestId,
        status: StatusCode,
        request: Option<&Request>,
        end: EndRequest,
    ) {
        let Some(mut stdout) = self.proto.request(id) else {
            return;
        };
        let method = request.and_then(Request::method);
        let mut response = BytesMut::new();
        cgi::write_refusal(status, method.as_ref(), &mut response);
        stdout.stdout_slice(&response);
        for message in request.map_or_else(Vec::new, |request| request.handle.take_stderr()) {
            stdout.stderr(message);
        }
        stdout.end(end);
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
    fn handle_eof(&mut self) {
        if self.options.allow_half_close && !self.requests.is_receiving() {
            return;
        }
        if !self.requests.is_empty() {
            tracing::debug!("the web server closed the connection during a request");
        }
        self.requests.abort_all();
    }

    fn fail(&mut self, error: Error) {
        self.requests.abort_all();
        self.failure.get_or_insert(error);
    }

    fn poll_requests(&mut self, cx: &mut Context<'_>) -> bool {
        let mut progress = false;
        while let Poll::Ready((request, outcome)) = self.requests.poll(cx, &mut self.proto) {
            self.end(&request, outcome);
            progress = true;
        }
        progress
    }

    fn end(&mut self, request: &Request, outcome: Outcome) {
        self.unread = self.unread.max(Unread::of(request));
        let end = EndRequest {
            app_status: request.handle.app_status(),
            ..EndRequest::COMPLETE
        };
        if let Outcome::Refuse(status) = outcome {
            return self.refuse(request.id, status, Some(request), end);
        }
        let Some(mut stdout) = self.proto.request(request.id) else {
            return;
        };
        for message in request.handle.take_stderr() {
            stdout.stderr(message);
        }
        if let Outcome::Complete = outcome {
            stdout.end(end);
        } else if let Truncated::Connection = stdout.truncate() {
            self.fail(Error::new(Kind::Truncated));
        }
    }

    /// Gives `Pending` while something waits to be written.
    fn poll_output(&mut self, cx: &mut Context<'_>, progress: &mut bool) -> Poll<io::Result<()>> {
        let mut written = false;
        let flushed = self
            .socket
            .poll_flush(cx, self.proto.outgoing(), &mut written);
        if written {
            self.timer.restart(Wait::Write);
            self.timer.restart(Wait::Stall);
            self.stalled = false;
            *progress = true;
        }
        flushed
    }

    fn is_over(&self) -> bool {
        let idle = self.requests.is_empty();
        self.failure.is_some() || (idle && (self.proto.is_finished() || self.socket.eof))
    }

    /// Closes our side, and waits for the web server to close its own if it may still be sending.
    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if let Some(failure) = self.failure.take() {
            return Poll::Ready(Err(failure));
        }
        self.closing
            .poll(cx, &mut self.socket, &mut self.timer, self.unread)
            .map(Ok)
    }

    /// What is being waited for when nothing can be done, and how long it may last.
    fn wait(&self) -> Option<(Wait, Duration)> {
        if self.proto.outgoing_len() > 0 {
            if !self.stalled && self.holds_back() {
                return Some((Wait::Stall, STALL_LIMIT));
            }
            return Some((Wait::Write, self.options.write_timeout));
        }
        if self
            .requests
            .iter()
            .any(|request| request.stdin.is_suspended())
        {
            return Some((Wait::SuspendedStdin, SUSPENDED_LIMIT));
        }
        if self.requests.is_held() {
            return Some((Wait::HeldEnd, HELD_LIMIT));
        }
        if !self.requests.is_empty() {
            let limit = self.options.read_timeout?;
            // Not while we are the ones who hold up the body.
            let awaits = self.requests.is_receiving() && !self.holds_back();
            return awaits.then_some((Wait::Stdin, limit));
        }
        let begun = self.proto.requests_in_progress() > 0 || !self.socket.input.is_empty();
        match self.phase {
            Phase::LastRequest if !begun => Some((Wait::LastRequest, LAST_REQUEST_LIMIT)),
            Phase::Serving if !begun && self.socket.is_large() => {
                Some((Wait::LargeIdle, RELEASE_AFTER))
            }
            Phase::Serving if !begun => Some((Wait::Idle, self.options.idle_timeout??)),
            _ => Some((Wait::Params, self.options.params_timeout)),
        }
    }

    /// Ready when a wait has lasted too long and something was done about it.
    fn poll_wait(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some((wait, limit)) = self.wait() else {
            self.timer.clear();
            return Poll::Pending;
        };
        ready!(self.timer.poll(cx, wait, limit));
        self.timer.clear();
        tracing::trace!("waited long enough: {}", wait.describe());
        match wait {
            Wait::LastRequest | Wait::Idle => self.proto.shutdown(),
            Wait::Stall => self.stalled = true,
            Wait::LargeIdle => {
                self.socket.release();
                self.proto.outgoing().release();
            }
            Wait::SuspendedStdin => self.break_off(|request| request.stdin.is_suspended()),
            Wait::Stdin => self.break_off(|request| request.buffered() == 0),
            Wait::HeldEnd => {
                for request in self.requests.iter_mut() {
                    request.may_end_early = true;
                }
            }
            Wait::Params | Wait::Write | Wait::Close => {
                self.fail(Error::new(Kind::Timeout(wait.describe())));
            }
        }
        Poll::Ready(())
    }

    /// B-4: gives up what has not arrived of some request bodies.
    fn break_off(&mut self, is_late: impl Fn(&Request) -> bool) {
        for request in self.requests.iter_mut().filter(|request| is_late(request)) {
            request.stdin.break_off();
            request.data.break_off();
        }
    }

    /// Arranges to be woken by what happens elsewhere than on the socket. Says whether to go on at once instead.
    fn prepare_to_sleep(&self, waker: &Waker) -> bool {
        if self.failure.is_some() || self.socket.eof || !self.holds_back() {
            return false;
        }
        self.requests.wake_on_read(waker);
        !self.holds_back()
    }
}

impl<Io, S> Future for Connection<Io, S>
where
    Io: AsyncRead + AsyncWrite + Unpin,
    S: ExchangeService,
{
    type Output = Result<(), Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if this.closing.has_begun() {
            return this.poll_close(cx);
        }
        loop {
            let held_back = this.holds_back();
            let mut progress = this.poll_input(cx);
            progress |= this.poll_requests(cx);
            match this.poll_output(cx, &mut progress) {
                Poll::Ready(Ok(())) if this.is_over() => return this.poll_close(cx),
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => {
                    this.fail(error.into());
                    return this.poll_close(cx);
                }
                Poll::Pending => {}
            }
            progress |= held_back && !this.holds_back();
            if progress || this.prepare_to_sleep(cx.waker()) {
                continue;
            }
            ready!(this.poll_wait(cx));
            // Whatever the failure is, waiting for the web server to read about it is over.
            if this.failure.is_some() {
                return this.poll_close(cx);
            }
        }
    }
}

impl<Io, S: ExchangeService> fmt::Debug for Connection<Io, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("phase", &self.phase)
            .field("requests", &self.requests.len())
            .finish_non_exhaustive()
    }
}
