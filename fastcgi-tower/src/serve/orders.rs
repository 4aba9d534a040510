//! What a server announces to all its connections at once.

use std::{
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
};

use pin_project_lite::pin_project;
use tokio::sync::{Notify, futures::OwnedNotified};

/// Orders the connections of a server to end, or to enter the crowd if they are idle.
#[derive(Clone, Debug, Default)]
pub(super) struct Orders {
    said: Arc<AtomicUsize>,
    more: Arc<Notify>,
    /// Locked from a change of `said` until all are woken.
    saying: Arc<Mutex<()>>,
}

/// All that was said so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Said(usize);

/// Set once.
const FINISH: usize = 1;
/// Set once.
const END: usize = 2;
/// Set while connections wait for a place; the bits above count how often that began.
const CROWD: usize = 4;

impl Said {
    /// Whether requests in progress have to finish, and then the connection.
    pub(super) fn finish(self) -> bool {
        self.0 & FINISH != 0
    }

    /// Whether to end at once.
    pub(super) fn end(self) -> bool {
        self.0 & END != 0
    }

    /// Whether a connection waits for a place.
    pub(super) fn is_crowd(self) -> bool {
        self.0 & CROWD != 0
    }
}

impl Orders {
    pub(super) fn finish(&self) {
        self.say(|said| said.fetch_or(FINISH, Ordering::Release));
    }

    pub(super) fn end(&self) {
        self.say(|said| said.fetch_or(END, Ordering::Release));
    }

    pub(super) fn begin_crowd(&self) {
        self.say(|said| said.fetch_add(CROWD, Ordering::Release));
    }

    fn say(&self, what: impl FnOnce(&AtomicUsize) -> usize) {
        let saying = self.saying.lock();
        let _saying = saying.unwrap_or_else(PoisonError::into_inner);
        what(&self.said);
        self.more.notify_waiters();
    }

    /// Wakes a connection when something is said from now on, and not for what it has heard already.
    fn after_that(&self) -> OwnedNotified {
        let saying = self.saying.lock();
        let _saying = saying.unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&self.more).notified_owned()
    }

    /// Wakes no connection: it is enough to know with the next request.
    pub(super) fn end_crowd(&self) {
        self.said.fetch_add(CROWD, Ordering::Release);
    }

    /// Hears what is said from now on, and what was said before.
    pub(super) fn listen(&self) -> Listening {
        Listening {
            woken: Arc::clone(&self.more).notified_owned(),
            orders: self.clone(),
            heard: Said::default(),
            waker: None,
        }
    }
}

pin_project! {
    /// What a connection has heard, and is woken by.
    ///
    /// A connection asks with every poll, and the answer is the same for all. So it takes locks once, to be woken, and
    /// after that looks at a number.
    #[derive(Debug)]
    pub(super) struct Listening {
        orders: Orders,
        #[pin]
        woken: OwnedNotified,
        heard: Said,
        // The task that is going to be woken.
        waker: Option<Waker>,
    }
}

impl Listening {
    /// What was heard last.
    pub(super) fn heard(&self) -> Said {
        self.heard
    }

    /// Ready when something new was said.
    pub(super) fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Said> {
        let mut this = self.project();
        loop {
            let said = Said(this.orders.said.load(Ordering::Acquire));
            if said != *this.heard {
                *this.heard = said;
                // The wake-up for what was just heard may still come. It would be taken for the next one, which would be lost.
                this.woken.set(this.orders.after_that());
                *this.waker = None;
                return Poll::Ready(said);
            }
            let knows = |waker: &Waker| waker.will_wake(cx.waker());
            if this.waker.as_ref().is_some_and(knows) {
                return Poll::Pending;
            }
            if this.woken.as_mut().poll(cx).is_pending() {
                *this.waker = Some(cx.waker().clone());
                return Poll::Pending;
            }
            // It has woken the task, and does so once.
            this.woken
                .set(Arc::clone(&this.orders.more).notified_owned());
        }
    }
}
