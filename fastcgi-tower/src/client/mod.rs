//! The web server's side: a client of FastCGI applications, such as php-fpm.
//!
//! [`Client::exchange`] sends params and a body, and gives what the application writes:
//!
//! ```no_run
//! use fastcgi_tower::client::{Address, Client, Script};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let php = Client::new("unix:/run/php/php-fpm.sock".parse::<Address>()?);
//! let script = Script::new("/srv/www", "/report.php")?.query("day=1");
//! let output = php.exchange(script, "").await?;
//! print!("{}", String::from_utf8_lossy(&output.stdout));
//! eprint!("{}", String::from_utf8_lossy(&output.stderr));
//! # Ok(())
//! # }
//! ```
//!
//! The same client is a tower service of HTTP requests, whose bodies stream:
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
mod exchange;
mod exchange_stream;
mod link;
mod pool;
mod response_body;
mod response_future;
mod service;
mod start;
mod stderr;
mod times;
mod trace;
mod values;

use std::{sync::Arc, time::Duration};

use proto::{Params, record::Role};

pub use proto::client::{InvalidScript, Script, ServerInfo};
pub use proto::record::{Header, RecordType, RequestId};

pub use crate::address::{Address, InvalidAddress};

pub use self::{
    error::ClientError,
    exchange::Output,
    exchange_stream::{ExchangeStream, Piece},
    response_body::ClientBody,
    response_future::ClientFuture,
    service::ExtraParams,
    stderr::OnStderr,
    trace::{Direction, Traced},
};
use self::{
    pool::{Limits, Pool},
    times::Times,
};

/// Sends requests to one FastCGI application: HTTP requests as a tower [`Service`](tower_service::Service), or params as
/// they are ([`exchange`](Self::exchange)).
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
/// | [`max_connections`](Self::max_connections) | 64 | a place: so many requests at a time |
/// | [`max_output`](Self::max_output) | 16 MiB | nothing: it is the most that [`exchange`](Self::exchange) collects |
///
/// When one of the times has passed, the request fails ([`ClientError::is_timeout`]) and its connection is closed. Only
/// [`timeout`](Self::timeout) counts the time in which the request's own body is awaited, or in which the
/// response's body is not read.
///
/// Use [`keep_conn(false)`](Self::keep_conn) for php-fpm where other clients need its children, too: a child that keeps a
/// connection serves no other one meanwhile.
#[derive(Clone, Debug)]
pub struct Client {
    pool: Arc<Pool>,
    server: Arc<ServerInfo>,
    params: Params,
    times: Times,
    role: Role,
    max_output: usize,
    on_stderr: Option<OnStderr>,
}

/// Beyond what a page or a report has; downloads are for those that stream.
const MAX_OUTPUT: usize = 16 * 1024 * 1024;

impl Client {
    /// A client of the application that listens on `address`. Nothing is connected yet.
    pub fn new(address: impl Into<Address>) -> Self {
        Self::over(Pool::new(address.into(), Limits::DEFAULT), Times::DEFAULT)
    }

    /// A client of an application inside this process.
    #[cfg(feature = "http-server")]
    pub(crate) fn inside(application: tokio::sync::mpsc::Sender<tokio::net::UnixStream>) -> Self {
        Self::over(Pool::inside(application), Times::NONE)
    }

    fn over(pool: Pool, times: Times) -> Self {
        Self {
            pool: Arc::new(pool),
            server: Arc::default(),
            params: Params::default(),
            times,
            role: Role::RESPONDER,
            max_output: MAX_OUTPUT,
            on_stderr: None,
        }
    }

    /// What the application gets to know of the web server, where a request has no [`ServerInfo`] in its extensions.
    #[must_use]
    pub fn server_info(mut self, server: ServerInfo) -> Self {
        self.server = Arc::new(server);
        self
    }

    /// Sends a param with every request, behind those that the request gives and in the place of one with the same name, as
    /// [`Params::with`] does.
    #[must_use]
    pub fn param(mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Self {
        let pair = (name.as_ref(), value.as_ref());
        self.params = self.params.with(&[pair].into_iter().collect());
        self
    }

    /// Whether connections are used for more than one request: up to 8 of them are kept while they are idle. Default: `true`.
    /// Connections are not shared with the client that this was made of.
    #[must_use]
    pub fn keep_conn(self, keep_conn: bool) -> Self {
        let limits = self.pool.limits();
        self.with_limits(Limits {
            keep_conn,
            ..limits
        })
    }

    /// The most requests at a time; more wait for their turn. Default: 64. A limit of 0 is one of 1. Connections and places
    /// are not shared with the client that this was made of.
    #[must_use]
    pub fn max_connections(self, max_connections: usize) -> Self {
        let limits = self.pool.limits();
        self.with_limits(Limits {
            max_connections: max_connections.max(1),
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

    /// The role that the application is asked for (specification, 6). Default: [`Role::RESPONDER`].
    ///
    /// A clone may have another one and share the connections. A Filter gets an empty `FCGI_DATA`.
    #[must_use]
    pub fn role(mut self, role: Role) -> Self {
        self.role = role;
        self
    }

    /// The most that [`exchange`](Self::exchange) collects, in bytes of both streams together. Default: 16 MiB.
    #[must_use]
    pub fn max_output(mut self, bytes: usize) -> Self {
        self.max_output = bytes;
        self
    }

    /// Calls `function` for each record that is sent or has arrived, for people to look at. Connections are not shared with
    /// the client that this was made of.
    ///
    /// With more than one connection at a time, the records of all of them come as they are. Params may be secret.
    #[must_use]
    pub fn on_record(
        mut self,
        function: impl Fn(Direction, Traced<'_>) + Send + Sync + 'static,
    ) -> Self {
        let pool = self.pool.with_limits(self.pool.limits());
        self.pool = Arc::new(pool.traced(function));
        self
    }

    /// Where messages of HTTP requests on `FCGI_STDERR` go. By default they are logged with the level `warn`, up to 16 KiB for
    /// each request.
    #[must_use]
    pub fn on_stderr(mut self, function: impl Fn(&[u8]) + Send + Sync + 'static) -> Self {
        self.on_stderr = Some(OnStderr::new(function));
        self
    }

    /// Where the application listens.
    pub fn address(&self) -> &Address {
        self.pool.address()
    }

    fn with_limits(mut self, limits: Limits) -> Self {
        self.pool = Arc::new(self.pool.with_limits(limits));
        self
    }
}
