//! A process that was started for one connection.

use std::{fmt, future::Future, io, pin::Pin};

use tokio::{join, select};
use tokio_util::sync::CancellationToken;

use crate::{ending::Signal, listener::AnyListener};

/// The one connection that a process was started for: that of a CGI gateway, or one on descriptor 0.
#[must_use = "the web server waits for an answer"]
pub struct Single {
    listener: AnyListener,
    /// What has to go on until the connection has ended.
    carried: Pin<Box<dyn Future<Output = io::Result<()>> + Send>>,
}

impl Single {
    pub(super) fn new(
        listener: AnyListener,
        carried: impl Future<Output = io::Result<()>> + Send + 'static,
    ) -> Self {
        Self {
            listener,
            carried: Box::pin(carried),
        }
    }

    /// Serves the connection to its end, or to the end of a graceful shutdown after `signal`.
    ///
    /// `serve` is handed a listener, and a signal upon which to shut down gracefully.
    ///
    /// # Errors
    ///
    /// When serving fails, or the response could not be finished.
    pub async fn serve<F>(
        self,
        signal: Signal,
        serve: impl FnOnce(AnyListener, Signal) -> F,
    ) -> io::Result<()>
    where
        F: Future<Output = io::Result<()>>,
    {
        let ended = CancellationToken::new();
        let stop = {
            let ended = ended.clone();
            async move {
                select! {
                    () = signal => {}
                    () = ended.cancelled() => {}
                }
            }
        };
        let carried = async {
            let result = self.carried.await;
            ended.cancel();
            result
        };
        let (served, carried) = join!(serve(self.listener, Box::pin(stop)), carried);
        served.and(carried)
    }
}

impl fmt::Debug for Single {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Single")
            .field("listener", &self.listener)
            .finish_non_exhaustive()
    }
}
