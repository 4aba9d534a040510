//! One timer for all the waiting that a connection does.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::{Instant, Sleep, sleep_until};

/// What the connection waits for, while nothing happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// The first request, after the connection was told to shut down.
    LastRequest,
    /// The rest of a request's params.
    Params,
    /// The next request, with large buffers that it may not need.
    LargeIdle,
    /// The next request.
    Idle,
    /// The first of a request body of unknown length, or its end.
    Dispatch,
    /// The rest of a request body.
    Stdin,
    /// What follows an end of the request body that came too early.
    SuspendedStdin,
    /// The web server to read, while a request body is held back.
    Stall,
    /// The web server to read.
    Write,
    /// The web server to close.
    Close,
}

impl Wait {
    pub(super) fn describe(self) -> &'static str {
        match self {
            Self::LastRequest => "no request came before the shutdown",
            Self::Params => "the params of a request did not arrive",
            Self::LargeIdle => "no further request came soon",
            Self::Idle => "no further request came",
            Self::Dispatch => "neither a request body nor its end arrived",
            Self::Stdin => "the request body did not arrive",
            Self::SuspendedStdin => "the request body ended early and nothing followed",
            Self::Stall => "the web server may be waiting to write",
            Self::Write => "the web server does not read",
            Self::Close => "the web server does not close",
        }
    }
}

/// Measures how long the same [`Wait`] has lasted.
///
/// Waits begin and end with every request, so beginning one is only a look at the clock: the timer below is left
/// running and set anew when it fires too early.
#[derive(Debug, Default)]
pub(super) struct Timer {
    current: Option<(Wait, Instant)>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Timer {
    /// Forgets the present wait, so that the next one begins anew even if it is of the same kind.
    pub(super) fn restart(&mut self, wait: Wait) {
        if self.current.is_some_and(|(current, _)| current == wait) {
            self.current = None;
        }
    }

    /// Nothing is waited for.
    pub(super) fn clear(&mut self) {
        self.current = None;
    }

    /// Ready when `wait` has lasted for `limit` without being restarted.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, wait: Wait, limit: Duration) -> Poll<()> {
        let since = match self.current {
            Some((current, since)) if current == wait => since,
            _ => Instant::now(),
        };
        self.current = Some((wait, since));
        // A limit too large for the clock is no limit.
        let Some(deadline) = since.checked_add(limit) else {
            return Poll::Pending;
        };
        loop {
            let sleep = self
                .sleep
                .get_or_insert_with(|| Box::pin(sleep_until(deadline)));
            if sleep.deadline() > deadline {
                sleep.as_mut().reset(deadline);
            }
            if sleep.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            if sleep.deadline() >= deadline {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(deadline);
        }
    }
}
