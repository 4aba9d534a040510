//! One connection, driven: a future over a socket and a service.
//!
//! It spawns nothing, so nothing has to be `Send`, and the services' futures are polled inside the connection's task.

mod closing;
mod config;
mod intake;
mod request;
mod requests;
mod slot;
mod timer;
mod waiting;

use std::{
    fmt, io,
    pin::Pin,
    task::{Context, Poll, Waker, ready},
};

use proto::{Config, Truncated, record::EndRequest};
use tokio::io::{AsyncRead, AsyncWrite};

pub use self::config::Builder;
pub(crate) use self::config::Options;
use self::{
    closing::{Closing, Unread},
    request::Request,
    requests::Requests,
    slot::{HIGH_WATER, Outcome},
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
///
/// # Panics
///
/// When it is polled outside a tokio runtime with time enabled.
#[must_use = "a connection does nothing unless it is polled"]
pub struct Connection<Io, S: ExchangeService> {
    socket: Socket<Io>,
    proto: proto::Connection,
    requests: Requests<S>,
    options: Options,
    timer: Timer,
    /// Whether the web server has read nothing for a while, with something to read.
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

/// Requests in progress with which a web server that does not read their responses has to be content.
const ENOUGH_REQUESTS: usize = 16;

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

    /// Takes in what has arrived, or reads.
    fn poll_input(&mut self, cx: &mut Context<'_>) -> bool {
        if self.failure.is_some() || self.socket.eof {
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
        // Who does not read responses gets no further requests served. But the rest of a body is taken all the same
        // (B-8), and so is what may be the abort of a request in progress.
        let has_enough = self.requests.is_empty() || self.requests.len() >= ENOUGH_REQUESTS;
        let may_send_body = self.unread == Unread::Body || self.requests.is_receiving();
        unwritten >= HIGH_WATER / 2 && has_enough && !may_send_body
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
            return self.refuse(request, status, end);
        }
        let Some(mut stdout) = self.proto.request(request.id) else {
            return;
        };
        for message in request.handle.take_stderr() {
            stdout.stderr(message);
        }
        if let Outcome::Complete = outcome {
            request.end(stdout, end);
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

    /// Nothing can be written any more. That the web server has left is no error (B-11).
    fn end_unheard(&mut self, error: io::Error) -> Result<(), Error> {
        let has_left = matches!(
            error.kind(),
            io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset
        );
        if has_left {
            self.requests.abort_all();
        } else {
            self.fail(error.into());
        }
        self.failure.take().map_or(Ok(()), Err)
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
            let mut progress = !held_back && this.poll_input(cx);
            progress |= this.poll_requests(cx);
            match this.poll_output(cx, &mut progress) {
                Poll::Ready(Ok(())) if this.is_over() => return this.poll_close(cx),
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => return Poll::Ready(this.end_unheard(error)),
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
