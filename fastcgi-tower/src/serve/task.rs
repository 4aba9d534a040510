//! One connection, in a task of its own.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use pin_project_lite::pin_project;
use tokio::sync::OwnedSemaphorePermit;

use super::{
    request_count::RequestCount,
    stop::{Said, Stop},
};
use crate::{conn::ServeConnection, error::Error, exchange::ExchangeService, listener::Transport};

/// Makes the connections of a server end.
#[derive(Clone, Debug, Default)]
pub(super) struct Stops {
    /// Once the requests in progress have finished.
    pub(super) gracefully: Stop,
    /// At once.
    pub(super) now: Stop,
}

pin_project! {
    /// Drives a connection to its end, and to an earlier one when the server stops.
    ///
    /// A type with a name, because whether it is `Send` depends on the service, and only what spawns it has to know.
    pub(super) struct ConnectionTask<Io, S: ExchangeService> {
        // None when it has ended. In a box: on its way into a task it is moved often, and it is large.
        connection: Option<Box<ServeConnection<Io, S>>>,
        #[pin]
        stopping: Stopping,
        now: Stop,
        requests: Option<Arc<RequestCount>>,
        counted: u64,
        _place: OwnedSemaphorePermit,
    }
}

pin_project! {
    #[project = StoppingProj]
    enum Stopping {
        Serving { #[pin] gracefully: Said },
        Finishing { #[pin] now: Said },
    }
}

impl<Io, S: ExchangeService> ConnectionTask<Io, S> {
    pub(super) fn new(
        connection: ServeConnection<Io, S>,
        stops: &Stops,
        requests: Option<Arc<RequestCount>>,
        place: OwnedSemaphorePermit,
    ) -> Self {
        Self {
            connection: Some(Box::new(connection)),
            stopping: Stopping::Serving {
                gracefully: stops.gracefully.said(),
            },
            now: stops.now.clone(),
            requests,
            counted: 0,
            _place: place,
        }
    }
}

impl<Io: Transport, S: ExchangeService> Future for ConnectionTask<Io, S> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
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
            match this.stopping.as_mut().project() {
                StoppingProj::Serving { gracefully } => {
                    ready!(gracefully.poll(cx));
                    Pin::new(&mut **connection).graceful_shutdown();
                    let now = this.now.said();
                    this.stopping.set(Stopping::Finishing { now });
                }
                StoppingProj::Finishing { now } => {
                    ready!(now.poll(cx));
                    tracing::debug!("a connection is dropped: the grace period is over");
                    *this.connection = None;
                }
            }
        }
    }
}

fn report<Io: Transport, S: ExchangeService>(connection: ServeConnection<Io, S>, error: &Error) {
    if error.is_truncated() {
        return connection.into_io().reset();
    }
    let cause = std::error::Error::source(error).map(tracing::field::display);
    tracing::debug!(%error, cause, "a connection failed");
}
