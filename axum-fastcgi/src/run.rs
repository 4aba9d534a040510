//! One binary everywhere: FastCGI, plain CGI, or HTTP for development.

use std::{
    convert::Infallible,
    fmt,
    future::{Future, IntoFuture, Ready, ready},
    io,
    pin::Pin,
    time::Duration,
};

use axum::{extract::Request, response::Response};
use fastcgi_tower::{
    BoxError, RunError,
    listener::AnyListener,
    process::{Environment, Lifecycle, Signal},
};
use tower_service::Service;

#[cfg(feature = "http")]
use crate::development;
use crate::{IncomingRequest, Serve, serve};

/// Runs an application in the way in which this process was started.
///
/// | started | runs |
/// |---|---|
/// | by mod_fcgid, spawn-fcgi, lighttpd's `bin-path`, ..., with a listening socket on descriptor 0 | FastCGI on it |
/// | by systemd or the like, with sockets in `LISTEN_FDS` | FastCGI on them |
/// | by a web server as a CGI program: `GATEWAY_INTERFACE` or `REQUEST_METHOD` is set | one CGI request |
/// | by inetd or systemd, with one connection, on descriptor 0 or in `LISTEN_FDS` | FastCGI on it |
/// | with addresses given to [`bind`](Run::bind) | FastCGI there |
/// | with `FCGI_LISTEN` set to [addresses](fastcgi_tower::Address), separated by commas | FastCGI there |
/// | by hand | HTTP for development, on the port in `PORT` or 3000 |
///
/// The first row that fits counts. `SIGTERM`, `SIGINT` and `SIGUSR1` stop it gracefully: within 3 seconds on descriptor 0, where the process manager
/// kills soon, and by hand, and within 30 elsewhere. On descriptor 0 it also stops when its program file is replaced, so that an
/// upload takes effect. The environment variables `FCGI_SCRIPT_NAME` (where the application is mounted) and
/// `FCGI_PATH_SOURCE` (`auto`, `path-info` or `request-uri`: which variable has the path) count unless
/// [`configure`](Run::configure) says otherwise. As a CGI program, what the application prints goes to standard error, so
/// that it does not become a part of the response.
///
/// ```no_run
/// use axum::{Router, routing::get};
///
/// #[tokio::main(flavor = "current_thread")]
/// async fn main() -> Result<(), axum_fastcgi::RunError> {
///     let app = Router::new().route("/", get(|| async { "Hello, world!" }));
///     axum_fastcgi::run(app).await
/// }
/// ```
pub fn run<M, S>(make_service: M) -> Run<Ready<Result<M, Infallible>>, M, S>
where
    M: Service<IncomingRequest, Error = Infallible, Response = S>,
{
    run_when_ready(ready(Ok(make_service)))
}

/// As [`run`], for an application that has something to do before it can answer.
///
/// The sockets are there from the beginning, so requests wait and none meets half an application. What `startup` makes
/// is best handed on as the router's state. A signal to stop ends `startup` wherever it waits.
///
/// ```no_run
/// use std::sync::Arc;
///
/// use axum::{Router, extract::State, routing::get};
///
/// #[tokio::main(flavor = "current_thread")]
/// async fn main() -> Result<(), axum_fastcgi::RunError> {
///     axum_fastcgi::run_when_ready(async {
///         let motto = tokio::fs::read_to_string("motto.txt").await?;
///         let app = Router::new().route("/", get(|State(motto): State<Arc<str>>| async move { motto.to_string() }));
///         Ok::<_, std::io::Error>(app.with_state(motto.into()))
///     })
///     .await
/// }
/// ```
pub fn run_when_ready<F, M, S, E>(startup: F) -> Run<F, M, S>
where
    F: Future<Output = Result<M, E>>,
    M: Service<IncomingRequest, Error = Infallible, Response = S>,
{
    Run {
        startup,
        configure: None,
        lifecycle: Lifecycle::default(),
    }
}

/// The future of [`run`], with its settings.
#[must_use = "an application does nothing unless it is awaited"]
pub struct Run<F, M, S> {
    startup: F,
    configure: Option<Configure<M, S>>,
    lifecycle: Lifecycle,
}

type Configure<M, S> = Box<dyn FnOnce(Serve<AnyListener, M, S>) -> Serve<AnyListener, M, S> + Send>;

impl<F, M, S> Run<F, M, S> {
    /// Settings for the server, where it is not HTTP for development. They take the place of the defaults, and of the
    /// environment.
    ///
    /// ```
    /// # let app = axum::Router::new();
    /// let run = axum_fastcgi::run(app).configure(|server| server.script_name("/app").max_requests(10_000));
    /// ```
    pub fn configure(
        mut self,
        configure: impl FnOnce(Serve<AnyListener, M, S>) -> Serve<AnyListener, M, S> + Send + 'static,
    ) -> Self {
        self.configure = Some(Box::new(configure));
        self
    }

    /// Listens on an [address](fastcgi_tower::Address), a path or `host:port`, if the process is not handed a socket or a
    /// request. Several calls are several addresses. It goes before `FCGI_LISTEN` and HTTP for development.
    ///
    /// ```
    /// # let app = axum::Router::new();
    /// let run = axum_fastcgi::run(app).bind("/run/app/app.sock").bind("127.0.0.1:9000");
    /// ```
    pub fn bind(mut self, address: impl Into<String>) -> Self {
        self.lifecycle = self.lifecycle.bind(address);
        self
    }

    /// How many connections may wait to be accepted on each socket that [`bind`](Self::bind) or `FCGI_LISTEN` opens.
    /// Default: 1024.
    pub fn backlog(mut self, connections: u32) -> Self {
        self.lifecycle = self.lifecycle.backlog(connections);
        self
    }

    /// How long the startup may take. Default: 30 s. After that it is an error: mod_fcgid gives up waiting after 40.
    pub fn startup_timeout(mut self, limit: Duration) -> Self {
        self.lifecycle = self.lifecycle.startup_timeout(limit);
        self
    }

    /// What to do after the last request, such as closing a pool of connections.
    pub fn on_shutdown(mut self, shutdown: impl Future<Output = ()> + Send + 'static) -> Self {
        self.lifecycle = self.lifecycle.on_shutdown(shutdown);
        self
    }

    /// How long [`on_shutdown`](Self::on_shutdown) may take. Default: 10 s. After that it is dropped.
    pub fn shutdown_timeout(mut self, limit: Duration) -> Self {
        self.lifecycle = self.lifecycle.shutdown_timeout(limit);
        self
    }
}

impl<F, M, S, E> IntoFuture for Run<F, M, S>
where
    F: Future<Output = Result<M, E>> + Send + 'static,
    E: Into<BoxError> + 'static,
    M: Service<IncomingRequest, Error = Infallible, Response = S> + Clone + Send + 'static,
    M::Future: Send,
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Output = Result<(), RunError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        let configure = self.configure;
        Box::pin(
            self.lifecycle
                .run(self.startup, |environment, make_service, signal| {
                    serve_in(environment, make_service, configure, signal)
                }),
        )
    }
}

async fn serve_in<M, S>(
    environment: Environment,
    make_service: M,
    configure: Option<Configure<M, S>>,
    signal: Signal,
) -> io::Result<()>
where
    M: Service<IncomingRequest, Error = Infallible, Response = S> + Clone + Send + 'static,
    M::Future: Send,
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    let apply = |server| match configure {
        Some(configure) => configure(server),
        None => server,
    };
    match environment {
        Environment::Inherited(socket) => {
            let server = server_on(AnyListener::new([socket])?, make_service)?
                .exit_when_replaced(true)
                .grace_period(Lifecycle::INHERITED_GRACE_PERIOD);
            apply(server).with_graceful_shutdown(signal).await
        }
        Environment::Activated(sockets) | Environment::Bound(sockets) => {
            apply(server_on(AnyListener::new(sockets)?, make_service)?)
                .with_graceful_shutdown(signal)
                .await
        }
        Environment::Cgi(single) | Environment::Connected(single) => {
            single
                .serve(signal, async |listener, stop| {
                    apply(server_on(listener, make_service)?)
                        .with_graceful_shutdown(stop)
                        .await
                })
                .await
        }
        #[cfg(feature = "http")]
        Environment::Http(addr) => development::serve(addr, make_service, signal).await,
        _ => Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "there is no socket to serve FastCGI on: let a web server start this program, or set FCGI_LISTEN to a path \
             or host:port",
        )),
    }
}

/// A server with the settings that the environment has.
fn server_on<M, S>(listener: AnyListener, make_service: M) -> io::Result<Serve<AnyListener, M, S>>
where
    M: Service<IncomingRequest, Error = Infallible, Response = S> + Clone + Send + 'static,
    M::Future: Send,
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    Ok(serve(listener, make_service).with_builder(Lifecycle::builder()?))
}

impl<F, M, S> fmt::Debug for Run<F, M, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run")
            .field("lifecycle", &self.lifecycle)
            .finish_non_exhaustive()
    }
}
