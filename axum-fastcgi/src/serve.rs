//! The server: `axum::serve`, over FastCGI.

use std::{
    convert::Infallible,
    fmt,
    future::{Future, IntoFuture},
    io,
    marker::PhantomData,
    pin::Pin,
    time::Duration,
};

use axum::{extract::Request, response::Response};
use fastcgi_tower::{Builder, Listener};
use tower_service::Service;

use crate::{IncomingRequest, make_service::prepare, request_service::RequestService};

/// Serves an axum application on the connections of web servers.
///
/// Takes what `axum::serve` takes: a [`Router`](axum::Router), a [`MethodRouter`](axum::routing::MethodRouter), a
/// [`Handler`](axum::handler::Handler) with its state, and what `into_make_service` and
/// `into_make_service_with_connect_info` give. The listener is tokio's TCP or Unix listener, or one of
/// [`listener`](crate::listener).
///
/// The future never ends, unless there is a [graceful shutdown](Serve::with_graceful_shutdown) or a wrong setting.
///
/// ```no_run
/// use axum::{Router, routing::get};
///
/// # async fn run() -> std::io::Result<()> {
/// let app = Router::new().route("/", get(|| async { "Hello, world!" }));
/// let listener = axum_fastcgi::UnixSocket::bind("/run/app/app.sock")?;
/// axum_fastcgi::serve(listener, app)
///     .script_name("/app")
///     .with_graceful_shutdown(async {
///         tokio::signal::ctrl_c().await.ok();
///     })
///     .await
/// # }
/// ```
pub fn serve<L, M, S>(listener: L, mut make_service: M) -> Serve<L, M, S>
where
    L: Listener,
    M: Service<IncomingRequest, Error = Infallible, Response = S> + Clone + Send + 'static,
    M::Future: Send,
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    prepare(&mut make_service);
    Serve {
        inner: fastcgi_tower::serve(listener, RequestService::new(make_service)),
        service: PhantomData,
    }
}

/// The future of [`serve`], with its settings.
#[must_use = "a server does nothing unless it is awaited"]
pub struct Serve<L, M, S> {
    inner: fastcgi_tower::Serve<L, RequestService<M>>,
    service: PhantomData<fn() -> S>,
}

impl<L, M, S> Serve<L, M, S> {
    /// Says where the application is mounted, in place of what the web server says: `""` is the root, `"/app"` a
    /// directory (T-8).
    ///
    /// Needed where the web server's `SCRIPT_NAME` is not the mount point. A path that is none is an error of the
    /// server's future.
    pub fn script_name(self, path: impl AsRef<str>) -> Self {
        self.map(|inner| inner.script_name(path))
    }

    /// Replaces all settings for connections, [`script_name`](Self::script_name) included.
    pub fn with_builder(self, builder: Builder) -> Self {
        self.map(|inner| inner.with_builder(builder))
    }

    /// The most connections at a time; more wait to be accepted. Default: 1024.
    pub fn max_connections(self, connections: usize) -> Self {
        self.map(|inner| inner.max_connections(connections))
    }

    /// Stops when `signal` is ready: no further connection is accepted, requests in progress finish, and then the
    /// server's future is done.
    pub fn with_graceful_shutdown(self, signal: impl Future<Output = ()> + Send + 'static) -> Self {
        self.map(|inner| inner.with_graceful_shutdown(signal))
    }

    /// Whether the listener may be on an address that other machines can reach, although the environment variable
    /// `FCGI_WEB_SERVER_ADDRS` does not say which of them are web servers. Default: `false`, it is an error of the
    /// server's future: whoever can connect can be anybody to the application.
    pub fn allow_remote(self, allow: bool) -> Self {
        self.map(|inner| inner.allow_remote(allow))
    }

    /// How long requests in progress may take to finish when the server stops. Default: 30 s. After that they are
    /// dropped.
    pub fn grace_period(self, period: Duration) -> Self {
        self.map(|inner| inner.grace_period(period))
    }

    /// Whether to stop when the program's file has been replaced, or `tmp/restart.txt` beside it or in the working
    /// directory touched, so that a process manager starts the new program. Default: `false`. Looked at once a second.
    pub fn exit_when_replaced(self, exit: bool) -> Self {
        self.map(|inner| inner.exit_when_replaced(exit))
    }

    /// Stops after so many requests. Default: never.
    pub fn max_requests(self, requests: u64) -> Self {
        self.map(|inner| inner.max_requests(requests))
    }

    /// Stops after so long. Default: never. Looked at once a second.
    pub fn max_lifetime(self, lifetime: Duration) -> Self {
        self.map(|inner| inner.max_lifetime(lifetime))
    }

    /// Stops when the process has more than so many bytes of memory resident. Default: never. Looked at once a second,
    /// and only on Linux.
    pub fn max_rss(self, bytes: u64) -> Self {
        self.map(|inner| inner.max_rss(bytes))
    }

    fn map(
        self,
        f: impl FnOnce(
            fastcgi_tower::Serve<L, RequestService<M>>,
        ) -> fastcgi_tower::Serve<L, RequestService<M>>,
    ) -> Self {
        Self {
            inner: f(self.inner),
            service: PhantomData,
        }
    }
}

impl<L: Listener, M, S> Serve<L, M, S> {
    /// Where connections are accepted.
    pub fn local_addr(&self) -> io::Result<L::Addr> {
        self.inner.local_addr()
    }
}

impl<L, M, S> IntoFuture for Serve<L, M, S>
where
    L: Listener,
    M: Service<IncomingRequest, Error = Infallible, Response = S> + Clone + Send + 'static,
    M::Future: Send,
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Output = io::Result<()>;
    type IntoFuture = Pin<Box<dyn Future<Output = io::Result<()>> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        self.inner.into_future()
    }
}

impl<L, M, S> fmt::Debug for Serve<L, M, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
