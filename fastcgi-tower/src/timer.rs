//! A timer that is set anew with nearly every request.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Instant,
};

use tokio::time::{self, Sleep, sleep_until};

/// Sleeps until a deadline that changes often and is seldom reached.
///
/// The timer below is left running when the deadline moves away, and set anew when it fires too early.
#[derive(Debug, Default)]
pub(crate) struct Timer {
    sleep: Option<Pin<Box<Sleep>>>,
}

/// The time, as deadlines have it.
pub(crate) fn now() -> Instant {
    time::Instant::now().into_std()
}

impl Timer {
    /// Ready when `deadline` has come.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, deadline: Instant) -> Poll<()> {
        let deadline = time::Instant::from_std(deadline);
        let sleep = self
            .sleep
            .get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if sleep.deadline() > deadline {
            sleep.as_mut().reset(deadline);
        }
        loop {
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
