//! The life of a process: what it was started for, its startup, its requests, its end.

use std::{
    fmt,
    future::{Future, IntoFuture, Ready, ready},
    io,
    marker::PhantomData,
    net::SocketAddr,
    pin::Pin,
    time::Duration,
};

use http_body::Body;
use tokio::{select, time::timeout};

use super::{
    environment::{Bind, Environment},
    greeting::Greeting,
    mount::Mount,
    run_error::RunError,
};
use crate::{
    ending::{Signal, shutdown_signal},
    error::BoxError,
    exchange::ExchangeService,
    http_service::HttpService,
    listener::AnyListener,
    serve::{Serve, serve_exchanges},
};

/// The future of a facade's `run`, with its settings.
///
/// The sockets are there from the beginning, so requests wait during the startup and none meets half an application.
#[must_use = "an application does nothing unless it is awaited"]
pub struct Run<F, A: Application> {
    startup: F,
    configure: Configure<A::Server>,
    bind: Bind,
    startup_timeout: Duration,
    stop: Option<Signal>,
    shutdown: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    shutdown_timeout: Duration,
}

/// What a user changes in the server that the environment asks for.
pub type Configure<S> = Box<dyn FnOnce(S) -> S + Send>;

/// An application of some framework: what [`Run`] runs.
pub trait Application: Sized {
    /// The server that serves it.
    type Server;
}

/// How an application is run whose startup is `F`.
pub trait RunApplication<F>: Application {
    /// The life of the process.
    type Future: Future<Output = Result<(), RunError>>;

    /// Runs it: by [`Run::run`].
    fn run(run: Run<F, Self>) -> Self::Future;
}

/// How long requests in progress may take where the process manager waits 3 seconds before it kills: on descriptor 0.
pub const INHERITED_GRACE_PERIOD: Duration = Duration::from_secs(3);

impl<F, A: Application> Run<F, A> {
    /// Runs what `startup` makes.
    pub fn new(startup: F) -> Self {
        Self {
            startup,
            configure: Box::new(|server| server),
            bind: Bind::default(),
            startup_timeout: Duration::from_secs(30),
            stop: None,
            shutdown: None,
            shutdown_timeout: Duration::from_secs(10),
        }
    }

    /// Settings for the server, where it is not HTTP for development. They take the place of the defaults, and of the
    /// environment.
    pub fn configure(
        mut self,
        configure: impl FnOnce(A::Server) -> A::Server + Send + 'static,
    ) -> Self {
        self.configure = Box::new(configure);
        self
    }

    /// Listens on an [address](crate::Address), a path or `host:port`, if the process is not handed a socket or a request.
    /// Several calls are several addresses. It is preferred to `FCGI_LISTEN` and to HTTP for development.
    pub fn bind(mut self, address: impl Into<String>) -> Self {
        self.bind.addresses.push(address.into());
        self
    }

    /// How many connections may wait to be accepted on each socket that [`bind`](Self::bind) or `FCGI_LISTEN` opens.
    /// Default: 1024.
    pub fn backlog(mut self, connections: u32) -> Self {
        self.bind.backlog = connections;
        self
    }

    /// How long the startup may take. Default: 30 s. After that it is an error: mod_fcgid gives up waiting after 40.
    pub fn startup_timeout(mut self, limit: Duration) -> Self {
        self.startup_timeout = limit;
        self
    }

    /// Stops also when `signal` is ready, as upon a `SIGTERM`: such as [`StopHandle::stopped`](crate::StopHandle::stopped).
    pub fn with_graceful_shutdown(
        mut self,
        signal: impl Future<Output = ()> + Send + 'static,
    ) -> Self {
        self.stop = Some(Box::pin(signal));
        self
    }

    /// What to do after the last request, such as closing a pool of connections.
    pub fn on_shutdown(mut self, shutdown: impl Future<Output = ()> + Send + 'static) -> Self {
        self.shutdown = Some(Box::pin(shutdown));
        self
    }

    /// How long [`on_shutdown`](Self::on_shutdown) may take. Default: 10 s. After that it is dropped.
    pub fn shutdown_timeout(mut self, limit: Duration) -> Self {
        self.shutdown_timeout = limit;
        self
    }

    /// Finds out what the process was started for, awaits the startup, and then what `serve` makes of the two.
    ///
    /// `SIGTERM`, `SIGINT` and `SIGUSR1` end the startup at once, and are handed on to `serve` after that.
    ///
    /// # Errors
    ///
    /// When the socket cannot be used, the startup fails or takes too long, or serving fails.
    pub async fn run<T, E, S>(
        self,
        serve: impl FnOnce(Environment, T, Configure<A::Server>, Signal) -> S,
    ) -> Result<(), RunError>
    where
        F: Future<Output = Result<T, E>>,
        E: Into<BoxError>,
        S: Future<Output = io::Result<()>>,
    {
        // First of all, so that a signal during the startup is not lost.
        let mut signal: Signal = Box::pin(shutdown_signal().map_err(RunError::environment)?);
        if let Some(stop) = self.stop {
            signal = Box::pin(async {
                select! {
                    () = signal => {}
                    () = stop => {}
                }
            });
        }
        let environment = Environment::detect(&self.bind).map_err(RunError::environment)?;
        tracing::info!("running: {environment}");
        let application = select! {
            biased;
            () = &mut signal => return Ok(()),
            application = start(self.startup, self.startup_timeout) => application?,
        };
        let served = serve(environment, application, self.configure, signal).await;
        if let Some(shutdown) = self.shutdown {
            if timeout(self.shutdown_timeout, shutdown).await.is_err() {
                tracing::error!("what was to be done at the end took too long");
            }
        }
        served.map_err(RunError::server)
    }
}

#[cfg(feature = "http-server")]
impl<F, S> Run<F, Exchanges<S>> {
    /// Serves HTTP on `host:port`, if the process is not handed a socket or a request, in place of FastCGI: for a browser, or for
    /// a web server that speaks HTTP to it. [`bind`](Self::bind) is preferred to it, and it to `FCGI_LISTEN` and `PORT`.
    ///
    /// The params are those that a web server would send. There is no TLS, and no HTTP/2. A client that pauses for 60 s within
    /// a body makes the body fail, unless other [`Timeouts`](crate::Timeouts) are configured.
    pub fn http(mut self, address: impl Into<String>) -> Self {
        self.bind.http = Some(address.into());
        self
    }
}

impl<F, A: RunApplication<F>> IntoFuture for Run<F, A> {
    type Output = Result<(), RunError>;
    type IntoFuture = A::Future;

    fn into_future(self) -> Self::IntoFuture {
        A::run(self)
    }
}

/// Runs a service of HTTP requests in the way in which this process was started.
///
/// The environment variables `FCGI_SCRIPT_NAME`, `FCGI_PATH_SOURCE` and `FCGI_MOUNT_REDIRECTS` count ([`Mount`]). A process
/// that was started by hand serves HTTP on the port in `PORT` or on 3000, if the feature `http-server` is on; without it, it
/// needs `FCGI_LISTEN`.
///
/// ```no_run
/// use std::convert::Infallible;
///
/// use fastcgi_tower::Incoming;
/// use http::{Request, Response};
///
/// async fn hello(_: Request<Incoming>) -> Result<Response<String>, Infallible> {
///     Ok(Response::new("hello".to_owned()))
/// }
///
/// #[tokio::main(flavor = "current_thread")]
/// async fn main() -> Result<(), fastcgi_tower::RunError> {
///     fastcgi_tower::run(tower::service_fn(hello)).bind("/run/app/app.sock").await
/// }
/// ```
pub fn run<S>(service: S) -> Run<Ready<io::Result<HttpService<S>>>, Exchanges<HttpService<S>>> {
    Run::new(ready(mounted(service)))
}

/// As [`run`], for a service that answers [`Exchange`](crate::Exchange)s.
pub fn run_exchanges<S>(service: S) -> Run<Ready<io::Result<S>>, Exchanges<S>> {
    Run::new(ready(Ok(service)))
}

/// A service of HTTP requests, where the environment says that it is mounted.
///
/// # Errors
///
/// When a variable of [`Mount`] is invalid.
pub fn mounted<S>(service: S) -> io::Result<HttpService<S>> {
    let mount = Mount::from_env()?;
    let mut service = HttpService::new(service);
    if let Some(script_name) = mount.script_name {
        service = service.script_name(script_name);
    }
    if let Some(path_source) = mount.path_source {
        service = service.path_source(path_source);
    }
    if let Some(mount) = mount.redirects {
        service = service.mount_redirects(mount);
    }
    Ok(service)
}

/// A service of exchanges: what [`run_exchanges`] runs.
#[derive(Debug)]
pub struct Exchanges<S>(PhantomData<fn(S)>);

impl<S> Application for Exchanges<S> {
    type Server = Serve<AnyListener, S>;
}

impl<F, S, E> RunApplication<F> for Exchanges<S>
where
    F: Future<Output = Result<S, E>> + Send + 'static,
    E: Into<BoxError> + 'static,
    S: ExchangeService<Future: Send> + Clone + Send + 'static,
    S::Body: Body<Data: Send> + Send + 'static,
{
    type Future = Pin<Box<dyn Future<Output = Result<(), RunError>> + Send>>;

    fn run(run: Run<F, Self>) -> Self::Future {
        Box::pin(run.run(|environment, service, configure, signal| async {
            #[cfg(feature = "http-server")]
            if let Environment::Http(addr) = environment {
                return super::twin::serve(addr, service, configure, signal).await;
            }
            serve_in(environment, service, configure, signal, no_http).await
        }))
    }
}

/// For programs that do not serve HTTP when they are started by hand.
///
/// # Errors
///
/// Always: the message says how to deploy.
pub async fn no_http<S>(_: SocketAddr, _: S, _: Signal) -> io::Result<()> {
    Err(io::Error::new(
        io::ErrorKind::Unsupported,
        "there is no socket to serve FastCGI on: let a web server start this program, or set FCGI_LISTEN to a path or \
         host:port",
    ))
}

async fn start<T, E: Into<BoxError>>(
    startup: impl Future<Output = Result<T, E>>,
    limit: Duration,
) -> Result<T, RunError> {
    match timeout(limit, startup).await {
        Ok(Ok(application)) => Ok(application),
        Ok(Err(error)) => Err(RunError::startup(error.into())),
        Err(_) => Err(RunError::startup(
            format!(
                "it took longer than {} s, which startup_timeout can change",
                limit.as_secs_f32()
            )
            .into(),
        )),
    }
}

/// Serves `service` in an environment, whichever it is; by hand with `http`.
///
/// # Errors
///
/// When a setting is invalid, or serving fails.
pub async fn serve_in<S, H>(
    environment: Environment,
    service: S,
    configure: Configure<Serve<AnyListener, S>>,
    signal: Signal,
    http: impl FnOnce(SocketAddr, S, Signal) -> H,
) -> io::Result<()>
where
    S: ExchangeService<Future: Send> + Clone + Send + 'static,
    S::Body: Body<Data: Send> + Send + 'static,
    H: Future<Output = io::Result<()>>,
{
    let greeting = Greeting::new(&environment);
    let greet = move || greeting.say();
    match environment {
        Environment::Inherited(socket) => {
            let server = serve_exchanges(AnyListener::new([socket])?, service)
                .exit_when_replaced(true)
                .grace_period(INHERITED_GRACE_PERIOD);
            let server = configure(server).on_ready(greet);
            server.with_graceful_shutdown(signal).await
        }
        Environment::Activated(sockets) | Environment::Bound(sockets) => {
            let server = serve_exchanges(AnyListener::new(sockets)?, service);
            let server = configure(server).on_ready(greet);
            server.with_graceful_shutdown(signal).await
        }
        Environment::Cgi(single) | Environment::Connected(single) => {
            single
                .serve(signal, |listener, stop| {
                    configure(serve_exchanges(listener, service))
                        .with_graceful_shutdown(stop)
                        .into_future()
                })
                .await
        }
        Environment::Http(addr) => http(addr, service, signal).await,
    }
}

impl<F, A: Application> fmt::Debug for Run<F, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run")
            .field("bind", &self.bind)
            .field("startup_timeout", &self.startup_timeout)
            .field("shutdown_timeout", &self.shutdown_timeout)
            .finish_non_exhaustive()
    }
}
