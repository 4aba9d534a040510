//! How a server serves.

use std::{future::Future, time::Duration};

use fastcgi_tower::{
    Counters, InvalidScriptName, Limits, OnMismatch, PathSource, ScriptName, Timeouts,
    process::Signal,
};

use super::FastCgiServer;

/// Settings, whose order does not matter.
impl<F, I, S, B> FastCgiServer<F, I, S, B> {
    /// The number of workers, each of them a thread. Default: one for a socket on descriptor 0, whose process manager
    /// starts as many processes as it likes; otherwise [`available_parallelism`](std::thread::available_parallelism).
    ///
    /// # Panics
    ///
    /// When `workers` is 0.
    pub fn workers(mut self, workers: usize) -> Self {
        assert_ne!(workers, 0, "workers must be greater than 0");
        self.workers = Some(workers);
        self
    }

    /// The most threads of each worker for what blocks, as in [`web::block`](actix_web::web::block); more wait. Default: 512,
    /// divided by [`available_parallelism`](std::thread::available_parallelism).
    ///
    /// # Panics
    ///
    /// When `threads` is 0.
    pub fn worker_max_blocking_threads(mut self, threads: usize) -> Self {
        assert_ne!(threads, 0, "threads must be greater than 0");
        self.settings.blocking_threads = threads;
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

    /// Whether redirects and cookies of an application that knows nothing of its mount are sent as its clients need them.
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
    /// Each worker has its share of them. When a connection has waited for a second, those without a request in progress are
    /// closed, the one that has been idle for longest first, until no connection waits any more.
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

    /// Stops when `signal` is ready, as upon a signal of the system; those are left alone then.
    ///
    /// In [`run`](crate::run())'s `configure` it is one reason more, and the signals of the system stay.
    pub fn shutdown_signal(mut self, signal: impl Future<Output = ()> + Send + 'static) -> Self {
        self.signals.given = Some(Box::pin(signal));
        self
    }

    /// Leaves signals alone. Otherwise SIGTERM, SIGINT and SIGUSR1 stop the server gracefully.
    pub fn disable_signals(mut self) -> Self {
        self.signals.are_disabled = true;
        self
    }

    /// Stops the actix [`System`](actix_web::rt::System), too, once the server has stopped. Does nothing on a runtime of tokio
    /// alone.
    pub fn system_exit(mut self) -> Self {
        self.system_exit = true;
        self
    }

    /// What to do once the first worker accepts connections, such as to say so: not before all settings are known to be
    /// valid. Several are done in their order.
    pub fn on_ready(self, ready: impl FnOnce() + Send + 'static) -> Self {
        self.settings.ready.add(ready);
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

    /// Stops after so many requests, of all workers together. Default: never.
    pub fn max_requests(mut self, requests: u64) -> Self {
        self.max_requests = Some(requests);
        self
    }

    /// Stops when the process is [larger](fastcgi_tower::process::larger_than) than so many bytes. Default: never.
    pub fn max_rss(mut self, bytes: u64) -> Self {
        self.settings.max_rss = Some(bytes);
        self
    }

    /// Stops when `signal` comes, in place of the signals of the system, and also when [`shutdown_signal`](Self::shutdown_signal)
    /// says so.
    pub(crate) fn signal(mut self, signal: Signal) -> Self {
        self.signals.process = Some(signal);
        self
    }
}
