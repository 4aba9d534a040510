//! CGI functions as services of exchanges.

use std::{
    fmt,
    future::{Future, poll_fn},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::{Bytes, BytesMut};
use http::StatusCode;
use http_body::Body;
use proto::cgi::{BodyLength, status_text};
use tokio::sync::mpsc;
use tower_service::Service;

use super::{
    async_io::AsyncCgiIo,
    head::{AnswerTo, CgiBody, ReadHead, refusal},
    io::CgiIo,
};
use crate::{
    blocking::{BlockingBody, Outlet, Pool, PoolSettings, WhenFull},
    error::BoxError,
    exchange::{Exchange, Reply, StdoutBody},
    panics::caught,
};

/// A CGI program as a function: it reads params and standard input, and writes a CGI response to standard output.
///
/// This is a whole program. [`run`](CgiFn::run) does for every way to be started, as [`run`](crate::run()) does; with the
/// feature `http-server` also by hand. An existing CGI program ports with `writeln!(io, ..)` for each `println!`.
///
/// ```no_run
/// use std::io::{self, Read, Write};
///
/// fn main() -> Result<(), fastcgi_tower::RunError> {
///     fastcgi_tower::cgi_fn(|io| {
///         let name = io.var("QUERY_STRING").unwrap_or("nobody").to_owned();
///         let mut body = String::new();
///         io.read_to_string(&mut body)?;
///         writeln!(io, "Content-Type: text/plain\n")?;
///         writeln!(io, "hello {name}, {} bytes", body.len())?;
///         Ok::<_, io::Error>(())
///     })
///     .run()
/// }
/// ```
///
/// It is also a service for [`serve_exchanges`](crate::serve_exchanges) and [`run_exchanges`](crate::run_exchanges). Functions
/// run on threads of a bounded pool, as [blocking handlers](crate::blocking) do.
///
/// The header block ends with an empty line; its lines end with `\n` or `\r\n`. Without `Status` the status is 200, or 302
/// with a `Location`. With a `Location` that is a path, Apache and CGI servers are left to
/// [follow it themselves](crate::local_redirect). An invalid block is 500, and an `error` event says what is wrong. So are an error
/// or a panic before the first 32 KiB or the first flush; after that, the client sees that the response breaks off (R-10).
pub fn cgi_fn<F, R>(function: F) -> CgiFn<F>
where
    F: Fn(&mut CgiIo) -> Result<(), R> + Send + Sync + 'static,
    R: Into<BoxError>,
{
    CgiFn {
        function: Arc::new(function),
        pool: Arc::new(Pool::new(PoolSettings::default())),
    }
}

/// As [`cgi_fn`], for an async function.
///
/// The future is dropped where it awaits something once the response is complete: in the answer to HEAD, with status 204 or 304
/// and in a local redirect behind the header block, else behind the announced length. What has to be done in any case is done before
/// that, or in a task.
///
/// ```no_run
/// use tokio::io::{self, AsyncWriteExt};
///
/// fn main() -> Result<(), fastcgi_tower::RunError> {
///     fastcgi_tower::async_cgi_fn(|mut io| async move {
///         io.write_all(b"Content-Type: text/plain\n\n").await?;
///         io::copy(&mut io.stdin, &mut io.stdout).await?;
///         Ok::<_, io::Error>(())
///     })
///     .run()
/// }
/// ```
pub fn async_cgi_fn<F, Fut, R>(function: F) -> AsyncCgiFn<F>
where
    F: Fn(AsyncCgiIo) -> Fut,
    Fut: Future<Output = Result<(), R>>,
    R: Into<BoxError>,
{
    AsyncCgiFn { function }
}

/// The service of [`cgi_fn`]. Clones share the pool.
#[must_use = "a function does nothing unless it is called"]
pub struct CgiFn<F> {
    function: Arc<F>,
    pool: Arc<Pool>,
}

impl<F> CgiFn<F> {
    /// How many requests are worked on at a time. Default: as many as there are cores, and at least 4. 0 counts as 1.
    pub fn max_workers(mut self, workers: usize) -> Self {
        self.pool = self.pool.with(|it| it.max_workers = workers);
        self
    }

    /// How many requests wait for a worker. Default: 64.
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

impl<F, R> Service<Exchange> for CgiFn<F>
where
    F: Fn(&mut CgiIo) -> Result<(), R> + Send + Sync + 'static,
    R: Into<BoxError>,
{
    type Response = Reply<CgiBody<BlockingBody>>;
    type Error = BoxError;
    type Future = CgiFuture;

    /// Always ready: a request waits for its turn in its future.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, exchange: Exchange) -> CgiFuture {
        let function = Arc::clone(&self.function);
        let pool = Arc::clone(&self.pool);
        CgiFuture(Box::pin(async move {
            if let Some(reply) = refusal(&exchange) {
                return Ok(reply);
            }
            let answer_to = AnswerTo::new(&exchange);
            let Some(place) = pool.place().await else {
                tracing::debug!("the queue for CGI functions is full");
                return Ok(busy(answer_to.is_head()));
            };
            let (stdout, written) = Outlet::new();
            let failed = stdout.sender();
            let io = CgiIo::new(exchange, stdout);
            pool.spawn(place, move || work(&*function, io, &failed))?;
            let mut reply = ReadHead::new(answer_to, BlockingBody::written(written));
            poll_fn(|cx| reply.poll_reply(cx)).await
        }))
    }
}

/// What a thread does for one request.
fn work<F, R>(function: &F, mut io: CgiIo, failed: &mpsc::Sender<Result<Bytes, BoxError>>)
where
    F: Fn(&mut CgiIo) -> Result<(), R>,
    R: Into<BoxError>,
{
    // The client has left while it waited.
    if failed.is_closed() {
        return;
    }
    // What was written and not sent is of no use after a failure.
    let result = caught(|| {
        function(&mut io).map_err(Into::into)?;
        // The client may have left, or wants no more.
        let _ = std::io::Write::flush(&mut io);
        Ok(())
    });
    let result = result.unwrap_or_else(|_| Err("a CGI function panicked".into()));
    drop(io);
    if let Err(error) = result {
        // If the channel is closed, the client has left.
        let _ = failed.blocking_send(Err(error));
    }
}

fn busy(is_head: bool) -> Reply<CgiBody<BlockingBody>> {
    let head = "Status: 503 Service Unavailable\r\n\
                content-type: text/plain; charset=utf-8\r\n\
                retry-after: 1\r\n\r\n";
    let text = Bytes::from(status_text(StatusCode::SERVICE_UNAVAILABLE));
    let reply = Reply::new(BytesMut::from(head), CgiBody::whole(text));
    // R-8
    if is_head {
        reply.with_length(BodyLength::None)
    } else {
        reply
    }
}

/// The future of a [`CgiFn`].
pub struct CgiFuture(Pin<Box<dyn Future<Output = CgiReply> + Send>>);

type CgiReply = Result<Reply<CgiBody<BlockingBody>>, BoxError>;

impl Future for CgiFuture {
    type Output = CgiReply;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx)
    }
}

impl fmt::Debug for CgiFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CgiFuture").finish_non_exhaustive()
    }
}

impl<F> Clone for CgiFn<F> {
    fn clone(&self) -> Self {
        Self {
            function: Arc::clone(&self.function),
            pool: Arc::clone(&self.pool),
        }
    }
}

impl<F> fmt::Debug for CgiFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CgiFn")
            .field("settings", &self.pool.settings())
            .finish_non_exhaustive()
    }
}

/// The service of [`async_cgi_fn`].
#[derive(Clone)]
#[must_use = "a function does nothing unless it is called"]
pub struct AsyncCgiFn<F> {
    function: F,
}

impl<F, Fut, R> Service<Exchange> for AsyncCgiFn<F>
where
    F: Fn(AsyncCgiIo) -> Fut,
    Fut: Future<Output = Result<(), R>>,
    R: Into<BoxError>,
{
    type Response = Reply<CgiBody<StdoutBody<Fut>>>;
    type Error = BoxError;
    type Future = AsyncCgiFuture<StdoutBody<Fut>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, exchange: Exchange) -> Self::Future {
        if let Some(reply) = refusal(&exchange) {
            return AsyncCgiFuture(State::Refused(Some(reply)));
        }
        let answer_to = AnswerTo::new(&exchange);
        let function = &self.function;
        let reply = Reply::streaming(|stdout| function(AsyncCgiIo::new(exchange, stdout)));
        AsyncCgiFuture(State::Called(ReadHead::new(answer_to, reply.body)))
    }
}

/// The future of an [`AsyncCgiFn`].
pub struct AsyncCgiFuture<B>(State<B>);

enum State<B> {
    /// `None` when the reply was given.
    Refused(Option<Reply<CgiBody<B>>>),
    Called(ReadHead<B>),
}

impl<B: Body<Data = Bytes, Error = BoxError>> Future for AsyncCgiFuture<B> {
    type Output = Result<Reply<CgiBody<B>>, BoxError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            State::Refused(reply) => match reply.take() {
                Some(reply) => Poll::Ready(Ok(reply)),
                None => Poll::Pending,
            },
            State::Called(head) => head.poll_reply(cx),
        }
    }
}

impl<B> fmt::Debug for AsyncCgiFuture<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncCgiFuture").finish_non_exhaustive()
    }
}

impl<F> fmt::Debug for AsyncCgiFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncCgiFn").finish_non_exhaustive()
    }
}
