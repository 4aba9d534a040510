//! One connection, in a task of its own.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use pin_project_lite::pin_project;
use tokio::{sync::OwnedSemaphorePermit, time::Instant};

use super::{
    crowd::{Crowd, Ticket},
    orders::Listening,
    request_count::RequestCount,
};
use crate::{conn::ServeConnection, error::Error, exchange::ExchangeService, listener::Transport};

pin_project! {
    /// Drives a connection to its end, and to an earlier one when the server stops, or another connection needs its place.
    ///
    /// A type with a name, because whether it is `Send` depends on the service, and only what spawns it has to know.
    pub(super) struct ConnectionTask<Io, S: ExchangeService> {
        // None when it has ended. In a box: on its way into a task it is moved often, and it is large.
        connection: Option<Box<ServeConnection<Io, S>>>,
        #[pin]
        orders: Listening,
        crowd: Arc<Crowd>,
        // While it is idle in a crowd.
        ticket: Option<Ticket>,
        requests: Option<Arc<RequestCount>>,
        counted: u64,
        _place: OwnedSemaphorePermit,
    }
}

impl<Io, S: ExchangeService> ConnectionTask<Io, S> {
    pub(super) fn new(
        connection: ServeConnection<Io, S>,
        (orders, crowd): (Listening, Arc<Crowd>),
        requests: Option<Arc<RequestCount>>,
        place: OwnedSemaphorePermit,
    ) -> Self {
        Self {
            connection: Some(Box::new(connection)),
            orders,
            crowd,
            ticket: None,
            requests,
            counted: 0,
            _place: place,
        }
    }
}

impl<Io: Transport, S: ExchangeService> Future for ConnectionTask<Io, S> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let Some(connection) = this.connection else {
                return Poll::Ready(());
            };
            let polled = Pin::new(&mut **connection).poll(cx);
            if let Some(requests) = this.requests {
                let begun = connection.requests_begun();
                if begun > *this.counted {
                    requests.add(begun - *this.counted);
                    *this.counted = begun;
                }
            }
            if let Poll::Ready(result) = polled {
                if let (Err(error), Some(connection)) = (result, this.connection.take()) {
                    report(*connection, &error);
                }
                return Poll::Ready(());
            }
            if let Poll::Ready(said) = this.orders.as_mut().poll(cx) {
                if said.end() {
                    tracing::debug!("a connection is dropped: the grace period is over");
                    *this.connection = None;
                } else if said.finish() {
                    Pin::new(&mut **connection).graceful_shutdown();
                }
                continue;
            }
            if this.ticket.is_none() && !this.orders.heard().is_crowd() {
                return Poll::Pending;
            }
            if !makes_room(this.ticket, connection) {
                let idle = connection.idle_since();
                let may_enter = this.ticket.is_none() && this.orders.heard().is_crowd();
                if let Some(since) = idle.filter(|_| may_enter) {
                    *this.ticket = Some(this.crowd.enter(since, cx.waker().clone()));
                }
                return Poll::Pending;
            }
            connection.make_room();
        }
    }
}

/// Whether the connection was asked to make room, and is idle since it offered to. If it is not, its ticket is of no use.
fn makes_room<Io: Transport, S: ExchangeService>(
    ticket: &mut Option<Ticket>,
    connection: &ServeConnection<Io, S>,
) -> bool {
    let since = connection.idle_since();
    match ticket.take_if(|it| since != Some(it.since()) || it.is_drawn()) {
        Some(ticket) if since == Some(ticket.since()) => true,
        Some(ticket) => {
            ticket.decline();
            false
        }
        None => false,
    }
}

pub(super) fn report<Io: Transport, S: ExchangeService>(
    connection: ServeConnection<Io, S>,
    error: &Error,
) {
    if error.is_truncated() {
        return connection.into_io().reset();
    }
    if error.is_http() {
        return warn_of_http();
    }
    let cause = std::error::Error::source(error).map(tracing::field::display);
    tracing::debug!(%error, cause, "a connection failed");
}

/// B-21: once a minute, because a browser sends several requests, and a web server passes on each of them.
fn warn_of_http() {
    static WARNED: Mutex<Option<Instant>> = Mutex::new(None);
    let now = Instant::now();
    let mut warned = WARNED.lock().unwrap_or_else(PoisonError::into_inner);
    if warned.is_none_or(|at| now.saturating_duration_since(at) >= WARNING_PAUSE) {
        *warned = Some(now);
        tracing::warn!(
            "HTTP is spoken to this FastCGI application: nginx needs fastcgi_pass, not proxy_pass; for a browser, put \
             fastcgi-front in front"
        );
    }
}

const WARNING_PAUSE: Duration = Duration::from_secs(60);
