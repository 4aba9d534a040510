//! The connections that can be closed to make room for others.

use std::{
    collections::BTreeMap,
    pin::pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::Waker,
    time::Instant,
};

use tokio::{select, sync::Notify, time::sleep_until};

/// The idle connections, as long as another one waits for a place. They enter by themselves then; before, this knows nothing
/// of them.
#[derive(Debug, Default)]
pub(super) struct Crowd {
    idle: Mutex<BTreeMap<Place, Waker>>,
    next: AtomicU64,
    /// A connection has entered.
    entered: Notify,
    /// A connection was asked to make room, and could not any more.
    declined: Notify,
}

/// In the order in which they are asked to make room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    since: Instant,
    /// Distinguishes connections that are idle since the same moment.
    number: u64,
}

impl Crowd {
    /// A connection can make room from `since` on. `waker` is woken when it is asked to.
    pub(super) fn enter(self: &Arc<Self>, since: Instant, waker: Waker) -> Ticket {
        let place = Place {
            since,
            number: self.next.fetch_add(1, Ordering::Relaxed),
        };
        self.idle().insert(place, waker);
        self.entered.notify_one();
        Ticket {
            crowd: Arc::clone(self),
            place,
        }
    }

    /// Asks the connection that has been idle for longest to make room, as soon as there is one.
    pub(super) async fn ask_one(&self) {
        loop {
            let now = tokio::time::Instant::now();
            let next = {
                let mut idle = self.idle();
                match idle.first_entry() {
                    Some(first) if first.key().since <= now.into_std() => {
                        // Drops a stale answer, so that the next one is this connection's.
                        pin!(self.declined.notified()).enable();
                        return first.remove().wake();
                    }
                    Some(first) => Some(first.key().since),
                    None => None,
                }
            };
            match next {
                Some(next) => select! {
                    () = sleep_until(next.into()) => {}
                    () = self.entered.notified() => {}
                },
                None => self.entered.notified().await,
            }
        }
    }

    /// Waits until a connection that was asked to make room cannot do so any more.
    pub(super) async fn declined(&self) {
        self.declined.notified().await;
    }

    fn idle(&self) -> MutexGuard<'_, BTreeMap<Place, Waker>> {
        // Nothing panics while it is locked.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection's place among those that are idle. It leaves when this is dropped.
#[derive(Debug)]
pub(super) struct Ticket {
    crowd: Arc<Crowd>,
    place: Place,
}

impl Ticket {
    /// Whether the connection is asked to make room.
    pub(super) fn is_drawn(&self) -> bool {
        !self.crowd.idle().contains_key(&self.place)
    }

    /// Since when the connection was idle when it entered.
    pub(super) fn since(&self) -> Instant {
        self.place.since
    }

    /// The connection is busy again, or gone: another one has to make room.
    pub(super) fn decline(self) {
        if self.crowd.idle().remove(&self.place).is_none() {
            self.crowd.declined.notify_one();
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.crowd.idle().remove(&self.place);
    }
}
