//! A server: accepts connections and drives each in a task of its own.

mod accept;
mod retirement;
mod stop;
mod task;
mod web_servers;

use std::{
    fmt,
    future::{Future, IntoFuture},
    io,
    marker::PhantomData,
    pin::Pin,
    time::Duration,
};

use http_body::Body;
use proto::cgi::{InvalidScriptName, ScriptName};
use tower_service::Service;

use self::retirement::Retirement;
use crate::{BoxError, Builder, FromExchange, Incoming, Listener};

/// Serves `service` on the connections of `listener`: the FastCGI counterpart of `axum::serve`.
///
/// Each connection is driven in a task of its own with a clone of the service. The future never ends, unless there is
/// a [graceful shutdown](Serve::with_graceful_shutdown), a reason to [retire](Serve::exit_when_replaced), or a wrong
/// setting.
///
/// ```no_run
/// # async fn hello(_: http::Request<fastcgi_tower::Incoming>) -> Result<http::Response<String>, std::convert::Infallible> {
/// #     Ok(http::Response::new(String::new()))
/// # }
/// # async fn run() -> std::io::Result<()> {
/// let listener = fastcgi_tower::listener::UnixSocket::bind("/run/app/app.sock")?;
/// fastcgi_tower::serve(listener, tower::service_fn(hello))
///     .script_name("/app")
///     .with_graceful_shutdown(fastcgi_tower::shutdown_signal()?)
///     .await
/// # }
/// ```
pub fn serve<L, S>(listener: L, service: S) -> Serve<L, S> {
    serve_as(listener, service)
}

/// As [`serve`], for a service that takes the requests of another HTTP library: those of `R`.
///
/// Its responses are [`http::Response`]s all the same.
pub fn serve_as<R, L, S>(listener: L, service: S) -> Serve<L, S, R> {
    Serve {
        listener,
        service,
        settings: Settings {
            builder: Builder::new(),
            max_connections: 1024,
            allow_remote: false,
            grace_period: Duration::from_secs(30),
            retirement: Retirement::default(),
        },
        invalid_script_name: None,
        signal: None,
        request: PhantomData,
    }
}

/// The future of [`serve`], with its settings.
#[must_use = "a server does nothing unless it is awaited"]
pub struct Serve<L, S, R = http::Request<Incoming>> {
    listener: L,
    service: S,
    settings: Settings,
    /// Told when the server is awaited, so that settings can be chained.
    invalid_script_name: Option<InvalidScriptName>,
    signal: Option<Signal>,
    request: PhantomData<fn(R)>,
}

/// Tells the server to stop.
type Signal = Pin<Box<dyn Future<Output = ()> + Send>>;

#[derive(Debug)]
struct Settings {
    builder: Builder,
    max_connections: usize,
    allow_remote: bool,
    grace_period: Duration,
    retirement: Retirement,
}

impl<L, S, R> Serve<L, S, R> {
    /// Says where the application is mounted, in place of what the web server says: `""` is the root, `"/app"` a
    /// directory (T-8).
    ///
    /// Needed where the web server's `SCRIPT_NAME` is not the mount point. A path that is none is an error of the
    /// server's future.
    pub fn script_name(mut self, path: impl AsRef<str>) -> Self {
        match path.as_ref().parse::<ScriptName>() {
            Ok(script_name) => {
                self.settings.builder = self.settings.builder.script_name(script_name);
            }
            Err(error) => self.invalid_script_name = Some(error),
        }
        self
    }

    /// Replaces all settings for connections, [`script_name`](Self::script_name) included.
    pub fn with_builder(mut self, builder: Builder) -> Self {
        self.settings.builder = builder;
        self
    }

    /// The most connections at a time; more wait to be accepted. Default: 1024.
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.settings.max_connections = connections;
        self
    }

    /// Whether the listener may be on an address that other machines can reach, although the environment variable
    /// `FCGI_WEB_SERVER_ADDRS` does not say which of them are web servers. Default: `false`, it is an error of the
    /// server's future: whoever can connect can be anybody to the application.
    pub fn allow_remote(mut self, allow: bool) -> Self {
        self.settings.allow_remote = allow;
        self
    }

    /// Stops when `signal` is ready: connections that wait are still served, requests in progress finish, idle
    /// connections are closed, and then the server's future is done.
    pub fn with_graceful_shutdown(
        mut self,
        signal: impl Future<Output = ()> + Send + 'static,
    ) -> Self {
        self.signal = Some(Box::pin(signal));
        self
    }

    /// How long requests in progress may take to finish when the server stops. Default: 30 s. After that they are
    /// dropped.
    pub fn grace_period(mut self, period: Duration) -> Self {
        self.settings.grace_period = period;
        self
    }

    /// Whether to stop when the program's file has been replaced, or `tmp/restart.txt` beside it or in the working
    /// directory touched, so that a process manager starts the new program. Default: `false`. Looked at once a second.
    pub fn exit_when_replaced(mut self, exit: bool) -> Self {
        self.settings.retirement.when_replaced = exit;
        self
    }

    /// Stops after so many requests. Default: never.
    pub fn max_requests(mut self, requests: u64) -> Self {
        self.settings.retirement.max_requests = Some(requests);
        self
    }

    /// Stops after so long. Default: never. Looked at once a second.
    pub fn max_lifetime(mut self, lifetime: Duration) -> Self {
        self.settings.retirement.max_lifetime = Some(lifetime);
        self
    }

    /// Stops when the process has more than so many bytes of memory resident. Default: never. Looked at once a second,
    /// and only on Linux.
    pub fn max_rss(mut self, bytes: u64) -> Self {
        self.settings.retirement.max_rss = Some(bytes);
        self
    }
}

impl<L: Listener, S, R: FromExchange> Serve<L, S, R> {
    /// Where connections are accepted.
    pub fn local_addr(&self) -> io::Result<L::Addr> {
        self.listener.local_addr()
    }

    /// Serves on the current thread, for services that are not `Send`: connections are tasks of the
    /// [`LocalSet`](tokio::task::LocalSet) in which the future is polled.
    ///
    /// # Errors
    ///
    /// When a setting is wrong.
    ///
    /// # Panics
    ///
    /// Outside a `LocalSet`.
    pub async fn run_local<B>(self) -> io::Result<()>
    where
        R: 'static,
        S: Service<R, Response = http::Response<B>> + Clone + 'static,
        S::Error: Into<BoxError>,
        B: Body<Error: Into<BoxError>> + 'static,
    {
        let this = self.checked()?;
        accept::run(
            this.listener,
            this.service,
            this.settings,
            this.signal,
            |connections, task| {
                connections.spawn_local(task);
            },
        )
        .await
    }

    fn checked(self) -> io::Result<Self> {
        match self.invalid_script_name {
            Some(error) => Err(io::Error::new(io::ErrorKind::InvalidInput, error)),
            None => Ok(self),
        }
    }
}

impl<L, S, R, B> IntoFuture for Serve<L, S, R>
where
    L: Listener,
    R: FromExchange + 'static,
    S: Service<R, Response = http::Response<B>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
{
    type Output = io::Result<()>;
    type IntoFuture = Pin<Box<dyn Future<Output = io::Result<()>> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async {
            let this = self.checked()?;
            accept::run(
                this.listener,
                this.service,
                this.settings,
                this.signal,
                |connections, task| {
                    connections.spawn(task);
                },
            )
            .await
        })
    }
}

impl<L, S, R> fmt::Debug for Serve<L, S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serve")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
