//! One request in progress: the service's call, then the body of its reply.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, BufMut, BytesMut};
use http::StatusCode;
use http_body::Body;
use pin_project_lite::pin_project;
use tower_service::Service;
use tracing::Span;

use super::request::Request;
use crate::{BoxError, Exchange, ExchangeService};

/// A request from its params to its end.
pub(super) struct Slot<S: ExchangeService> {
    pub(super) request: Request,
    pub(super) stage: ServiceStage<S>,
    span: Span,
}

/// Boxed, because a service's future must not move once it was polled.
pub(super) type ServiceStage<S> =
    Pin<Box<Stage<<S as Service<Exchange>>::Future, <S as ExchangeService>::Body>>>;

pin_project! {
    /// ```text
    /// Waiting ──service ready, body known──▶ Calling ──reply──▶ Responding
    /// ```
    #[project = StageProj]
    pub(super) enum Stage<F, B> {
        Waiting,
        Calling { #[pin] future: F },
        // The head waits for the first bytes of the body: as long as it is here, a failure can still be answered.
        Responding { head: Option<BytesMut>, #[pin] body: B },
    }
}

/// How a request is to be ended.
pub(super) enum Outcome {
    /// The reply is complete.
    Complete,
    /// There is no reply.
    Refuse(StatusCode),
    /// The reply broke off.
    Truncate,
}

/// Bytes of responses that may wait to be written before bodies are left alone (R-13).
pub(super) const HIGH_WATER: usize = 256 * 1024;

impl<S: ExchangeService> Slot<S> {
    /// A request of which nothing is done. `stage` is waiting: the box of a request that has ended, or a new one.
    pub(super) fn new(request: Request, stage: ServiceStage<S>) -> Self {
        let span = tracing::debug_span!("request", id = %request.id, role = ?request.role);
        Self {
            request,
            stage,
            span,
        }
    }

    /// Goes on as far as it can. Writes to `connection` what the reply has to say, up to [`HIGH_WATER`].
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        service: &mut S,
        connection: &mut proto::Connection,
    ) -> Poll<Outcome> {
        let _entered = self.span.enter();
        loop {
            let next = match self.stage.as_mut().project() {
                StageProj::Waiting => {
                    if !self.request.stdin.is_ready() {
                        return Poll::Pending;
                    }
                    let exchange = || self.request.exchange();
                    match ready!(poll_call(cx, service, exchange)) {
                        Ok(future) => Stage::Calling { future },
                        Err(error) => return Poll::Ready(failed(&error)),
                    }
                }
                StageProj::Calling { future } => match ready!(poll_caught(|| future.poll(cx))) {
                    Ok(reply) => Stage::Responding {
                        head: Some(reply.head),
                        body: reply.body,
                    },
                    Err(error) => return Poll::Ready(failed(&error)),
                },
                StageProj::Responding { head, body } => {
                    return poll_body(cx, body, head, &mut self.request, connection);
                }
            };
            // Drops the future of a call that is over.
            if let Err(error) = caught(|| self.stage.set(next)) {
                return Poll::Ready(failed(&error));
            }
        }
    }

    /// Drops what the service has here.
    pub(super) fn clear(&mut self) {
        let _entered = self.span.enter();
        if let Err(error) = caught(|| self.stage.set(Stage::Waiting)) {
            tracing::error!(%error, "the service failed when it was dropped");
        }
    }
}

/// A service that fails before it has answered is answered for.
fn failed(error: &BoxError) -> Outcome {
    tracing::error!(%error, "the service failed");
    Outcome::Refuse(StatusCode::INTERNAL_SERVER_ERROR)
}

/// Ready before call, always, on the same service.
fn poll_call<S: ExchangeService>(
    cx: &mut Context<'_>,
    service: &mut S,
    exchange: impl FnOnce() -> Exchange,
) -> Poll<Result<S::Future, BoxError>> {
    ready!(poll_caught(|| service.poll_ready(cx)))?;
    poll_caught(|| Poll::Ready(Ok::<_, BoxError>(service.call(exchange()))))
}

/// The longest answer of an Authorizer: what lets a request pass has variables and no body, what refuses it a short page.
const MAX_WHOLE: usize = 64 * 1024;

fn poll_body<B: Body<Error: Into<BoxError>>>(
    cx: &mut Context<'_>,
    mut body: Pin<&mut B>,
    head: &mut Option<BytesMut>,
    request: &mut Request,
    connection: &mut proto::Connection,
) -> Poll<Outcome> {
    while connection.outgoing().remaining() < HIGH_WATER {
        let data = match poll_data(cx, body.as_mut()) {
            Poll::Ready(Err(error)) => {
                tracing::error!(%error, "the body of a response failed");
                let outcome = match head {
                    // There still is a status to give.
                    Some(_) => Outcome::Refuse(StatusCode::INTERNAL_SERVER_ERROR),
                    None => Outcome::Truncate,
                };
                return Poll::Ready(outcome);
            }
            Poll::Ready(Ok(data)) => Poll::Ready(data),
            Poll::Pending => Poll::Pending,
        };
        if let (Some(head), true) = (head.as_mut(), request.has_to_be_whole()) {
            match data {
                Poll::Ready(Some(data)) if head.len() + data.remaining() <= MAX_WHOLE => {
                    head.put(data);
                    continue;
                }
                Poll::Ready(Some(_)) => {
                    tracing::error!("the answer of an authorizer is too long");
                    return Poll::Ready(Outcome::Refuse(StatusCode::INTERNAL_SERVER_ERROR));
                }
                Poll::Ready(None) => {}
                Poll::Pending => return Poll::Pending,
            }
        }
        let Some(mut stdout) = connection.request(request.id) else {
            return Poll::Ready(Outcome::Complete);
        };
        if let Some(head) = head.take() {
            stdout.stdout_slice(&head);
            request.answered_early = !request.has_ended();
        }
        if data.is_pending() {
            // Before the messages are taken, so that none falls in between.
            request.handle.wake_on_stderr(cx.waker());
        }
        for message in request.handle.take_stderr() {
            stdout.stderr(message);
        }
        match ready!(data) {
            Some(mut data) => stdout.stdout(data.copy_to_bytes(data.remaining())),
            None => return Poll::Ready(Outcome::Complete),
        }
    }
    // Writing makes room, and then the body is asked again.
    Poll::Pending
}

/// The data of the next frame, or `None` at the end. Trailers have no place in a CGI response (R-15).
fn poll_data<B: Body<Error: Into<BoxError>>>(
    cx: &mut Context<'_>,
    mut body: Pin<&mut B>,
) -> Poll<Result<Option<B::Data>, BoxError>> {
    loop {
        let frame = poll_caught(|| match body.is_end_stream() {
            true => Poll::Ready(Ok(None)),
            false => body.as_mut().poll_frame(cx).map(Option::transpose),
        });
        let Some(frame) = ready!(frame)? else {
            return Poll::Ready(Ok(None));
        };
        match frame.into_data() {
            Ok(data) => return Poll::Ready(Ok(Some(data))),
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
