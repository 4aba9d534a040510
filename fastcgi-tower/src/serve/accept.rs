//! The accept loop, and what happens after it.

use std::{io, pin::pin, sync::Arc, time::Duration};

use http_body::Body;
use tokio::{
    select,
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout, timeout_at},
};
use tokio_util::task::TaskTracker;
use tower_service::Service;

use super::{
    Settings, Signal,
    retirement::Counted,
    task::{ConnectionTask, Stop},
    web_servers::WebServers,
};
use crate::{BoxError, HttpService, Incoming, Listener};

/// What answers the exchanges of a server's connections.
pub(super) type Served<S> = HttpService<Counted<S>>;

/// Connections that wait to be accepted when the server stops are served, as long as they come within this time of each
/// other.
const BACKLOG_PAUSE: Duration = Duration::from_millis(10);
/// And no longer than this: under load there is always one more.
const BACKLOG_LIMIT: Duration = Duration::from_millis(200);

/// Serves until there is a reason to stop, and then until the last connection is closed.
pub(super) async fn run<L, S, B>(
    mut listener: L,
    service: S,
    settings: Settings,
    signal: Option<Signal>,
    mut spawn: impl FnMut(&TaskTracker, ConnectionTask<L, Served<S>>),
) -> io::Result<()>
where
    L: Listener,
    S: Service<http::Request<Incoming>, Response = http::Response<B>, Error: Into<BoxError>>
        + Clone,
    B: Body<Error: Into<BoxError>>,
{
    let Settings {
        mut builder,
        max_connections,
        allow_remote,
        grace_period,
        retirement,
    } = settings;
    let web_servers = WebServers::for_listener(&listener)?;
    web_servers.check(&listener, allow_remote)?;
    builder.default_idle_timeout(listener.idle_timeout());
    let requests = retirement.request_count();
    let service = Counted {
        service,
        requests: requests.clone(),
    };
    let places = Arc::new(Semaphore::new(max_connections));
    let connections = TaskTracker::new();
    let stop = Stop::default();
    let mut serve = {
        let (connections, stop) = (connections.clone(), stop.clone());
        move |io: L::Io, place| {
            let connection = builder.serve_connection(io, service.clone());
            spawn(&connections, ConnectionTask::new(connection, &stop, place));
        }
    };

    let mut reason_to_stop = pin!(async {
        select! {
            () = wait_for(signal) => {}
            () = retirement.due(requests) => {}
        }
    });
    loop {
        select! {
            biased;
            () = &mut reason_to_stop => break,
            (io, place) = accept(&mut listener, &places, &web_servers) => serve(io, place),
        }
    }

    listener.close();
    let limit = Instant::now() + BACKLOG_LIMIT;
    while let Ok(Ok((io, place))) = timeout_at(
        limit,
        timeout(BACKLOG_PAUSE, accept(&mut listener, &places, &web_servers)),
    )
    .await
    {
        serve(io, place);
    }
    drop(listener);
    stop.gracefully.cancel();
    connections.close();
    if timeout(grace_period, connections.wait()).await.is_err() {
        stop.now.cancel();
        connections.wait().await;
    }
    Ok(())
}

/// Waits for a place, then for a connection to take it.
async fn accept<L: Listener>(
    listener: &mut L,
    places: &Arc<Semaphore>,
    web_servers: &WebServers,
) -> (L::Io, Option<OwnedSemaphorePermit>) {
    // The semaphore is never closed.
    let place = Arc::clone(places).acquire_owned().await.ok();
    loop {
        let (io, peer) = listener.accept().await;
        if web_servers.admits(L::ip(&peer)) {
            tracing::trace!(?peer, "connection accepted");
            return (io, place);
        }
        tracing::debug!(?peer, "connection refused: not in FCGI_WEB_SERVER_ADDRS");
    }
}

async fn wait_for(signal: Option<Signal>) {
    match signal {
        Some(signal) => signal.await,
        None => std::future::pending().await,
    }
}
