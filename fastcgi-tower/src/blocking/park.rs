//! Waiting for something async on a thread that has nothing else to do.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
};

use tokio::task::unconstrained;

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Polls until it is ready, and sleeps in between.
///
/// Unlike tokio's own ways to wait, it may be called inside of `Handle::block_on`, where a handler awaits something else.
pub(crate) fn block_on<T>(poll: impl FnMut(&mut Context<'_>) -> Poll<T>) -> T {
    // There, tokio's budget of this poll would be used up, and never be filled again.
    let mut future = pin!(unconstrained(poll_fn(poll)));
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut cx = Context::from_waker(&waker);
    loop {
        match future.as_mut().poll(&mut cx) {
            Poll::Ready(value) => return value,
            // It may return without a reason, and then nothing is ready.
            Poll::Pending => thread::park(),
        }
    }
}
