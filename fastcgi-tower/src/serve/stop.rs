//! The word to end, from a server to all its connections.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Waker},
};

use pin_project_lite::pin_project;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// Says once that it is time to stop.
#[derive(Clone, Debug, Default)]
pub(super) struct Stop {
    said: Arc<AtomicBool>,
    token: CancellationToken,
}

impl Stop {
    pub(super) fn say(&self) {
        // First, so that a task that is woken sees it.
        self.said.store(true, Ordering::Release);
        self.token.cancel();
    }

    /// Waits until it is said.
    pub(super) fn said(&self) -> Said {
        Said {
            said: Arc::clone(&self.said),
            woken: self.token.clone().cancelled_owned(),
            waker: None,
        }
    }
}

pin_project! {
    /// The future of [`Stop::said`].
    ///
    /// A connection asks with every poll. A token takes locks for an answer, the same for all connections; so it is asked
    /// once to wake the task, and after that only the flag.
    #[derive(Debug)]
    pub(super) struct Said {
        said: Arc<AtomicBool>,
        #[pin]
        woken: WaitForCancellationFutureOwned,
        // The task that is going to be woken.
        waker: Option<Waker>,
    }
}

impl Future for Said {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        if this.said.load(Ordering::Acquire) {
            return Poll::Ready(());
        }
        let knows = |waker: &Waker| waker.will_wake(cx.waker());
        if !this.waker.as_ref().is_some_and(knows) {
            if this.woken.poll(cx).is_ready() {
                return Poll::Ready(());
            }
            *this.waker = Some(cx.waker().clone());
        }
        Poll::Pending
    }
}
