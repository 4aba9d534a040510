//! One connection, driven: a future over a socket and a service.
//!
//! It spawns nothing, so nothing has to be `Send`, and the services' futures are polled inside the connection's task. What
//! to do is decided in `fastcgi-core`: the driver moves bytes, polls futures and sleeps until a deadline.

mod call;
mod calls;

use std::{
    fmt, io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Instant,
};

use proto::{Event, Life};
use tokio::io::{AsyncRead, AsyncWrite};

pub(crate) use self::calls::Calls;
use crate::{
    budget::{Borrower, Budget},
    error::Error,
    exchange::ExchangeService,
    listener::Transport,
    socket::Socket,
    timer::{self, Timer},
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
pub struct ServeConnection<Io, S: ExchangeService> {
    socket: Socket<Io>,
    proto: proto::Connection,
    calls: Calls<S>,
    timer: Timer,
    borrower: Borrower,
    /// Asks the socket whether the web server has left.
    is_peer_gone: fn(&Io) -> Option<bool>,
    /// Whether our side of the socket is closed.
    is_shut_down: bool,
    /// Why the socket failed.
    failure: Option<io::Error>,
}

// Nothing in a connection is pinned: the calls have boxes of their own.
impl<Io: Unpin, S: ExchangeService> Unpin for ServeConnection<Io, S> {}

impl<Io, S> ServeConnection<Io, S>
where
    Io: AsyncRead + AsyncWrite + Unpin,
    S: ExchangeService,
{
    pub(crate) fn new(
        io: Io,
        calls: Calls<S>,
        config: Arc<proto::Config>,
        budget: Option<Budget>,
    ) -> Self {
        let mut proto = proto::Connection::new(config);
        Self {
            socket: Socket::new(io),
            borrower: Borrower::new(budget, &mut proto),
            proto,
            calls,
            timer: Timer::default(),
            is_peer_gone: |_| None,
            is_shut_down: false,
            failure: None,
        }
    }

    /// Lets the requests in progress finish and then closes the connection.
    ///
    /// One that has not brought its first request yet gets 250 ms for it, and one that has had a request within the last second
    /// 1.5 s for the next one, unless it takes several requests at a time (B-19). Keep polling the connection.
    pub fn graceful_shutdown(self: Pin<&mut Self>) {
        self.get_mut().proto.shutdown();
    }

    /// For a socket that can tell whether the web server has left. Otherwise the connection assumes that it cannot.
    pub(crate) fn over_transport(mut self) -> Self
    where
        Io: Transport,
    {
        self.is_peer_gone = Io::is_peer_gone;
        self
    }

    /// Since when, or from when on, the connection can be closed to make room for another one.
    pub(crate) fn idle_since(&self) -> Option<Instant> {
        self.proto.idle_since()
    }

    /// Closes the connection if it is idle. Keep polling it.
    pub(crate) fn make_room(&mut self) {
        self.proto.make_room();
    }

    /// How many requests were handed out so far.
    pub(crate) fn requests_begun(&self) -> u64 {
        self.calls.begun()
    }

    /// The socket, to do with it what a [truncated](Error::is_truncated) response asks for.
    pub fn into_io(self) -> Io {
        self.socket.into_io()
    }

    /// Reads, and takes in what has arrived or happened. Ready when something was done, as the steps below are.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut read = Poll::Pending;
        if self.wants_input(cx) {
            if self.socket.needs_room() {
                let wanted = self.socket.wanted_room();
                let room = self.borrower.room(wanted, &mut self.proto);
                self.socket.make_room(room);
            }
            read = self.socket.poll_fill(cx).map(|filled| match filled {
                Ok(0) => self.proto.end_of_file(),
                Ok(bytes) => self.calls.tally.read(bytes),
                Err(error) => self.lose(error),
            });
        }
        let taken = self.take_events();
        if read.is_ready() { read } else { taken }
    }

    fn take_events(&mut self) -> Poll<()> {
        let mut taken = Poll::Pending;
        loop {
            // Looked at where it is: events are large.
            match self.proto.next_event(&mut self.socket.input) {
                None => break,
                Some(Event::HeldBack) => match (self.is_peer_gone)(self.socket.io()) {
                    Some(true) => self.proto.lost(),
                    Some(false) => {}
                    None => self.proto.read_on(),
                },
                Some(Event::Quiet) => {
                    self.socket.release();
                    self.proto.release();
                    self.calls.release();
                    self.timer = Timer::default();
                    self.borrower.give_back(&mut self.proto);
                }
                Some(event) => self.calls.take(event, self.socket.buffer()),
            }
            taken = Poll::Ready(());
        }
        self.socket.was_used(self.calls.take_used());
        taken
    }

    /// Whether to read. If not, the task is woken when that may have changed.
    fn wants_input(&mut self, cx: &Context<'_>) -> bool {
        self.report();
        if self.proto.wants_input() {
            self.borrower.stop_waiting();
            return true;
        }
        let tally = &mut self.calls.tally;
        if self.borrower.borrows_input(cx, &mut self.proto, tally) {
            return true;
        }
        // Before the second look, so that nothing falls in between.
        self.calls.wait_for_room();
        self.report();
        self.proto.wants_input()
    }

    /// Says to core what is kept, and gives back what is not needed any more.
    fn report(&mut self) {
        self.calls.report(&mut self.proto, self.socket.buffer());
        self.borrower.settle(&mut self.proto);
    }

    /// Whether a response goes on, because there is room for more of it now.
    fn borrows_output(&mut self) -> bool {
        !self.proto.wants_output()
            && self.calls.have_more_to_send()
            && self.borrower.borrows_output(&mut self.proto)
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match ready!(self.socket.poll_write(cx, self.proto.outgoing())) {
            Ok(bytes) => {
                self.calls.tally.written(bytes);
                self.proto.written();
            }
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
        if !self.proto.life().is_over() {
            return Poll::Pending;
        }
        let _ = self.take_events();
        let failure = self.failure.take().map(Error::from);
        let error = failure.or_else(|| self.proto.error().cloned().map(Error::from));
        Poll::Ready(error.map_or(Ok(()), |error| {
            self.calls.tally.fail(error.is_timeout());
            Err(error)
        }))
    }

    /// Goes on as far as it can.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        loop {
            let read = self.poll_read(cx);
            let mut called = self.calls.poll(&mut self.proto);
            if self.borrows_output() && self.calls.poll(&mut self.proto).is_ready() {
                called = Poll::Ready(());
            }
            let written = self.poll_write(cx);
            if let Poll::Ready(result) = self.poll_close(cx) {
                return Poll::Ready(result);
            }
            if read.is_pending() && called.is_pending() && written.is_pending() {
                ready!(self.poll_sleep(cx));
            }
        }
    }

    /// Ready when something was late.
    fn poll_sleep(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(deadline) = self.proto.deadline(timer::now()) else {
            return Poll::Pending;
        };
        ready!(self.timer.poll(cx, deadline));
        self.report();
        self.borrower.let_others_go_on(&mut self.proto);
        self.proto.handle_deadline(timer::now());
        Poll::Ready(())
    }
}

impl<Io, S> Future for ServeConnection<Io, S>
where
    Io: AsyncRead + AsyncWrite + Unpin,
    S: ExchangeService,
{
    type Output = Result<(), Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        this.calls.register(cx.waker());
        let ended = this.poll_end(cx);
        this.calls.tally.report();
        ended
    }
}

impl<Io, S: ExchangeService> fmt::Debug for ServeConnection<Io, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServeConnection")
            .field("life", &self.proto.life())
            .field("requests", &self.proto.requests_in_progress())
            .finish_non_exhaustive()
    }
}
