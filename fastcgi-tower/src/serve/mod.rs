//! A server: accepts connections and drives each in a task of its own.

mod accept;
mod crowd;
mod one_request;
mod orders;
mod places;
mod request_count;
mod stop_handle;
mod task;
mod web_servers;

use std::{
    fmt,
    future::{Future, IntoFuture},
    io,
    pin::Pin,
    time::Duration,
};

use http_body::Body;
use proto::{
    Limits, Timeouts,
    cgi::{InvalidScriptName, OnMismatch, PathSource, ScriptName},
};
use tokio::select;

pub use self::{one_request::serve_request, stop_handle::StopHandle};
use crate::{
    budget::Budget, builder::ConnectionBuilder, counters::Counters, ending::Signal,
    exchange::ExchangeService, http_service::HttpService, listener::Listener,
};

/// Serves `service`, which answers HTTP requests, on the connections of `listener`: the FastCGI counterpart of
/// `axum::serve`.
///
/// Each connection is driven in a task of its own with a clone of the service. The future never ends, unless there is
/// a [graceful shutdown](Serve::with_graceful_shutdown), another reason to stop ([`exit_when_replaced`](Serve::exit_when_replaced),
/// [`max_requests`](Serve::max_requests), [`max_rss`](Serve::max_rss)), or an invalid setting.
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
pub fn serve<L, S>(listener: L, service: S) -> Serve<L, HttpService<S>> {
    serve_exchanges(listener, HttpService::new(service))
}

/// As [`serve`], for a service that answers [`Exchange`](crate::Exchange)s.
pub fn serve_exchanges<L, S>(listener: L, service: S) -> Serve<L, S> {
    Serve {
        listener,
        service,
        settings: Settings::default(),
        invalid_script_name: None,
        signal: None,
        ready: None,
    }
}

/// The future of [`serve`], with its settings, whose order does not matter.
#[must_use = "a server does nothing unless it is awaited"]
pub struct Serve<L, S> {
    listener: L,
    service: S,
    settings: Settings,
    /// Reported when the server is awaited, so that settings can be chained.
    invalid_script_name: Option<InvalidScriptName>,
    signal: Option<Signal>,
    ready: Option<Box<dyn FnOnce() + Send>>,
}

#[derive(Debug)]
struct Settings {
    connections: ConnectionBuilder,
    max_connections: usize,
    max_memory: usize,
    budget: Option<Budget>,
    counters: Option<Counters>,
    /// How many servers the process has, which share its open files.
    servers: usize,
    allow_remote: bool,
    grace_period: Duration,
    exit_when_replaced: bool,
    max_requests: Option<u64>,
    max_rss: Option<u64>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            connections: ConnectionBuilder::new(),
            max_connections: max_connections(),
            max_memory: Budget::DEFAULT_MEMORY,
            budget: None,
            counters: None,
            servers: 1,
            allow_remote: false,
            grace_period: Duration::from_secs(30),
            exit_when_replaced: false,
            max_requests: None,
            max_rss: None,
        }
    }
}

/// Settings for HTTP.
impl<L, S> Serve<L, HttpService<S>> {
    /// Where the application is mounted, in place of what the web server says: `""` is the root, `"/app"` a directory
    /// (T-8).
    ///
    /// Needed where the web server's `SCRIPT_NAME` is not the mount point. An invalid path is reported when the server is
    /// awaited.
    pub fn script_name<P>(mut self, path: P) -> Self
    where
        P: TryInto<ScriptName, Error: Into<InvalidScriptName>>,
    {
        match path.try_into() {
            Ok(script_name) => self.service = self.service.script_name(script_name),
            Err(error) => self.invalid_script_name = Some(error.into()),
        }
        self
    }

    /// Which variable has the path of a request (T-8). Default: [`PathSource::Auto`].
    pub fn path_source(mut self, path_source: PathSource) -> Self {
        self.service = self.service.path_source(path_source);
        self
    }

    /// What happens to a request outside [`script_name`](Self::script_name) (T-9). Default: [`OnMismatch::Keep`].
    pub fn on_mismatch(mut self, on_mismatch: OnMismatch) -> Self {
        self.service = self.service.on_mismatch(on_mismatch);
        self
    }

    /// Whether redirects and cookies of an application that knows nothing of its mount are sent as its clients need them (R-18).
    /// Default: `false`.
    ///
    /// A path outside the script name gets it in front: in `Location` and `Content-Location`, where the reference begins with
    /// a slash or names the site of the request, and in the `Path` of `Set-Cookie`. Links in pages are the application's:
    /// it has to write them relative, or with [`ScriptName`].
    pub fn mount_redirects(mut self, mount: bool) -> Self {
        self.service = self.service.mount_redirects(mount);
        self
    }
}

impl<L, S> Serve<L, S> {
    /// How much a connection takes. Default: [`Limits::default`].
    pub fn limits(mut self, limits: Limits) -> Self {
        self.settings.connections = self.settings.connections.limits(limits);
        self
    }

    /// How long is waited for the web server. Default: [`Timeouts::default`].
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.settings.connections = self.settings.connections.timeouts(timeouts);
        self
    }

    /// Whether requests with the role of an Authorizer are served. Default: `false`, they are refused with 403: a
    /// service that knows nothing of the role would let everybody in with its first 200 (B-13).
    pub fn authorizer(mut self, serve: bool) -> Self {
        self.settings.connections = self.settings.connections.authorizer(serve);
        self
    }

    /// Whether requests with the role of a Filter are served. Default: `false`, they are refused with 403 (B-13).
    ///
    /// HTTP has no place for the file that a Filter is sent: it is in [`Exchange::data`](crate::Exchange::data), for services of
    /// [`serve_exchanges`].
    pub fn filter(mut self, serve: bool) -> Self {
        self.settings.connections = self.settings.connections.filter(serve);
        self
    }

    /// The most connections at a time; more wait. Default: [`max_connections`]. It is less where the process may not have so
    /// many open files (`ulimit -n`, `LimitNOFILE`), of which 64 are left for other things.
    ///
    /// When a connection has waited for a second, those without a request in progress are closed, the one that has been idle
    /// for longest first, until none waits any more. Nothing is closed while none waits. A `warn` event, once a minute, says
    /// that all are in use. A web server that sends a request on a connection in the moment in which it is closed may
    /// have to answer with 502: nginx does not send a POST again.
    ///
    /// `FCGI_GET_VALUES` is answered with it, as `FCGI_MAX_CONNS`. These are also the requests at a time, unless
    /// [`Limits::max_reqs`] says otherwise.
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.settings.max_connections = connections;
        self
    }

    /// The most bytes that connections borrow together, each of them beyond the 64 KiB that it owns. Default: 256 MiB.
    pub fn max_memory(mut self, bytes: usize) -> Self {
        self.settings.max_memory = bytes;
        self
    }

    /// What the server shares with others in this process, in place of [`max_connections`](Self::max_connections) and
    /// [`max_memory`](Self::max_memory). Each of so many [`servers`](Self::servers) has its part of the connections, and at
    /// least one. Default: nothing.
    pub fn budget(mut self, budget: Budget) -> Self {
        self.settings.budget = Some(budget);
        self
    }

    /// What counts the connections and requests of this server: a clone of it can be [read](Counters::read) at any time. Default:
    /// nothing.
    pub fn counters(mut self, counters: Counters) -> Self {
        self.settings.counters = Some(counters);
        self
    }

    /// How many servers this process runs: each has its share of the open files that the process may have. Default: 1.
    ///
    /// Set it where every thread has a server of its own. Otherwise they could run out of files before any of them has
    /// [`max_connections`](Self::max_connections), and idle connections would make no room.
    pub fn servers(mut self, servers: usize) -> Self {
        self.settings.servers = servers;
        self
    }

    /// Whether the listener may be on an address that other machines can reach, although the environment variable
    /// `FCGI_WEB_SERVER_ADDRS` does not say which of them are web servers. Default: `false`, it is an error of the
    /// server's future: a peer that connects can act as any user of the application.
    pub fn allow_remote(mut self, allow: bool) -> Self {
        self.settings.allow_remote = allow;
        self
    }

    /// Stops when `signal` is ready: connections that wait are still served, requests in progress finish, idle
    /// connections are closed, and then the server's future is done. A connection that has had a request within the last
    /// second is kept for its next one, for 1.5 s (B-19). Of several signals the first that is ready counts.
    pub fn with_graceful_shutdown(
        mut self,
        signal: impl Future<Output = ()> + Send + 'static,
    ) -> Self {
        self.signal = Some(match self.signal.take() {
            None => Box::pin(signal),
            Some(before) => Box::pin(async {
                select! {
                    () = before => {}
                    () = signal => {}
                }
            }),
        });
        self
    }

    /// What to do once connections are accepted, such as to log it: not before all settings are known to be valid. It is not
    /// called where the server's future ends with an error at once. Several are called in their order.
    pub fn on_ready(mut self, ready: impl FnOnce() + Send + 'static) -> Self {
        let before = self.ready.take();
        self.ready = Some(Box::new(move || {
            if let Some(before) = before {
                before();
            }
            ready();
        }));
        self
    }

    /// How long requests in progress may take to finish when the server stops. Default: 30 s. After that they are
    /// dropped.
    pub fn grace_period(mut self, period: Duration) -> Self {
        self.settings.grace_period = period;
        self
    }

    /// Whether to stop when the program is [replaced](crate::process::replaced), so that a process manager starts the new
    /// one. Default: `false`.
    pub fn exit_when_replaced(mut self, exit: bool) -> Self {
        self.settings.exit_when_replaced = exit;
        self
    }

    /// Stops after so many requests. Default: never.
    pub fn max_requests(mut self, requests: u64) -> Self {
        self.settings.max_requests = Some(requests);
        self
    }

    /// Stops when the process is [larger](crate::process::larger_than) than so many bytes. Default: never, and never but on
    /// Linux.
    pub fn max_rss(mut self, bytes: u64) -> Self {
        self.settings.max_rss = Some(bytes);
        self
    }
}

/// The most connections at a time, unless a server says otherwise: 1024, or as many descriptors as the process may have,
/// less 64 for the application.
pub fn max_connections() -> usize {
    const MOST: usize = 1024;
    places::descriptors(1).map_or(MOST, |descriptors| descriptors.min(MOST))
}

impl<L: Listener, S> Serve<L, S> {
    /// Where connections are accepted.
    pub fn local_addr(&self) -> io::Result<L::Addr> {
        self.listener.local_addr()
    }

    /// Serves on the current thread, for services that are not `Send`: connections are tasks of the
    /// [`LocalSet`](tokio::task::LocalSet) in which the future is polled.
    ///
    /// # Errors
    ///
    /// When a setting is invalid.
    ///
    /// # Panics
    ///
    /// Outside a `LocalSet`.
    pub async fn run_local(self) -> io::Result<()>
    where
        S: ExchangeService + Clone + 'static,
        S::Future: 'static,
        S::Body: 'static,
    {
        accept::run(self, |connections, task| {
            connections.spawn_local(task);
        })
        .await
    }
}

impl<L, S> IntoFuture for Serve<L, S>
where
    L: Listener,
    S: ExchangeService<Future: Send> + Clone + Send + 'static,
    S::Body: Body<Data: Send> + Send + 'static,
{
    type Output = io::Result<()>;
    type IntoFuture = Pin<Box<dyn Future<Output = io::Result<()>> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(accept::run(self, |connections, task| {
            connections.spawn(task);
        }))
    }
}

impl<L, S> fmt::Debug for Serve<L, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serve")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
