//! The web server's side: a tower service that hands HTTP requests to a FastCGI application.
//!
//! ```no_run
//! use fastcgi_tower::client::{Address, Client};
//! use http::Request;
//! use tower_service::Service;
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let mut client = Client::new("127.0.0.1:9000".parse::<Address>()?)
//!     .param("SCRIPT_FILENAME", "/srv/www/index.php");
//! std::future::poll_fn(|cx| Service::<Request<String>>::poll_ready(&mut client, cx)).await?;
//! let response = client.call(Request::get("/hello?a=b").body(String::new())?).await?;
//! assert_eq!(response.status(), 200);
//! # Ok(())
//! # }
//! ```

mod call;
mod error;
mod link;
mod pool;
mod response_body;
mod response_future;
mod start;
mod stderr;
mod times;

use std::{
    future::poll_fn,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use http::{Method, Request, Response, header::CONTENT_LENGTH};
use http_body::Body;
use proto::{Params, client::ClientEvent, record::Role};
use tower_service::Service;

pub use proto::client::ServerInfo;

pub use crate::address::{Address, InvalidAddress};

use self::error::Kind;
use self::{
    call::Outbound,
    pool::{Lease, Limits, Pool},
    times::{Clock, Times},
};
pub use self::{
    error::ClientError, response_body::ClientBody, response_future::ClientFuture, stderr::OnStderr,
};
use crate::error::BoxError;

/// Sends HTTP requests to one FastCGI application, in the role of a Responder.
///
/// Each request has a connection for itself until the application has ended it; then the connection is kept for
/// another one. Clones share the connections. Bodies stream both ways, with back-pressure, and at the same time: an
/// application may answer before it has read the request. Nothing is spawned: the response's body, when read, sends
/// what is left of the request's.
///
/// A request carries its own [`ServerInfo`], [`ExtraParams`] and [`OnStderr`] in its extensions. A body of known size that has no
/// `content-length` gets one; one of unknown size is sent without, which not every application reads.
///
/// An idle connection that the application has closed is replaced, also when that turns out only as the request is sent,
/// if nothing of it has left; apart from that, nothing is tried twice. A request that is dropped, at any time, takes its
/// connection with it, so that its answer is never taken for that of another one.
///
/// | limit | default | what is waited for |
/// |---|---|---|
/// | [`connect_timeout`](Self::connect_timeout) | 10 s | a connection |
/// | [`first_byte_timeout`](Self::first_byte_timeout) | 60 s | the first byte of the answer |
/// | [`read_timeout`](Self::read_timeout) | 60 s | each further part of the answer |
/// | [`timeout`](Self::timeout) | none | the whole, the body of the response included |
/// | [`max_connections`](Self::max_connections) | 64 | requests at a time |
///
/// When one of the times has passed, the request fails ([`ClientError::is_timeout`]) and its connection is closed. The
/// time that the request's own body takes to come counts for the whole alone, and the time in which nobody reads the
/// response's body counts for nothing else either.
#[derive(Clone, Debug)]
pub struct Client {
    pool: Arc<Pool>,
    server: Arc<ServerInfo>,
    params: Params,
    times: Times,
    on_stderr: Option<OnStderr>,
}

impl Client {
    /// A client of the application that listens on `address`. Nothing is connected yet.
    pub fn new(address: impl Into<Address>) -> Self {
        Self {
            pool: Arc::new(Pool::new(address.into(), Limits::DEFAULT)),
            server: Arc::default(),
            params: Params::default(),
            times: Times::DEFAULT,
            on_stderr: None,
        }
    }

    /// A client of an application inside this process.
    #[cfg(feature = "http-server")]
    pub(crate) fn inside(application: tokio::sync::mpsc::Sender<tokio::net::UnixStream>) -> Self {
        Self {
            pool: Arc::new(Pool::inside(application)),
            server: Arc::default(),
            params: Params::default(),
            times: Times::NONE,
            on_stderr: None,
        }
    }

    /// What the application gets to know of the web server, where a request has no [`ServerInfo`] in its extensions.
    #[must_use]
    pub fn server_info(mut self, server: ServerInfo) -> Self {
        self.server = Arc::new(server);
        self
    }

    /// Sends a param with every request, after those that the request gives; the last one of a name counts.
    #[must_use]
    pub fn param(mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Self {
        let pair = (name.as_ref(), value.as_ref());
        self.params = self.params.iter().chain([pair]).collect();
        self
    }

    /// Whether connections are used for more than one request. Default: `true`.
    #[must_use]
    pub fn keep_conn(self, keep_conn: bool) -> Self {
        let limits = self.pool.limits();
        self.with_limits(Limits {
            keep_conn,
            ..limits
        })
    }

    /// The most requests at a time; more wait for their turn. Default: 64.
    #[must_use]
    pub fn max_connections(self, max_connections: usize) -> Self {
        let limits = self.pool.limits();
        self.with_limits(Limits {
            max_connections,
            ..limits
        })
    }

    /// The longest time in which a connection is made, the lookup of a host name included. Default: 10 s.
    ///
    /// To wait for one of [`max_connections`](Self::max_connections) places is not connecting; [`timeout`](Self::timeout)
    /// is the limit of that.
    #[must_use]
    pub fn connect_timeout(mut self, limit: Option<Duration>) -> Self {
        self.times.connect = limit;
        self
    }

    /// The longest time from the request, once it was sent, to the first byte of an answer. Default: 60 s, as in nginx.
    ///
    /// The same is the longest time in which the application takes nothing of the request.
    #[must_use]
    pub fn first_byte_timeout(mut self, limit: Option<Duration>) -> Self {
        self.times.first_byte = limit;
        self
    }

    /// The longest pause in an answer. Default: 60 s, as in nginx.
    #[must_use]
    pub fn read_timeout(mut self, limit: Option<Duration>) -> Self {
        self.times.read = limit;
        self
    }

    /// The longest time from the call to the end of the answer. Default: none, because a large answer to a slow client
    /// takes long without a fault of the application.
    #[must_use]
    pub fn timeout(mut self, limit: Option<Duration>) -> Self {
        self.times.whole = limit;
        self
    }

    /// Where messages on `FCGI_STDERR` go. By default they are logged with the level `warn`, up to 16 KiB for each request.
    #[must_use]
    pub fn on_stderr(mut self, function: impl Fn(&[u8]) + Send + Sync + 'static) -> Self {
        self.on_stderr = Some(OnStderr::new(function));
        self
    }

    /// Where the application listens.
    pub fn address(&self) -> &Address {
        self.pool.address()
    }

    /// Asks the application what it can do (specification, 4.1); the names are in
    /// [`values`](https://docs.rs/fastcgi-core/latest/fastcgi_core/values/). The answer has those that it knows.
    ///
    /// # Errors
    ///
    /// When the names do not fit one record of 65 535 bytes, when the application cannot be reached, and when it closes
    /// the connection, breaks the protocol or is late.
    pub async fn get_values(&self, names: &[&str]) -> Result<Params, ClientError> {
        let mut clock = Clock::start(self.times);
        let mut lease = Box::pin(Arc::clone(&self.pool).lease(self.times.connect));
        let mut lease = poll_fn(|cx| match lease.as_mut().poll(cx) {
            Poll::Ready(lease) => Poll::Ready(lease),
            Poll::Pending => clock.poll_end(cx).map(Err),
        })
        .await?;
        lease.link.proto.get_values(names)?;
        let values = poll_fn(|cx| poll_values(cx, &mut lease, &mut clock)).await?;
        lease.give_back();
        Ok(values)
    }

    fn with_limits(mut self, limits: Limits) -> Self {
        self.pool = Arc::new(self.pool.with_limits(limits));
        self
    }

    fn params(&self, request: &http::request::Parts) -> Params {
        let server = request.extensions.get().unwrap_or(&*self.server);
        let own = request.extensions.get::<ExtraParams>();
        let extra = self
            .params
            .iter()
            .chain(own.iter().flat_map(|own| own.0.iter()));
        proto::client::params(request, server, extra)
    }
}

impl<B> Service<Request<B>> for Client
where
    B: Body<Error: Into<BoxError>>,
{
    type Response = Response<ClientBody<B>>;
    type Error = ClientError;
    type Future = ClientFuture<B>;

    /// Always ready: a request waits for its turn in its future.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ClientError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> ClientFuture<B> {
        let (mut parts, body) = request.into_parts();
        if let Some(length) = length_to_announce(&parts, &body) {
            parts.headers.insert(CONTENT_LENGTH, length.into());
        }
        let on_stderr = parts.extensions.remove::<OnStderr>();
        let outbound = Outbound {
            params: self.params(&parts),
            body: (!body.is_end_stream()).then(|| Box::pin(body)),
            role: Role::RESPONDER,
            stderr: on_stderr.or_else(|| self.on_stderr.clone()).into(),
            clock: Clock::start(self.times),
        };
        ClientFuture::new(Arc::clone(&self.pool), parts.method, Box::new(outbound))
    }
}

/// More params for one request: put this into its extensions.
///
/// They come after all others, and the last one of a name counts.
#[derive(Clone, Debug)]
pub struct ExtraParams(Params);

impl From<Params> for ExtraParams {
    fn from(params: Params) -> Self {
        Self(params)
    }
}

/// The length of a body that does not come from an HTTP server, which would have said so in the head.
fn length_to_announce<B: Body>(request: &http::request::Parts, body: &B) -> Option<u64> {
    if request.headers.contains_key(CONTENT_LENGTH) {
        return None;
    }
    let length = body.size_hint().exact()?;
    let is_expected = matches!(request.method, Method::POST | Method::PUT | Method::PATCH);
    (length > 0 || is_expected).then_some(length)
}

fn poll_values(
    cx: &mut Context<'_>,
    lease: &mut Lease,
    clock: &mut Clock,
) -> Poll<Result<Params, ClientError>> {
    let broken_off = |cause| ClientError::new(Kind::IncompleteResponse(cause));
    loop {
        while let Some(event) = lease.link.next_event()? {
            match event {
                ClientEvent::Values(values) => return Poll::Ready(Ok(values)),
                // An application that does not know the question has no answers.
                ClientEvent::UnknownType(_) => return Poll::Ready(Ok(Params::default())),
                unasked => tracing::debug!(?unasked, "no answer to the question"),
            }
        }
        if let Poll::Ready(Err(error)) = lease.link.poll_flush(cx) {
            return Poll::Ready(Err(error.into()));
        }
        match lease.link.poll_fill(cx) {
            Poll::Pending => return clock.poll_silence(cx).map(Err),
            Poll::Ready(Ok(0)) => return Poll::Ready(Err(broken_off(None))),
            Poll::Ready(Ok(_)) => clock.has_heard()?,
            Poll::Ready(Err(error)) => return Poll::Ready(Err(broken_off(Some(error)))),
        }
    }
}
