//! How many requests a server has begun.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use tokio_util::sync::CancellationToken;

/// The requests that the workers of a server have begun together, up to those with which it stops. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct RequestCount {
    begun: Arc<AtomicU64>,
    most: u64,
    stop: CancellationToken,
}

impl RequestCount {
    /// Cancels `stop` with the last of so many requests.
    pub(crate) fn new(most: u64, stop: CancellationToken) -> Self {
        if most == 0 {
            stop.cancel();
        }
        Self {
            begun: Arc::default(),
            most,
            stop,
        }
    }

    pub(crate) fn add_one(&self) {
        let begun = self.begun.fetch_add(1, Ordering::Relaxed) + 1;
        if begun == self.most {
            tracing::info!("the server stops: enough requests were served");
            self.stop.cancel();
        }
    }
}
