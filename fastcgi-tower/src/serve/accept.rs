//! The accept loop, and what happens after it.

use std::{
    collections::VecDeque,
    future::{Future, pending, poll_fn},
    io,
    pin::pin,
    sync::Arc,
    task::Poll,
    time::Duration,
};

use tokio::{
    select,
    sync::OwnedSemaphorePermit,
    time::{Instant, sleep, timeout},
};
use tokio_util::task::TaskTracker;

use super::{
    Serve, Settings, crowd::Crowd, orders::Orders, places::Places, request_count::RequestCount,
    task::ConnectionTask, web_servers::WebServers,
};
use crate::{
    budget::Budget,
    counters::Counters,
    ending::{larger_than, replaced},
    exchange::ExchangeService,
    listener::{Listener, PeerAddr, Socket},
};

/// How long a connection for which there is no place is left to other servers on the same socket: other workers, and other
/// processes.
const LEFT_TO_OTHERS: Duration = Duration::from_millis(100);

/// Connections that wait to be accepted when the server stops are served, as long as they come within this time of each
/// other.
const BACKLOG_PAUSE: Duration = Duration::from_millis(10);
/// And no longer than this: under load there is always one more.
const BACKLOG_LIMIT: Duration = Duration::from_millis(200);
/// Nor more of them than this: as many as wait in the system by default.
const MAX_WAITING: usize = Socket::BACKLOG as usize;

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
        ready,
    } = server;
    if let Some(error) = invalid_script_name {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, error));
    }
    let Settings {
        connections,
        max_connections,
        max_memory,
        budget,
        counters,
        servers,
        allow_remote,
        grace_period,
        exit_when_replaced,
        max_requests,
        max_rss,
    } = settings;
    let is_shared = budget.is_some();
    let budget = budget.unwrap_or_else(|| Budget::new(max_connections, max_memory));
    budget.check(connections.config())?;
    let orders = Orders::default();
    let crowd = Arc::<Crowd>::default();
    let sharers = if is_shared { servers.max(1) } else { 1 };
    let share = (budget.max_connections() / sharers).max(1);
    let mut places = Places::new(share, servers, Arc::clone(&crowd), orders.clone());
    places.count_waits(counters.clone());
    // What is advertised is what holds.
    let connections = connections
        .max_conns(places.count() * sharers)
        .counted_by(counters.clone())
        .budget(budget);
    let over_tcp = connections.clone().over_tcp(true);
    let mut entrance = Entrance::new(listener, places, allow_remote, counters)?;
    if let Some(ready) = ready {
        ready();
    }
    let counted = max_requests.map(|max| (Arc::new(RequestCount::default()), max));
    let requests = counted.as_ref().map(|(requests, _)| Arc::clone(requests));
    let tasks = TaskTracker::new();
    let mut serve = {
        let (tasks, orders) = (tasks.clone(), orders.clone());
        move |io: L::Io, peer: L::Addr, place| {
            let settings = if peer.ip().is_some() {
                &over_tcp
            } else {
                &connections
            };
            let settings = settings.clone().plain_cgi(peer.is_plain_cgi());
            let connection = settings.serve_connection(io, service.clone());
            let connection = connection.over_transport();
            let heard = (orders.listen(), Arc::clone(&crowd));
            spawn(
                &tasks,
                ConnectionTask::new(connection, heard, requests.clone(), place),
            );
        }
    };

    let mut reason_to_stop = pin!(reason_to_stop(signal, exit_when_replaced, max_rss, counted));
    loop {
        select! {
            biased;
            () = &mut reason_to_stop => break,
            (io, peer, place) = entrance.accept() => serve(io, peer, place),
        }
    }
    let waiting = entrance.close(&mut serve).await;
    orders.finish();
    let finished = timeout(grace_period, async {
        waiting.serve(&mut serve).await;
        tasks.close();
        tasks.wait().await;
    });
    if finished.await.is_err() {
        orders.end();
        tasks.close();
        tasks.wait().await;
    }
    Ok(())
}

/// Waits for the first of these.
async fn reason_to_stop(
    signal: Option<impl Future<Output = ()>>,
    exit_when_replaced: bool,
    max_rss: Option<u64>,
    counted: Option<(Arc<RequestCount>, u64)>,
) {
    let enough = counted.map(|(requests, max)| async move { requests.reaches(max).await });
    let reason = select! {
        () = or_never(signal) => "a shutdown was asked for",
        () = or_never(exit_when_replaced.then(replaced)) => "the program was replaced",
        () = or_never(max_rss.map(larger_than)) => "the process uses too much memory",
        () = or_never(enough) => "enough requests were served",
    };
    tracing::info!("the server stops: {reason}");
}

/// Where connections come in, from peers that may connect.
struct Entrance<L: Listener> {
    listener: L,
    /// The one that is accepted although there is no place, and since when it waits: it shows that connections wait.
    waiting: Option<(L::Io, L::Addr, Instant)>,
    places: Places,
    web_servers: WebServers,
    counters: Option<Counters>,
}

impl<L: Listener> Entrance<L> {
    fn new(
        listener: L,
        places: Places,
        allow_remote: bool,
        counters: Option<Counters>,
    ) -> io::Result<Self> {
        let web_servers = WebServers::from_env()?;
        web_servers.check(&listener, allow_remote)?;
        Ok(Self {
            listener,
            waiting: None,
            places,
            web_servers,
            counters,
        })
    }

    /// Waits for a connection, then for a place.
    async fn accept(&mut self) -> (L::Io, L::Addr, OwnedSemaphorePermit) {
        loop {
            if let Some((_, _, since)) = self.waiting {
                let place = self.places.make(since).await;
                if let Some((io, peer, _)) = self.waiting.take() {
                    return (io, peer, place);
                }
            }
            if self.places.is_crowded() {
                let Ok((io, peer)) = timeout(BACKLOG_PAUSE, self.admitted()).await else {
                    self.places.end_crowd();
                    continue;
                };
                self.waiting = Some((io, peer, Instant::now()));
                continue;
            }
            if !self.places.has_free() {
                // Others that listen on the same socket may have a place: what they leave waits.
                select! {
                    biased;
                    place = self.places.take() => drop(place),
                    () = sleep(LEFT_TO_OTHERS) => {
                        if let Some((io, peer)) = self.left().await {
                            self.waiting = Some((io, peer, Instant::now()));
                        }
                    }
                }
                continue;
            }
            let (io, peer) = self.admitted().await;
            self.waiting = Some((io, peer, Instant::now()));
        }
    }

    /// A connection that is there already.
    async fn left(&mut self) -> Option<(L::Io, L::Addr)> {
        let mut admitted = pin!(self.admitted());
        poll_fn(|cx| match admitted.as_mut().poll(cx) {
            Poll::Ready(accepted) => Poll::Ready(Some(accepted)),
            Poll::Pending => Poll::Ready(None),
        })
        .await
    }

    /// Waits for a connection of a peer that may connect.
    async fn admitted(&mut self) -> (L::Io, L::Addr) {
        loop {
            let (io, peer) = self.listener.accept().await;
            if self.web_servers.admits(&peer) {
                tracing::trace!(?peer, "connection accepted");
                return (io, peer);
            }
            tracing::debug!(?peer, "connection refused: not in FCGI_WEB_SERVER_ADDRS");
            if let Some(counters) = &self.counters {
                counters.add(|counts| counts.connections_refused = 1);
            }
        }
    }

    /// Accepts the backlog, then nothing. Gives those for which there is no place yet.
    async fn close(
        mut self,
        serve: &mut impl FnMut(L::Io, L::Addr, OwnedSemaphorePermit),
    ) -> Waiting<L> {
        self.listener.close();
        let mut waiting = VecDeque::new();
        if let Some((io, peer, _)) = self.waiting.take() {
            waiting.push_back((io, peer));
        }
        let limit = Instant::now() + BACKLOG_LIMIT;
        // Not a second timeout: it is only looked at when there is nothing to accept.
        while Instant::now() < limit && waiting.len() < MAX_WAITING {
            let accepted = timeout(BACKLOG_PAUSE, self.admitted());
            let Ok((io, peer)) = accepted.await else {
                break;
            };
            match self.places.try_take() {
                Some(place) if waiting.is_empty() => serve(io, peer, place),
                _ => waiting.push_back((io, peer)),
            }
        }
        Waiting {
            connections: waiting,
            places: self.places,
        }
    }
}

/// Connections that were accepted when the server began to stop, and have no place.
struct Waiting<L: Listener> {
    connections: VecDeque<(L::Io, L::Addr)>,
    places: Places,
}

impl<L: Listener> Waiting<L> {
    /// Serves all, as places get free.
    async fn serve(mut self, serve: &mut impl FnMut(L::Io, L::Addr, OwnedSemaphorePermit)) {
        while let Some((io, peer)) = self.connections.pop_front() {
            let place = self.places.take().await;
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
