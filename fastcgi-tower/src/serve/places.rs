//! As many connections at a time as there are places, and how one gets free when all are taken.

use std::{pin::pin, sync::Arc, time::Duration};

use rustix::process::{Resource, getrlimit};
use tokio::{
    select,
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep, sleep_until},
};

use super::{crowd::Crowd, orders::Orders};
use crate::counters::Counters;

/// How long a connection has to wait before those that are idle make room.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long the server waits for a connection that was asked to make room, before it asks another one.
const CLOSING_LIMIT: Duration = Duration::from_millis(100);
/// How often it is mentioned that all places are taken.
const WARNING_PAUSE: Duration = Duration::from_secs(60);

/// Descriptors that are left for other things than connections.
const OTHER_DESCRIPTORS: u64 = 64;

/// A place for each connection.
pub(super) struct Places {
    free: Arc<Semaphore>,
    count: usize,
    /// The setting that says how many there are.
    set_by: &'static str,
    crowd: Arc<Crowd>,
    orders: Orders,
    /// Since a connection has waited for long enough, and more may wait: when one was last asked to make room.
    crowded: Option<Instant>,
    warned: Option<Instant>,
    counters: Option<Counters>,
}

impl Places {
    /// `max` is from 1 to [`Semaphore::MAX_PERMITS`].
    pub(super) fn new(max: usize, servers: usize, crowd: Arc<Crowd>, orders: Orders) -> Self {
        // Where accepting fails, it is not seen that a connection waits. With `ulimit -n 1024`, 1024 connections are too many.
        let (count, set_by) = match descriptors(servers) {
            Some(descriptors) if descriptors <= max => (descriptors, "RLIMIT_NOFILE"),
            _ => (max, "max_connections"),
        };
        Self {
            free: Arc::new(Semaphore::new(count)),
            count,
            set_by,
            crowd,
            orders,
            crowded: None,
            warned: None,
            counters: None,
        }
    }

    /// Has it counted how often a connection waits.
    pub(super) fn count_waits(&mut self, counters: Option<Counters>) {
        self.counters = counters;
    }

    pub(super) fn has_free(&self) -> bool {
        self.free.available_permits() > 0
    }

    /// How many connections are served at a time, at most.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// A place, if one is free.
    pub(super) fn try_take(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.free).try_acquire_owned().ok()
    }

    /// Waits for a place without asking for room.
    pub(super) async fn take(&self) -> OwnedSemaphorePermit {
        let place = Arc::clone(&self.free).acquire_owned().await;
        place.expect("the semaphore is never closed")
    }

    /// A place for a connection that waits since `since`. After a second, those that are idle make room: one by one, so
    /// that no more are closed than have to be.
    pub(super) async fn make(&mut self, since: Instant) -> OwnedSemaphorePermit {
        if let Some(place) = self.try_take() {
            if self.crowded.is_some_and(|asked| asked.elapsed() > PATIENCE) {
                self.end_crowd();
            }
            return place;
        }
        self.warn();
        if let Some(counters) = &self.counters {
            counters.add(|counts| counts.waits_for_connections = 1);
        }
        let free = Arc::clone(&self.free);
        let mut place = pin!(async move {
            let place = free.acquire_owned().await;
            place.expect("the semaphore is never closed")
        });
        if self.crowded.is_none() {
            select! {
                biased;
                place = &mut place => return place,
                () = sleep_until(since + PATIENCE) => {}
            }
            self.orders.begin_crowd();
        }
        loop {
            self.crowded = Some(Instant::now());
            select! {
                biased;
                place = &mut place => return place,
                () = self.crowd.ask_one() => {}
            }
            select! {
                biased;
                place = &mut place => return place,
                () = self.crowd.declined() => {}
                () = sleep(CLOSING_LIMIT) => {}
            }
        }
    }

    /// Whether more connections may wait.
    pub(super) fn is_crowded(&self) -> bool {
        self.crowded.is_some()
    }

    /// No connection waits any more, or none has needed room for a second.
    pub(super) fn end_crowd(&mut self) {
        if self.crowded.take().is_some() {
            self.orders.end_crowd();
        }
    }

    fn warn(&mut self) {
        let now = Instant::now();
        if self.warned.is_some_and(|at| now - at < WARNING_PAUSE) {
            return;
        }
        self.warned = Some(now);
        tracing::warn!(
            connections = self.count,
            set_by = self.set_by,
            "all connections are in use, and more wait: those without a request are closed for them"
        );
    }
}

/// For how many connections each of so many servers may have descriptors, if that is limited.
pub(super) fn descriptors(servers: usize) -> Option<usize> {
    let limit = getrlimit(Resource::Nofile).current?;
    let left = usize::try_from(limit.saturating_sub(OTHER_DESCRIPTORS)).ok()?;
    Some((left / servers.max(1)).max(1))
}
