//! How long what may last while nothing happens.

use std::{
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::io::{AsyncRead, AsyncWrite};

use super::{Connection, Phase, request::Request, timer::Wait};
use crate::{Error, ExchangeService, error::Kind};

/// How long a connection is kept for its first request after it was told to shut down: a web server that has just
/// connected is about to send one.
const LAST_REQUEST_LIMIT: Duration = Duration::from_millis(250);
/// How long a connection keeps large buffers without a request.
const RELEASE_AFTER: Duration = Duration::from_secs(1);
/// How long the web server may read nothing before it is taken for one that first writes everything (B-8).
const STALL_LIMIT: Duration = Duration::from_millis(50);
/// How long something may follow an end of the body that came too early (B-1).
const SUSPENDED_LIMIT: Duration = Duration::from_secs(10);

impl<Io, S> Connection<Io, S>
where
    Io: AsyncRead + AsyncWrite + Unpin,
    S: ExchangeService,
{
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
        if self
            .requests
            .iter()
            .any(|request| !request.stdin.is_ready())
        {
            return Some((Wait::Dispatch, self.options.params_timeout));
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
    pub(super) fn poll_wait(&mut self, cx: &mut Context<'_>) -> Poll<()> {
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
            Wait::Dispatch => self.break_off(|request| !request.stdin.is_ready()),
            Wait::Stdin => self.break_off(|request| request.buffered() == 0),
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
}
