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
mod stderr;

use std::{
    future::poll_fn,
    sync::Arc,
    task::{Context, Poll, ready},
};

use http::{Method, Request, Response, header::CONTENT_LENGTH};
use http_body::Body;
use proto::{Params, client::ClientEvent};
use tower_service::Service;

pub use proto::client::ServerInfo;

pub use crate::address::{Address, InvalidAddress};

use self::error::Kind;
use self::{
    call::Outbound,
    pool::{Lease, Limits, Pool},
};
pub use self::{error::ClientError, response_body::ClientBody, response_future::ClientFuture};
use crate::error::BoxError;

/// Sends HTTP requests to one FastCGI application, in the role of a Responder.
///
/// Each request has a connection for itself until the application has ended it; then the connection is kept for
/// another one. Clones share the connections. Bodies stream both ways, with back-pressure, and at the same time: an
/// application may answer before it has read the request. Nothing is spawned: the response's body, when read, sends
/// what is left of the request's.
///
/// A request carries its own [`ServerInfo`] and [`ExtraParams`] in its extensions. A body of known size that has no
/// `content-length` gets one; one of unknown size is sent without, which not every application reads.
///
/// An idle connection that the application has closed is replaced; apart from that, nothing is tried twice. There are
/// no timeouts: put tower's around it.
#[derive(Clone, Debug)]
pub struct Client {
    pool: Arc<Pool>,
    server: Arc<ServerInfo>,
    params: Params,
}

impl Client {
    /// A client of the application that listens on `address`. Nothing is connected yet.
    pub fn new(address: impl Into<Address>) -> Self {
        Self {
            pool: Arc::new(Pool::new(address.into(), Limits::DEFAULT)),
            server: Arc::default(),
            params: Params::default(),
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
    /// the connection or breaks the protocol.
    pub async fn get_values(&self, names: &[&str]) -> Result<Params, ClientError> {
        let mut lease = Arc::clone(&self.pool).lease().await?;
        lease.link.proto.get_values(names)?;
        let values = poll_fn(|cx| poll_values(cx, &mut lease)).await?;
        lease.give_back();
        Ok(values)
    }

    fn with_limits(mut self, limits: Limits) -> Self {
        self.pool = Arc::new(Pool::new(self.pool.address().clone(), limits));
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
        let outbound = Outbound {
            params: self.params(&parts),
            body: (!body.is_end_stream()).then(|| Box::pin(body)),
        };
        ClientFuture::new(Arc::clone(&self.pool), parts.method, outbound)
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

fn poll_values(cx: &mut Context<'_>, lease: &mut Lease) -> Poll<Result<Params, ClientError>> {
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
        match ready!(lease.link.poll_fill(cx)) {
            Ok(0) => return Poll::Ready(Err(broken_off(None))),
            Ok(_) => {}
            Err(error) => return Poll::Ready(Err(broken_off(Some(error)))),
        }
    }
}
