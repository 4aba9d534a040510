//! The accept loop, and what happens after it.

use std::{
    future::{Future, pending},
    io,
    pin::pin,
    sync::Arc,
    time::Duration,
};

use tokio::{
    select,
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout},
};
use tokio_util::task::TaskTracker;

use super::{
    Serve, Settings,
    request_count::RequestCount,
    task::{ConnectionTask, Stops},
    web_servers::WebServers,
};
use crate::{
    budget::Budget,
    ending::{larger_than, replaced},
    exchange::ExchangeService,
    listener::{Listener, PeerAddr},
};

/// Connections that wait to be accepted when the server stops are served, as long as they come within this time of each
/// other.
const BACKLOG_PAUSE: Duration = Duration::from_millis(10);
/// And no longer than this: under load there is always one more.
const BACKLOG_LIMIT: Duration = Duration::from_millis(200);

/// Serves until there is a reason to stop, and then until the last connection is closed.
pub(super) async fn run<L, S>(
    server: Serve<L, S>,
    mut spawn: impl FnMut(&TaskTracker, ConnectionTask<L::Io, S>),
) -> io::Result<()>
where
    L: Listener,
    S: ExchangeService + Clone,
{
    let Serve {
        listener,
        service,
        settings,
        invalid_script_name,
        signal,
    } = server;
    if let Some(error) = invalid_script_name {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, error));
    }
    let Settings {
        connections,
        max_connections,
        max_memory,
        budget,
        allow_remote,
        grace_period,
        exit_when_replaced,
        max_requests,
        max_rss,
    } = settings;
    let budget = budget.unwrap_or_else(|| Budget::new(max_connections, max_memory));
    budget.check(connections.config())?;
    // What is advertised is what holds.
    let connections = connections
        .max_conns(budget.max_connections())
        .budget(budget.clone());
    let over_tcp = connections.clone().over_tcp(true);
    let mut entrance = Entrance::new(listener, &budget, allow_remote)?;
    let requests = max_requests.map(|_| Arc::new(RequestCount::default()));
    let tasks = TaskTracker::new();
    let stops = Stops::default();
    let mut serve = {
        let (tasks, stops, requests) = (tasks.clone(), stops.clone(), requests.clone());
        move |io: L::Io, peer: L::Addr, place| {
            let settings = if peer.ip().is_some() {
                &over_tcp
            } else {
                &connections
            };
            let settings = settings.clone().plain_cgi(peer.is_internal());
            let connection = settings.serve_connection(io, service.clone());
            spawn(
                &tasks,
                ConnectionTask::new(connection, &stops, requests.clone(), place),
            );
        }
    };

    let mut reason_to_stop = pin!(async {
        let enough = async || match (&requests, max_requests) {
            (Some(requests), Some(max)) => requests.reaches(max).await,
            _ => pending().await,
        };
        let reason = select! {
            () = or_never(signal) => "a shutdown was asked for",
            () = or_never(exit_when_replaced.then(replaced)) => "the program was replaced",
            () = or_never(max_rss.map(larger_than)) => "the process uses too much memory",
            () = enough() => "enough requests were served",
        };
        tracing::info!("the server stops: {reason}");
    });
    loop {
        select! {
            biased;
            () = &mut reason_to_stop => break,
            (io, peer, place) = entrance.accept() => serve(io, peer, place),
        }
    }
    entrance.close(serve).await;
    stops.gracefully.say();
    tasks.close();
    if timeout(grace_period, tasks.wait()).await.is_err() {
        stops.now.say();
        tasks.wait().await;
    }
    Ok(())
}

/// Where connections come in: as many as there are places, from peers that may connect.
struct Entrance<L> {
    listener: L,
    places: Arc<Semaphore>,
    web_servers: WebServers,
}

impl<L: Listener> Entrance<L> {
    fn new(listener: L, budget: &Budget, allow_remote: bool) -> io::Result<Self> {
        let web_servers = WebServers::from_env()?;
        web_servers.check(&listener, allow_remote)?;
        Ok(Self {
            listener,
            places: Arc::clone(budget.places()),
            web_servers,
        })
    }

    /// Waits for a place, then for a connection to take it.
    async fn accept(&mut self) -> (L::Io, L::Addr, OwnedSemaphorePermit) {
        let place = Arc::clone(&self.places).acquire_owned().await;
        let place = place.expect("the semaphore is never closed");
        loop {
            let (io, peer) = self.listener.accept().await;
            if self.web_servers.admits(&peer) {
                tracing::trace!(?peer, "connection accepted");
                return (io, peer, place);
            }
            tracing::debug!(?peer, "connection refused: not in FCGI_WEB_SERVER_ADDRS");
        }
    }

    /// Accepts the backlog, then nothing.
    async fn close(mut self, mut serve: impl FnMut(L::Io, L::Addr, OwnedSemaphorePermit)) {
        self.listener.close();
        let limit = Instant::now() + BACKLOG_LIMIT;
        // Not a second timeout: it is only looked at when there is nothing to accept.
        while Instant::now() < limit {
            let Ok((io, peer, place)) = timeout(BACKLOG_PAUSE, self.accept()).await else {
                return;
            };
            serve(io, peer, place);
        }
    }
}

/// Waits for `event`, if there is one to wait for.
async fn or_never(event: Option<impl Future<Output = ()>>) {
    match event {
        Some(event) => event.await,
        None => pending().await,
    }
}
