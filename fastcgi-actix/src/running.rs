//! The server, as it runs: a future, and a handle to stop it.

use std::{
    convert::Infallible,
    fmt, future, io,
    pin::Pin,
    task::{Context, Poll},
};

use actix_rt::System;
use fastcgi_tower::{listener::Socket, process::Signal, shutdown_signal};
use tokio::{select, sync::mpsc};
use tokio_util::sync::CancellationToken;

use crate::worker::{self, Work};

/// A running server, made by [`FastCgiServer::run`](crate::FastCgiServer::run): a future that has to be polled.
///
/// It is done when the server has stopped. Dropping it stops the server at once.
///
/// # Errors
///
/// When the application cannot be made, a socket cannot be used, or a setting is wrong. All workers have ended then.
#[must_use = "a server does nothing unless it is polled"]
pub struct Server {
    handle: ServerHandle,
    future: Pin<Box<dyn Future<Output = io::Result<()>> + Send>>,
}

impl Server {
    pub(crate) fn new(plan: Plan) -> Self {
        Self {
            handle: plan.handle.clone(),
            future: Box::pin(plan.run()),
        }
    }

    /// A handle to stop the server with.
    pub fn handle(&self) -> ServerHandle {
        self.handle.clone()
    }
}

impl Future for Server {
    type Output = io::Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.future.as_mut().poll(cx)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.handle.forced.cancel();
        self.handle.done.cancel();
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").finish_non_exhaustive()
    }
}

/// Stops a [`Server`].
#[derive(Clone, Debug, Default)]
pub struct ServerHandle {
    graceful: CancellationToken,
    forced: CancellationToken,
    done: CancellationToken,
}

impl ServerHandle {
    /// Stops the server, and waits until it has stopped. It is stopped whether or not the future is awaited.
    ///
    /// If it is `graceful`, connections that wait in the sockets are served, later ones are not accepted, and requests have the
    /// time that [`shutdown_timeout`](crate::FastCgiServer::shutdown_timeout) says. Otherwise all are dropped.
    pub fn stop(&self, graceful: bool) -> impl Future<Output = ()> + Send + 'static {
        if graceful {
            self.graceful.cancel()
        } else {
            self.forced.cancel()
        }
        self.done.clone().cancelled_owned()
    }
}

/// Which signals stop a server.
#[derive(Default)]
pub(crate) struct Signals {
    /// Those of the system are left alone.
    pub(crate) are_disabled: bool,
    /// Those of the system that the program listened to before: none that came during the startup is lost.
    pub(crate) process: Option<Signal>,
    /// The program's own, in place of those of the system that nobody listened to before.
    pub(crate) given: Option<Signal>,
}

impl Signals {
    fn listen(self) -> io::Result<Signal> {
        let system: Signal = match (self.process, &self.given) {
            _ if self.are_disabled => Box::pin(future::pending()),
            (Some(signal), _) => signal,
            (None, Some(_)) => Box::pin(future::pending()),
            // SIGTERM, SIGINT and SIGUSR1.
            (None, None) => Box::pin(shutdown_signal()?),
        };
        let Some(given) = self.given else {
            return Ok(system);
        };
        Ok(Box::pin(async {
            select! {
                () = given => {}
                () = system => {}
            }
        }))
    }
}

/// All that a server needs to run.
pub(crate) struct Plan {
    pub(crate) works: io::Result<Vec<Work>>,
    /// Of each worker, at most.
    pub(crate) blocking_threads: usize,
    /// Has the workers finish.
    pub(crate) stop: CancellationToken,
    /// With the paths of Unix sockets. The workers have duplicates.
    pub(crate) sockets: Vec<Socket>,
    pub(crate) signals: Signals,
    /// Whether the actix system stops with the server.
    pub(crate) system_exit: bool,
    pub(crate) handle: ServerHandle,
}

impl Plan {
    async fn run(self) -> io::Result<()> {
        let handle = self.handle;
        let _done = handle.done.clone().drop_guard();
        let _forced = handle.forced.clone().drop_guard();
        let signal = self.signals.listen()?;
        let workers = worker::start(self.works?, self.blocking_threads, &handle.forced)?;
        let reason_to_stop = async {
            select! {
                () = handle.graceful.cancelled() => {}
                () = signal => {}
                // A worker has one of its own.
                () = self.stop.cancelled() => {}
            }
        };
        let stopping = async {
            reason_to_stop.await;
            // First of all no web server may find this process any more; the next process may have the path.
            drop(self.sockets);
            self.stop.cancel();
            future::pending::<Infallible>().await
        };
        let result = select! {
            result = join(workers, &handle.forced) => result,
            never = stopping => match never {},
        };
        if let Some(system) = System::try_current().filter(|_| self.system_exit) {
            system.stop();
        }
        result
    }
}

/// Waits for all workers. With the first that fails, all have to end.
async fn join(
    mut workers: mpsc::UnboundedReceiver<io::Result<()>>,
    forced: &CancellationToken,
) -> io::Result<()> {
    let mut joined = Ok(());
    while let Some(result) = workers.recv().await {
        if result.is_err() {
            forced.cancel();
            joined = joined.and(result);
        }
    }
    joined
}
