//! The server, as it is configured: actix's `HttpServer`, over FastCGI.

use std::{
    fmt, io,
    marker::PhantomData,
    net::{SocketAddr, TcpListener, ToSocketAddrs},
    os::unix::net::UnixListener,
    path::Path,
    thread,
    time::Duration,
};

use actix_http::{Request, Response, body::MessageBody};
use actix_service::{IntoServiceFactory, Service, ServiceFactory};
use actix_web::{Error, dev::AppConfig};
use fastcgi_tower::{
    Budget, Counters, InvalidScriptName, Limits, Mapping, OnMismatch, PathSource, ScriptName,
    Timeouts,
    listener::{AnyListener, Socket},
    process::{Greeting, Signal},
};
use tokio::task::LocalSet;
use tokio_util::sync::CancellationToken;

use crate::{
    running::{Plan, Server, ServerHandle, Signals},
    service::ActixService,
    worker::{self, Settings, Work},
};

/// A FastCGI server for an actix-web application: takes the place of [`HttpServer`](actix_web::HttpServer).
///
/// ```no_run
/// use actix_web::{App, web};
/// use fastcgi_actix::FastCgiServer;
///
/// #[actix_web::main]
/// async fn main() -> std::io::Result<()> {
///     FastCgiServer::new(|| {
///         App::new()
///             .service(web::resource("/").to(|| async { "hello world" }))
///     })
///     .bind(("127.0.0.1", 9000))?
///     .run()
///     .await
/// }
/// ```
///
/// As there, the application is made once for each worker, and each worker is a thread. A worker accepts connections by
/// itself: there is no thread besides.
#[must_use = "a server does nothing unless it is run"]
pub struct FastCgiServer<F, I, S, B> {
    factory: F,
    /// Each worker gets duplicates; with these go the paths of Unix sockets.
    sockets: Vec<Socket>,
    backlog: u32,
    /// Whether a socket was there when the process started.
    has_inherited: bool,
    workers: Option<usize>,
    settings: Settings,
    signals: Signals,
    application: PhantomData<fn(I, S) -> B>,
}

impl<F, I, S, B> FastCgiServer<F, I, S, B>
where
    F: Fn() -> I + Send + Clone + 'static,
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig> + 'static,
    S::Error: Into<Error> + 'static,
    S::InitError: fmt::Debug,
    S::Response: Into<Response<B>> + 'static,
    <S::Service as Service<Request>>::Future: 'static,
    S::Service: 'static,
    B: MessageBody + 'static,
{
    /// A server for the application that `factory` makes.
    pub fn new(factory: F) -> Self {
        Self {
            factory,
            sockets: Vec::new(),
            backlog: Socket::BACKLOG,
            has_inherited: false,
            workers: None,
            settings: Settings::default(),
            signals: Signals::Own,
            application: PhantomData,
        }
    }

    /// The number of workers, each of them a thread. Default: one for a socket on descriptor 0, whose process manager
    /// starts as many processes as it likes; otherwise [`available_parallelism`](thread::available_parallelism).
    ///
    /// # Panics
    ///
    /// When `workers` is 0.
    pub fn workers(mut self, workers: usize) -> Self {
        assert_ne!(workers, 0, "workers must be greater than 0");
        self.workers = Some(workers);
        self
    }

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
            Ok(script_name) => {
                let mapping = self.settings.mapping;
                self.settings.mapping = mapping.script_name(script_name);
            }
            Err(error) => self.settings.invalid_script_name = Some(error.into()),
        }
        self
    }

    /// Which variable has the path of a request (T-8). Default: [`PathSource::Auto`].
    pub fn path_source(mut self, path_source: PathSource) -> Self {
        self.settings.mapping = self.settings.mapping.path_source(path_source);
        self
    }

    /// What happens to a request outside [`script_name`](Self::script_name) (T-9). Default: [`OnMismatch::Keep`].
    pub fn on_mismatch(mut self, on_mismatch: OnMismatch) -> Self {
        self.settings.mapping = self.settings.mapping.on_mismatch(on_mismatch);
        self
    }

    /// Whether redirects and cookies of an application that knows nothing of its mount are sent as its clients need them (R-18).
    /// Default: `false`.
    ///
    /// A path outside the script name gets it in front: in `Location` and `Content-Location`, where the reference begins with
    /// a slash or names the site of the request, and in the `Path` of `Set-Cookie`. Links in pages are the application's:
    /// it has to write them relative, or with [`ScriptName`].
    pub fn mount_redirects(mut self, mount: bool) -> Self {
        self.settings.mapping = self.settings.mapping.mount_redirects(mount);
        self
    }

    /// How much a connection takes. Default: [`Limits::default`].
    pub fn limits(mut self, limits: Limits) -> Self {
        self.settings.limits = limits;
        self
    }

    /// How long is waited for the web server. Default: [`Timeouts::default`].
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.settings.timeouts = timeouts;
        self
    }

    /// Whether requests with the role of an Authorizer are served. Default: `false`, they are refused with 403: an
    /// application that knows nothing of the role would let everybody in with its first 200 (B-13).
    pub fn authorizer(mut self, serve: bool) -> Self {
        self.settings.authorizer = serve;
        self
    }

    /// The most connections at a time, of all workers together, advertised as `FCGI_MAX_CONNS`; more wait to be accepted.
    /// Default: [`fastcgi_tower::max_connections`].
    ///
    /// Each worker has its share of them. When a connection has waited for a second, those without a request in progress are closed, the one that has been idle
    /// for longest first, until no connection waits any more.
    ///
    /// These are also the requests at a time, unless [`Limits::max_reqs`] says otherwise.
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.settings.max_connections = connections;
        self
    }

    /// The most bytes that connections of all workers borrow together, each of them beyond the 64 KiB that it owns. Default:
    /// 256 MiB.
    pub fn max_memory(mut self, bytes: usize) -> Self {
        self.settings.max_memory = bytes;
        self
    }

    /// What counts the connections and requests of all workers: a clone of it can be [read](Counters::read) at any time, such
    /// as in a handler. Default: nothing.
    pub fn counters(mut self, counters: Counters) -> Self {
        self.settings.counters = Some(counters);
        self
    }

    /// Seconds that requests in progress have, after the server was told to stop. Default: 30.
    pub fn shutdown_timeout(mut self, seconds: u64) -> Self {
        self.settings.grace_period = Duration::from_secs(seconds);
        self
    }

    /// Leaves signals alone. Otherwise SIGTERM, SIGINT and SIGUSR1 stop the server gracefully.
    pub fn disable_signals(mut self) -> Self {
        self.signals = Signals::None;
        self
    }

    /// Whether the server may listen on an address that other machines can reach, although the environment variable
    /// `FCGI_WEB_SERVER_ADDRS` does not say which of them are web servers. Default: `false`, it is an error of
    /// [`run`](Self::run): a peer that connects can act as any user of the application.
    pub fn allow_remote(mut self, allow: bool) -> Self {
        self.settings.allow_remote = allow;
        self
    }

    /// Whether to stop when the program's file has been replaced, or `tmp/restart.txt` beside it or in the working
    /// directory touched, so that a process manager starts the new program. Default: `false`. Looked at once a second.
    pub fn exit_when_replaced(mut self, exit: bool) -> Self {
        self.settings.exit_when_replaced = exit;
        self
    }

    /// Listens on TCP, on every address that `addrs` resolves to.
    ///
    /// # Errors
    ///
    /// When `addrs` cannot be resolved, or none of the addresses can be bound.
    pub fn bind<A: ToSocketAddrs>(mut self, addrs: A) -> io::Result<Self> {
        let mut failure = None;
        let before = self.sockets.len();
        for addr in addrs.to_socket_addrs()? {
            match Socket::bind_tcp(addr, self.backlog) {
                Ok(socket) => self.sockets.push(socket),
                Err(error) => failure = Some(error),
            }
        }
        if self.sockets.len() > before {
            return Ok(self);
        }
        Err(failure.unwrap_or_else(|| io::ErrorKind::AddrNotAvailable.into()))
    }

    /// Listens on a path, with a mode of 0660.
    ///
    /// A socket that another process left there is replaced; anything else is left alone. The path is removed when the
    /// server stops, if it is still the same socket.
    ///
    /// # Errors
    ///
    /// [`AddrInUse`](io::ErrorKind::AddrInUse) when a process listens there already, and
    /// [`AlreadyExists`](io::ErrorKind::AlreadyExists) when something other than a socket is there.
    pub fn bind_uds(mut self, path: impl AsRef<Path>) -> io::Result<Self> {
        let address = path.as_ref().into();
        self.sockets.push(Socket::bind(&address, self.backlog)?);
        Ok(self)
    }

    /// Listens on a TCP socket that is bound already.
    ///
    /// # Errors
    ///
    /// When the socket cannot be used.
    pub fn listen(self, listener: TcpListener) -> io::Result<Self> {
        Ok(self.listen_socket(Socket::new(listener)?))
    }

    /// Listens on a Unix socket that is bound already. Its path is somebody else's and never removed.
    ///
    /// # Errors
    ///
    /// When the socket cannot be used.
    pub fn listen_uds(self, listener: UnixListener) -> io::Result<Self> {
        Ok(self.listen_socket(Socket::new(listener)?))
    }

    /// Listens on the socket that this process was started with on descriptor 0, as from mod_fcgid, spawn-fcgi or
    /// lighttpd's `bin-path`.
    ///
    /// # Errors
    ///
    /// When descriptor 0 is not a listening socket.
    pub fn listen_stdin(mut self) -> io::Result<Self> {
        let socket = Socket::from_stdin()?.ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::NotFound,
                "descriptor 0 is not a listening socket: let a web server start this program",
            )
        })?;
        self.has_inherited = true;
        Ok(self.listen_socket(socket))
    }

    /// Listens on a socket of [`listener`](crate::listener).
    pub fn listen_socket(mut self, socket: Socket) -> Self {
        self.sockets.push(socket);
        self
    }

    /// Stops when `signal` comes, which takes the place of the server's own signals.
    pub(crate) fn signal(mut self, signal: Signal) -> Self {
        self.signals = Signals::Given(signal);
        self
    }

    /// Says this once it is ready.
    pub(crate) fn greeting(mut self, greeting: Greeting) -> Self {
        self.settings.greeting = Some(greeting);
        self
    }

    /// How many connections may wait to be accepted on each socket that is bound from now on. Default: 1024.
    pub fn backlog(mut self, backlog: u32) -> Self {
        self.backlog = backlog;
        self
    }

    /// The addresses of the TCP sockets.
    pub fn addrs(&self) -> Vec<SocketAddr> {
        self.sockets.iter().filter_map(Socket::tcp_addr).collect()
    }

    /// Starts to serve, once the [`Server`] is polled: on tokio, whether that is `#[actix_web::main]` or
    /// `#[tokio::main]`.
    pub fn run(self) -> Server {
        let stop = CancellationToken::new();
        Server::new(Plan {
            works: self.works(&stop),
            stop,
            sockets: self.sockets,
            signals: self.signals,
            handle: ServerHandle::default(),
        })
    }

    /// What each worker has to do: make an application, and serve it on a duplicate of each socket.
    fn works(&self, stop: &CancellationToken) -> io::Result<Vec<Work>> {
        if self.sockets.is_empty() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "there is no address to listen on: call bind, bind_uds or listen",
            ));
        }
        let count = self.workers.unwrap_or_else(|| self.default_workers());
        // Each has a place at least, and together they have no more than there are.
        let count = count.min(self.settings.max_connections.max(1));
        let budget = Budget::new(self.settings.max_connections, self.settings.max_memory);
        let work = |_| self.work(stop, count, &budget);
        (0..count).map(work).collect()
    }

    fn default_workers(&self) -> usize {
        if self.has_inherited {
            1
        } else {
            thread::available_parallelism().map_or(2, Into::into)
        }
    }

    fn work(&self, stop: &CancellationToken, workers: usize, budget: &Budget) -> io::Result<Work> {
        let sockets = self.sockets.iter().map(Socket::try_clone);
        let sockets = sockets.collect::<io::Result<Vec<_>>>()?;
        let factory = self.factory.clone();
        let mut settings = self.settings.clone();
        settings.budget = Some(budget.clone());
        settings.workers = workers;
        let stop = stop.clone();
        Ok(Box::new(move || {
            Box::pin(async move {
                let service = Self::application(factory, settings.mapping.clone()).await?;
                worker::serve(service, sockets, &settings, &stop).await
            })
        }))
    }

    async fn application(factory: F, mapping: Mapping) -> io::Result<ActixService<S::Service, B>> {
        let factory = factory().into_factory();
        let service = factory.new_service(AppConfig::default()).await;
        service
            .map(|service| ActixService::new(service, mapping))
            .map_err(|error| io::Error::other(format!("the application cannot be made: {error:?}")))
    }

    /// Serves a listener with one connection, on this thread, until `stop`.
    pub(crate) async fn serve_single(self, listener: AnyListener, stop: Signal) -> io::Result<()> {
        let serve = async move {
            let service = Self::application(self.factory, self.settings.mapping.clone()).await?;
            worker::accept(listener, service, self.settings, stop).await
        };
        LocalSet::new().run_until(serve).await
    }
}

impl<F, I, S, B> fmt::Debug for FastCgiServer<F, I, S, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FastCgiServer")
            .field("sockets", &self.sockets)
            .field("workers", &self.workers)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
