//! One request in progress: the service's call, then the body of its reply.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
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
    error::BoxError,
    exchange::{
        ConnectionAlarm, ConnectionId, Cost, Exchange, ExchangeService, Inlet, Message, Reply,
    },
    socket::Origin,
};

/// A request from its params to its end.
pub(super) struct Call<S: ExchangeService> {
    /// Until the service is ready for it.
    request: Option<NewRequest>,
    key: RequestKey,
    inlet: Inlet,
    stage: PinnedStage<S>,
    /// Whether nothing is done before something was written.
    waits_for_room: bool,
}

/// Boxed, because a service's future must not move once it was polled.
pub(super) type PinnedStage<S> =
    Pin<Box<Stage<<S as Service<Exchange>>::Future, <S as ExchangeService>::Body>>>;

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
    /// A request of which nothing is done, from the buffer `origin`. `stage` is idle: the box of one that is over, or a new
    /// one.
    pub(super) fn new(
        request: NewRequest,
        connection_id: ConnectionId,
        is_plain_cgi: bool,
        origin: Origin,
        stage: PinnedStage<S>,
    ) -> Self {
        Self {
            key: request.key,
            inlet: Inlet::new(&request, connection_id, is_plain_cgi, origin),
            request: Some(request),
            stage,
            waits_for_room: false,
        }
    }

    pub(super) fn inlet(&mut self) -> &mut Inlet {
        &mut self.inlet
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
        &mut self,
        cx: &mut Context<'_>,
        service: &mut S,
        alarm: &Arc<ConnectionAlarm>,
        connection: &mut Connection,
    ) -> Poll<()> {
        let span = self.inlet.span().clone();
        let _entered = span.enter();
        let result = ready!(self.poll_reply(cx, service, alarm, connection));
        put_stderr(&self.inlet, self.key, connection);
        if let Some(request) = connection.request(self.key) {
            end(request, self.inlet.handle().app_status(), result);
        }
        Poll::Ready(())
    }

    fn poll_reply(
        &mut self,
        cx: &mut Context<'_>,
        service: &mut S,
        alarm: &Arc<ConnectionAlarm>,
        connection: &mut Connection,
    ) -> Poll<Result<(), BoxError>> {
        if self.request.is_some() {
            // Ready before call, always, on the same service.
            ready!(poll_caught(|| service.poll_ready(cx)))?;
        }
        if let Some(request) = self.request.take() {
            let exchange = self.inlet.exchange(request, alarm);
            let future = caught(|| service.call(exchange))?;
            self.stage.set(Stage::Calling { future });
        }
        if let StageProj::Calling { future } = self.stage.as_mut().project() {
            let Reply { head, length, body } = ready!(poll_caught(|| future.poll(cx)))?;
            if let Some(mut request) = connection.request(self.key) {
                request.head(head, length);
            }
            // Drops the future.
            caught(|| self.stage.set(Stage::Responding { body }))?;
        }
        match self.stage.as_mut().project() {
            StageProj::Responding { body } => {
                let result = poll_body(cx, body, &self.inlet, self.key, connection);
                self.waits_for_room = result.is_pending() && !connection.wants_output();
                result
            }
            StageProj::Idle | StageProj::Calling { .. } => Poll::Pending,
        }
    }

    /// The request was aborted: its response is of no use any more.
    pub(super) fn abort(&mut self) {
        self.inlet.abort();
    }

    /// Drops what the service has here, and gives back the box.
    pub(super) fn into_stage(mut self) -> PinnedStage<S> {
        let entered = self.inlet.span().enter();
        if let Err(error) = caught(|| self.stage.set(Stage::Idle)) {
            tracing::error!(%error, "the service failed when it was dropped");
        }
        drop(entered);
        self.stage
    }
}

fn end(request: RequestMut<'_>, app_status: u32, result: Result<(), BoxError>) {
    match result {
        Ok(()) => {
            let ending = request.end(app_status);
            if ending != Ending::Complete {
                tracing::error!(?ending, "a response body is shorter than announced");
            }
        }
        Err(error) => {
            let ending = request.fail(app_status);
            tracing::error!(%error, ?ending, "a request failed");
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
        put_stderr(inlet, key, connection);
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

fn put_stderr(inlet: &Inlet, key: RequestKey, connection: &mut Connection) {
    for message in inlet.handle().take_stderr() {
        if let Some(mut request) = connection.request(key) {
            match message {
                Message::AfterHead(message) => request.stderr(message),
                Message::Now(message) => request.stderr_now(message),
            }
        }
    }
}

/// The data of the next frame, or `None` at the end. Trailers have no place in a CGI response (R-15).
fn poll_data<B: Body<Error: Into<BoxError>>>(
    cx: &mut Context<'_>,
    mut body: Pin<&mut B>,
) -> Result<Poll<Option<B::Data>>, BoxError> {
    loop {
        let frame = poll_caught(|| {
            if body.is_end_stream() {
                Poll::Ready(Ok(None))
            } else {
                body.as_mut().poll_frame(cx).map(Option::transpose)
            }
        });
        let Poll::Ready(frame) = frame else {
            return Ok(Poll::Pending);
        };
        let Some(frame) = frame? else {
            return Ok(Poll::Ready(None));
        };
        match frame.into_data() {
            Ok(data) => return Ok(Poll::Ready(Some(data))),
            Err(_) => tracing::debug!("dropping the trailers of a response"),
        }
    }
}

/// A panic is an error of the request it happened in, and of no other.
///
/// What panicked is not used again, so that it does not matter in which state it is.
fn poll_caught<T, E: Into<BoxError>>(
    poll: impl FnOnce() -> Poll<Result<T, E>>,
) -> Poll<Result<T, BoxError>> {
    match caught(poll) {
        Ok(result) => result.map_err(Into::into),
        Err(panic) => Poll::Ready(Err(panic)),
    }
}

fn caught<T>(f: impl FnOnce() -> T) -> Result<T, BoxError> {
    catch_unwind(AssertUnwindSafe(f)).map_err(|_| "the service panicked".into())
}
