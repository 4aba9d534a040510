//! One request in progress: the service's call, then the body of its reply.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Buf;
use http_body::Body;
use pin_project_lite::pin_project;
use proto::{Connection, Ending, NewRequest, RequestKey, RequestMut};
use tower_service::Service;

use crate::{
    counters::Outcome,
    data::poll_data,
    error::BoxError,
    exchange::{ConnectionAlarm, ConnectionId, Cost, Exchange, ExchangeService, Inlet, Reply},
    panics::{Panicked, caught, poll_caught},
    socket::Origin,
};

pin_project! {
    /// A request from its params to its end.
    pub(super) struct Call<S: ExchangeService> {
        // Until the service is ready for it.
        request: Option<NewRequest>,
        key: RequestKey,
        inlet: Inlet,
        // Whether nothing is done before something was written.
        waits_for_room: bool,
        // What it is if nothing fails any more.
        outcome: Outcome,
        #[pin]
        stage: Stage<<S as Service<Exchange>>::Future, <S as ExchangeService>::Body>,
    }
}

/// Boxed, because a service's future must not move once it was polled.
pub(super) type PinnedCall<S> = Pin<Box<Call<S>>>;

pin_project! {
    /// ```text
    /// Idle ──service ready──▶ Calling ──reply──▶ Responding ──▶ Idle
    /// ```
    #[project = StageProj]
    pub(super) enum Stage<F, B> {
        Idle,
        Calling { #[pin] future: F },
        Responding { #[pin] body: B },
    }
}

impl<S: ExchangeService> Call<S> {
    /// A request of which nothing is done, from the buffer `origin`. `spare` is what another one has [left](Self::finish).
    pub(super) fn begin(
        spare: Option<PinnedCall<S>>,
        request: NewRequest,
        connection_id: ConnectionId,
        is_plain_cgi: bool,
        origin: Origin,
    ) -> PinnedCall<S> {
        let new = || Self {
            request: None,
            key: request.key,
            inlet: Inlet::closed(connection_id, is_plain_cgi),
            waits_for_room: false,
            outcome: Outcome::Completed,
            stage: Stage::Idle,
        };
        let mut call = spare.unwrap_or_else(|| Box::pin(new()));
        let this = call.as_mut().project();
        *this.key = request.key;
        this.inlet.open(&request, origin);
        *this.request = Some(request);
        *this.waits_for_room = false;
        call
    }

    pub(super) fn inlet(self: Pin<&mut Self>) -> &mut Inlet {
        self.project().inlet
    }

    pub(super) fn key(&self) -> RequestKey {
        self.key
    }

    /// What is kept for the request. `current` is the buffer that is read into.
    pub(super) fn cost(&self, current: Origin) -> Cost {
        self.inlet.cost(current)
    }

    /// Whether its response has to wait until something was written.
    pub(super) fn waits_for_room(&self) -> bool {
        self.waits_for_room
    }

    /// Whether it goes on without being woken.
    pub(super) fn can_go_on(&self, connection: &Connection) -> bool {
        self.waits_for_room && connection.wants_output()
    }

    /// Goes on as far as it can, and is ready when the request has ended. `alarm` goes off when a part of a request
    /// body is read.
    pub(super) fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        service: &mut S,
        alarm: &Arc<ConnectionAlarm>,
        connection: &mut Connection,
    ) -> Poll<Outcome> {
        let span = self.inlet.span().clone();
        let _entered = span.enter();
        let result = ready!(self.as_mut().poll_reply(cx, service, alarm, connection));
        self.inlet.put_stderr(self.key, connection);
        Poll::Ready(match connection.request(self.key) {
            None => Outcome::Aborted,
            Some(request) => {
                let app_status = self.inlet.handle().app_status();
                end(request, app_status, result.map(|()| self.outcome))
            }
        })
    }

    fn poll_reply(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        service: &mut S,
        alarm: &Arc<ConnectionAlarm>,
        connection: &mut Connection,
    ) -> Poll<Result<(), BoxError>> {
        let mut this = self.project();
        if this.request.is_some() {
            // Ready before call, always, on the same service.
            ready!(poll_caught(|| service.poll_ready(cx)))?;
        }
        if let Some(request) = this.request.take() {
            let exchange = this.inlet.exchange(request, alarm);
            let future = caught(|| service.call(exchange))?;
            this.stage.set(Stage::Calling { future });
        }
        if let StageProj::Calling { future } = this.stage.as_mut().project() {
            let Reply {
                head,
                length,
                body,
                outcome,
            } = ready!(poll_caught(|| future.poll(cx)))?;
            *this.outcome = outcome;
            if let Some(mut request) = connection.request(*this.key) {
                request.head(head, length);
            }
            // Drops the future.
            caught(|| this.stage.set(Stage::Responding { body }))?;
        }
        match this.stage.as_mut().project() {
            StageProj::Responding { body } => {
                let result = poll_body(cx, body, this.inlet, *this.key, connection);
                *this.waits_for_room = result.is_pending() && !connection.wants_output();
                result
            }
            StageProj::Idle | StageProj::Calling { .. } => Poll::Pending,
        }
    }

    /// The request was aborted: its response is of no use any more.
    pub(super) fn abort(self: Pin<&mut Self>) {
        self.project().inlet.abort();
    }

    /// Drops what the service has here, and all that belongs to the request: the box can be the next one's.
    pub(super) fn finish(self: Pin<&mut Self>) {
        let mut this = self.project();
        let entered = this.inlet.span().enter();
        if let Err(error) = caught(|| this.stage.set(Stage::Idle)) {
            tracing::error!(%error, "the service failed when it was dropped");
        }
        drop(entered);
        *this.request = None;
        this.inlet.close();
    }
}

fn end(request: RequestMut<'_>, app_status: u32, result: Result<Outcome, BoxError>) -> Outcome {
    match result {
        Ok(outcome) => match request.end(app_status) {
            Ending::Complete => outcome,
            ending => {
                tracing::error!(?ending, "a response body is shorter than announced");
                Outcome::Failed
            }
        },
        Err(error) => {
            let ending = request.fail(app_status);
            tracing::error!(%error, ?ending, "a request failed");
            if error.is::<Panicked>() {
                Outcome::Panicked
            } else {
                Outcome::Failed
            }
        }
    }
}

fn poll_body<B: Body<Error: Into<BoxError>>>(
    cx: &mut Context<'_>,
    mut body: Pin<&mut B>,
    inlet: &Inlet,
    key: RequestKey,
    connection: &mut Connection,
) -> Poll<Result<(), BoxError>> {
    while connection.wants_output() {
        let is_over = |request: RequestMut<'_>| !request.wants_stdout();
        if connection.request(key).is_none_or(is_over) {
            return Poll::Ready(Ok(()));
        }
        let data = poll_data(cx, body.as_mut())?;
        if data.is_pending() {
            // Before the messages are taken, so that none falls in between.
            inlet.handle().wake_on_stderr(cx.waker());
        }
        inlet.put_stderr(key, connection);
        let Some(mut request) = connection.request(key) else {
            return Poll::Ready(Ok(()));
        };
        match data {
            Poll::Ready(Some(mut data)) => {
                let surplus = request.stdout(data.copy_to_bytes(data.remaining()))?;
                if surplus > 0 {
                    tracing::error!(
                        surplus,
                        "cutting a response body that is longer than announced"
                    );
                }
            }
            Poll::Ready(None) => return Poll::Ready(Ok(())),
            Poll::Pending => {
                request.flush();
                return Poll::Pending;
            }
        }
    }
    // Writing makes room, and then the body is asked again; unless that was all.
    if caught(|| body.is_end_stream())? {
        Poll::Ready(Ok(()))
    } else {
        Poll::Pending
    }
}
