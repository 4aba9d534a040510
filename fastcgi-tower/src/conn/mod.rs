//! One connection, driven: a future over a socket and a service.
//!
//! It spawns nothing, so nothing has to be `Send`, and the services' futures are polled inside the connection's task. What
//! to do is decided in `fastcgi-core`: the driver moves bytes, polls futures and sleeps until a deadline.

mod borrowing;
mod call;
mod calls;
mod timer;

use std::{
    fmt, io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Instant,
};

use proto::{Event, Life};
use tokio::io::{AsyncRead, AsyncWrite};

use self::{
    calls::Calls,
    timer::{Timer, now},
};
use crate::{
    budget::{Account, Budget},
    error::Error,
    exchange::ExchangeService,
    socket::Socket,
};

/// A connection being served: a future that has to be polled for anything to happen.
///
/// It is done when the connection is closed. Made by
/// [`ConnectionBuilder::serve_connection`](crate::ConnectionBuilder::serve_connection).
///
/// # Errors
///
/// When the socket fails, when the web server breaks the protocol or a limit, and when a response could not be finished
/// ([`Error::is_truncated`]); in that case the socket is best reset, as [`serve`](crate::serve()) does. A web server that
/// goes away is no error.
///
/// # Panics
///
/// When it is polled outside a tokio runtime with time enabled.
#[must_use = "a connection does nothing unless it is polled"]
pub struct Connection<Io, S: ExchangeService> {
    socket: Socket<Io>,
    proto: proto::Connection,
    calls: Calls<S>,
    timer: Timer,
    /// What it has borrowed, if there is somebody to borrow from.
    account: Option<Account>,
    /// Whether our side of the socket is closed.
    is_shut_down: bool,
    /// Why the socket failed.
    failure: Option<io::Error>,
}

// Nothing in a connection is pinned: the calls have boxes of their own.
impl<Io: Unpin, S: ExchangeService> Unpin for Connection<Io, S> {}

impl<Io, S> Connection<Io, S>
where
    Io: AsyncRead + AsyncWrite + Unpin,
    S: ExchangeService,
{
    pub(crate) fn new(
        io: Io,
        service: S,
        config: proto::Config,
        is_plain_cgi: bool,
        budget: Option<Budget>,
    ) -> Self {
        let mut proto = proto::Connection::new(config);
        if budget.is_some() {
            proto.set_input_budget(proto::Connection::OWNED_INPUT);
            proto.set_output_budget(proto::Connection::OWNED_OUTPUT);
        }
        Self {
            socket: Socket::new(io),
            proto,
            account: budget.map(Account::new),
            calls: Calls::new(service, is_plain_cgi),
            timer: Timer::default(),
            is_shut_down: false,
            failure: None,
        }
    }

    /// Lets the requests in progress finish and then closes the connection.
    ///
    /// One that has not brought its first request yet gets 250 ms for it. Keep polling the connection.
    pub fn graceful_shutdown(self: Pin<&mut Self>) {
        self.get_mut().proto.shutdown();
    }

    /// How many requests were handed out so far.
    pub(crate) fn requests_begun(&self) -> u64 {
        self.calls.begun()
    }

    /// The socket, to do with it what a [truncated](Error::is_truncated) response asks for.
    pub fn into_io(self) -> Io {
        self.socket.into_io()
    }

    /// Takes in what has arrived, and reads. Ready when something was done, as the steps below are.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let now = now();
        let taken = self.take_events(now);
        if !self.wants_input(cx) {
            return taken;
        }
        let room = match self.socket.is_full() {
            true => self.room(),
            false => 0,
        };
        match self.socket.poll_fill(cx, room) {
            Poll::Pending => return taken,
            Poll::Ready(Ok(0)) => self.proto.end_of_file(),
            Poll::Ready(Ok(_)) => {}
            Poll::Ready(Err(error)) => self.lose(error),
        }
        let _ = self.take_events(now);
        Poll::Ready(())
    }

    fn take_events(&mut self, now: Instant) -> Poll<()> {
        let mut taken = Poll::Pending;
        while let Some(event) = self.proto.next_event(now, &mut self.socket.input) {
            taken = Poll::Ready(());
            match event {
                Event::Quiet => {
                    self.socket.release();
                    self.proto.outgoing().release();
                    self.calls.release();
                    self.give_back();
                }
                event => {
                    let used = self.calls.take(event, self.socket.buffer());
                    self.socket.was_used(used);
                }
            }
        }
        taken
    }

    /// Whether to read. If not, the task is woken when that may have changed.
    fn wants_input(&mut self, cx: &Context<'_>) -> bool {
        self.report();
        if self.proto.wants_input() || self.borrows_input(cx) {
            return true;
        }
        // Before the second look, so that nothing falls in between.
        self.calls.wake_on_room(cx.waker());
        self.report();
        self.proto.wants_input()
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match ready!(self.socket.poll_write(cx, self.proto.outgoing())) {
            Ok(()) => self.proto.written(),
            Err(error) => self.lose(error),
        }
        Poll::Ready(())
    }

    /// The socket is of no use any more.
    fn lose(&mut self, error: io::Error) {
        use io::ErrorKind::{BrokenPipe, ConnectionReset};
        // That the web server has left is no failure (B-11). A reset is how Caddy ends every connection.
        if !matches!(error.kind(), BrokenPipe | ConnectionReset) {
            self.failure = Some(error);
        }
        self.proto.lost();
    }

    /// Ready when the connection has ended.
    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if self.proto.life() == Life::Draining && !self.is_shut_down {
            // A socket that cannot be shut down is closed already.
            let _ = ready!(self.socket.poll_shutdown(cx));
            self.is_shut_down = true;
            self.proto.write_side_closed(self.socket.input.len());
        }
        if !matches!(self.proto.life(), Life::Closed | Life::Reset) {
            return Poll::Pending;
        }
        let _ = self.take_events(now());
        Poll::Ready(match (self.failure.take(), self.proto.error()) {
            (Some(error), _) => Err(error.into()),
            (None, Some(error)) => Err(error.clone().into()),
            (None, None) => Ok(()),
        })
    }

    /// Ready when something was late.
    fn poll_sleep(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(deadline) = self.proto.deadline(now()) else {
            return Poll::Pending;
        };
        ready!(self.timer.poll(cx, deadline));
        self.report();
        self.let_others_go_on();
        self.proto.handle_deadline(now());
        Poll::Ready(())
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
        loop {
            let read = this.poll_read(cx);
            let mut called = this.calls.poll(cx, &mut this.proto);
            if this.borrows_output() {
                called = this.calls.poll(cx, &mut this.proto);
            }
            let written = this.poll_write(cx);
            if let Poll::Ready(result) = this.poll_close(cx) {
                return Poll::Ready(result);
            }
            if read.is_pending() && called.is_pending() && written.is_pending() {
                ready!(this.poll_sleep(cx));
            }
        }
    }
}

impl<Io, S: ExchangeService> fmt::Debug for Connection<Io, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("life", &self.proto.life())
            .field("requests", &self.proto.requests_in_progress())
            .finish_non_exhaustive()
    }
}
