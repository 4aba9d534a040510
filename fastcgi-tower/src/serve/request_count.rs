//! How many requests a server has begun.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;

/// The requests that were begun on all connections of a server.
#[derive(Debug, Default)]
pub(super) struct RequestCount {
    count: AtomicU64,
    one_more: Notify,
}

impl RequestCount {
    /// Is ready when there were so many.
    pub(super) async fn reaches(&self, max: u64) {
        loop {
            let one_more = self.one_more.notified();
            if self.count.load(Ordering::Relaxed) >= max {
                return;
            }
            one_more.await;
        }
    }

    pub(super) fn add(&self, requests: u64) {
        self.count.fetch_add(requests, Ordering::Relaxed);
        self.one_more.notify_waiters();
    }
}
