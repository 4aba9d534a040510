//! One binary everywhere: FastCGI, plain CGI, or HTTP for development.

use std::{
    convert::Infallible,
    future::{Future, Ready, ready},
    marker::PhantomData,
    pin::Pin,
};

use axum::{extract::Request, response::Response};
use fastcgi_tower::{
    BoxError, RunError,
    listener::AnyListener,
    process::{self, RunApplication},
};
use tower_service::Service;

#[cfg(feature = "http")]
use crate::development::serve as serve_http;
use crate::{
    make_service::{IncomingRequest, prepare},
    request_service::RequestService,
    serve::Serve,
};

#[cfg(not(feature = "http"))]
use process::no_http as serve_http;

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
pub fn run<M, S>(make_service: M) -> Run<Ready<Result<M, Infallible>>, M>
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
pub fn run_when_ready<F, M, S, E>(startup: F) -> Run<F, M>
where
    F: Future<Output = Result<M, E>>,
    M: Service<IncomingRequest, Error = Infallible, Response = S>,
{
    Run::new(startup)
}

/// The future of [`run`], with its settings.
///
/// ```
/// # let app = axum::Router::new();
/// let run = axum_fastcgi::run(app)
///     .bind("/run/app/app.sock")
///     .bind("127.0.0.1:9000")
///     .configure(|server| server.script_name("/app").max_requests(10_000));
/// ```
pub type Run<F, M> = process::Run<F, AxumApplication<M>>;

/// An application of axum: what [`run`] runs.
#[derive(Debug)]
pub struct AxumApplication<M>(PhantomData<fn(M)>);

impl<M> process::Application for AxumApplication<M> {
    type Server = Serve<AnyListener, M>;
}

impl<F, M, S, E> RunApplication<F> for AxumApplication<M>
where
    F: Future<Output = Result<M, E>> + Send + 'static,
    E: Into<BoxError> + 'static,
    M: Service<IncomingRequest, Error = Infallible, Response = S> + Clone + Send + 'static,
    M::Future: Send,
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Future = Pin<Box<dyn Future<Output = Result<(), RunError>> + Send>>;

    fn run(run: Run<F, M>) -> Self::Future {
        Box::pin(
            run.run(|environment, mut make_service, configure, signal| async {
                prepare(&mut make_service);
                let service = process::mounted(RequestService::new(make_service))?;
                process::serve_in(environment, service, configure, signal, serve_http).await
            }),
        )
    }
}
