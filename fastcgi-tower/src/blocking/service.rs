//! A blocking handler as a tower service.

use std::{
    convert::Infallible,
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use http::{HeaderValue, StatusCode, header::RETRY_AFTER};
use http_body::Body;
use tokio::sync::oneshot;
use tower_service::Service;

use super::{
    body::BlockingBody,
    pool::{Pool, PoolSettings, WhenFull},
    request::{Answer, Request},
    response::{Failure, Kind, Response, plain},
};
use crate::{
    error::BoxError,
    panics::{Panicked, caught},
};

/// A tower service of `handler`, which may block: it runs on a thread of a pool.
///
/// An error or a panic of the handler is answered with 500, and logged. An error after the body of the request has failed is
/// answered with 400, because the fault is not the application's. After the beginning of the response, the client sees that it breaks off (R-10).
///
/// ```
/// use fastcgi_tower::blocking::{self, Request, Response};
///
/// fn report(request: &mut Request) -> std::io::Result<Response> {
///     let motto = std::fs::read_to_string("/etc/motd")?;
///     request.stderr("somebody asked for the motto\n");
///     Ok(motto.into())
/// }
///
/// let service = blocking::service_fn(report).max_workers(2).max_queue(10);
/// // In axum: Router::new().route_service("/report", service)
/// ```
pub fn service_fn<H, R, E>(handler: H) -> BlockingService<H>
where
    H: Fn(&mut Request) -> Result<R, E> + Send + Sync + 'static,
    R: Into<Response>,
    E: Into<BoxError>,
{
    BlockingService {
        handler: Arc::new(handler),
        pool: Arc::new(Pool::new(PoolSettings::default())),
    }
}

/// The service of [`service_fn`]. Clones share the pool.
#[must_use = "a service does nothing unless it is called"]
pub struct BlockingService<H> {
    handler: Arc<H>,
    pool: Arc<Pool>,
}

impl<H> BlockingService<H> {
    /// How many requests are worked on at a time, each on a thread. Default: as many as there are cores, and at least 4. 0
    /// counts as 1, which is enough: others wait for their turn.
    pub fn max_workers(mut self, workers: usize) -> Self {
        self.pool = self.pool.with(|it| it.max_workers = workers);
        self
    }

    /// How many requests wait for a worker. Default: 64. What comes on top of them is refused or waits, as
    /// [`when_full`](Self::when_full) says.
    pub fn max_queue(mut self, requests: usize) -> Self {
        self.pool = self.pool.with(|it| it.max_queue = requests);
        self
    }

    /// What happens to a request when the queue is full. Default: [`WhenFull::Refuse`].
    pub fn when_full(mut self, when_full: WhenFull) -> Self {
        self.pool = self.pool.with(|it| it.when_full = when_full);
        self
    }
}

impl<H, R, E, B> Service<http::Request<B>> for BlockingService<H>
where
    H: Fn(&mut Request) -> Result<R, E> + Send + Sync + 'static,
    R: Into<Response>,
    E: Into<BoxError>,
    B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
{
    type Response = http::Response<BlockingBody>;
    type Error = Infallible;
    type Future = BlockingFuture;

    /// Always ready: a request waits for its turn in its future.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> BlockingFuture {
        let handler = Arc::clone(&self.handler);
        let pool = Arc::clone(&self.pool);
        BlockingFuture(Box::pin(async move {
            let Some(place) = pool.place().await else {
                tracing::debug!("the queue for blocking handlers is full");
                return busy();
            };
            let (answer, answered) = oneshot::channel();
            let request = Request::new(request, answer);
            if let Err(error) = pool.spawn(place, move || work(&*handler, request)) {
                tracing::error!(%error, "there is no thread for a blocking handler");
                return busy();
            }
            match answered.await {
                Ok(Ok(response)) => response,
                Ok(Err(error @ Failure::WithBody(_))) => {
                    tracing::debug!(%error, "the body of a request has failed");
                    plain(StatusCode::BAD_REQUEST)
                }
                Ok(Err(error)) => {
                    tracing::error!(%error, "a blocking handler failed");
                    plain(StatusCode::INTERNAL_SERVER_ERROR)
                }
                // The threads have ended.
                Err(_) => plain(StatusCode::SERVICE_UNAVAILABLE),
            }
        }))
    }
}

fn busy() -> http::Response<BlockingBody> {
    let mut response = plain(StatusCode::SERVICE_UNAVAILABLE);
    let soon = HeaderValue::from_static("1");
    response.headers_mut().insert(RETRY_AFTER, soon);
    response
}

/// What a thread does for one request.
fn work<H, R, E>(handler: &H, mut request: Request)
where
    H: Fn(&mut Request) -> Result<R, E>,
    R: Into<Response>,
    E: Into<BoxError>,
{
    // The client has left while it waited.
    if request.is_aborted() {
        return;
    }
    // After a panic, only the channel for the answer is used of the request.
    let result = caught(|| handler(&mut request).map(Into::into).map_err(Into::into));
    let result = match result {
        Ok(Err(error)) if request.has_failed() => Err(Failure::WithBody(error)),
        Ok(result) => result.map_err(Failure::Failed),
        Err(Panicked) => Err(Failure::Panicked),
    };
    match (
        std::mem::replace(&mut request.answer, Answer::Given),
        result,
    ) {
        (Answer::NotBegun(answer), result) => {
            let answered = match result {
                Ok(Response(Kind::Whole(response))) => Ok(response.map(BlockingBody::whole)),
                Ok(Response(Kind::Written)) => Err(Failure::OtherResponse),
                Err(failure) => Err(failure),
            };
            // Nobody waits for it if the client has left.
            drop(answer.send(answered));
        }
        (Answer::Begun(_), Ok(Response(Kind::Written))) => {}
        (Answer::Begun(chunks), Ok(Response(Kind::Whole(_)))) => {
            drop(chunks.blocking_send(Err(Failure::OtherResponse.into())));
        }
        // If the client has left, that caused the error, and the channel is closed.
        (Answer::Begun(chunks), Err(failure)) => {
            drop(chunks.blocking_send(Err(failure.into())));
        }
        (Answer::Given, _) => {}
    }
}

/// The future of a [`BlockingService`].
pub struct BlockingFuture(Pin<Box<dyn Future<Output = http::Response<BlockingBody>> + Send>>);

impl Future for BlockingFuture {
    type Output = Result<http::Response<BlockingBody>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx).map(Ok)
    }
}

impl fmt::Debug for BlockingFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockingFuture").finish_non_exhaustive()
    }
}

impl<H> Clone for BlockingService<H> {
    fn clone(&self) -> Self {
        Self {
            handler: Arc::clone(&self.handler),
            pool: Arc::clone(&self.pool),
        }
    }
}

impl<H> fmt::Debug for BlockingService<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockingService")
            .field("settings", &self.pool.settings())
            .finish_non_exhaustive()
    }
}
