//! Workers: threads with an application each, which accept connections by themselves.

use std::{
    fmt, io, mem,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use actix_rt::{Arbiter, System};
use fastcgi_tower::{
    Budget, Counters, ExchangeService, InvalidScriptName, Limits, Listener, Mapping, Timeouts,
    listener::{AnyListener, Socket},
};
use tokio::{
    runtime, select,
    sync::mpsc,
    task::{LocalSet, spawn_local},
};
use tokio_util::sync::CancellationToken;

/// What a worker does, to be begun on its thread: what it makes there is not `Send`.
pub(crate) type Work =
    Box<dyn FnOnce() -> Pin<Box<dyn Future<Output = io::Result<()>>>> + Send + 'static>;

/// How connections are served.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) mapping: Mapping,
    /// Reported when the server is run.
    pub(crate) invalid_script_name: Option<InvalidScriptName>,
    pub(crate) limits: Limits,
    pub(crate) timeouts: Timeouts,
    pub(crate) authorizer: bool,
    pub(crate) max_connections: usize,
    pub(crate) max_memory: usize,
    /// What all workers share.
    pub(crate) budget: Option<Budget>,
    pub(crate) counters: Option<Counters>,
    pub(crate) allow_remote: bool,
    pub(crate) exit_when_replaced: bool,
    pub(crate) grace_period: Duration,
    pub(crate) max_rss: Option<u64>,
    /// Threads of each worker for what blocks, at most.
    pub(crate) blocking_threads: usize,
    pub(crate) ready: Ready,
    /// How many workers there are. One may close the sockets for all, and several share the open files.
    pub(crate) workers: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            mapping: Mapping::default(),
            invalid_script_name: None,
            limits: Limits::default(),
            timeouts: Timeouts::default(),
            authorizer: false,
            max_connections: fastcgi_tower::max_connections(),
            max_memory: Budget::DEFAULT_MEMORY,
            budget: None,
            counters: None,
            allow_remote: false,
            exit_when_replaced: false,
            grace_period: Duration::from_secs(30),
            max_rss: None,
            blocking_threads: default_blocking_threads(),
            ready: Ready::default(),
            workers: 1,
        }
    }
}

/// As many as actix-web's server has: 512, shared by as many workers as there are by default.
fn default_blocking_threads() -> usize {
    let workers = thread::available_parallelism().map_or(2, Into::into);
    (512 / workers).max(1)
}

/// What to do once the first worker is ready. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Ready(Arc<Mutex<Vec<Task>>>);

type Task = Box<dyn FnOnce() + Send>;

impl Ready {
    pub(crate) fn add(&self, ready: impl FnOnce() + Send + 'static) {
        self.lock().push(Box::new(ready));
    }

    /// Does it, if no other worker was first.
    fn run(&self) {
        let ready = mem::take(&mut *self.lock());
        for ready in ready {
            ready();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Task>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ready").finish_non_exhaustive()
    }
}

/// Starts a worker for each `work`; `forced` ends them wherever they are. Gives how each of them ended.
///
/// In an actix system they are arbiters, so that the application finds that system on its threads.
pub(crate) fn start(
    works: Vec<Work>,
    blocking_threads: usize,
    forced: &CancellationToken,
) -> io::Result<mpsc::UnboundedReceiver<io::Result<()>>> {
    let (ended, results) = mpsc::unbounded_channel();
    for work in works {
        let worker = Worker {
            work,
            forced: forced.clone(),
        };
        let ended = ended.clone();
        let mut runtime = runtime::Builder::new_current_thread();
        runtime.enable_all().max_blocking_threads(blocking_threads);
        if System::try_current().is_some() {
            Arbiter::try_with_tokio_rt(move || runtime.build())?.spawn_fn(move || {
                actix_rt::spawn(async move {
                    // A server that is gone does not ask.
                    let _ = ended.send(worker.run().await);
                    Arbiter::current().stop();
                });
            });
            continue;
        }
        let name = "fastcgi-actix worker".to_owned();
        thread::Builder::new().name(name).spawn(move || {
            let runtime = runtime.build();
            let _ = ended.send(runtime.and_then(|runtime| runtime.block_on(worker.run())));
        })?;
    }
    Ok(results)
}

struct Worker {
    work: Work,
    forced: CancellationToken,
}

impl Worker {
    /// Works until all is done. Connections, and tasks that handlers spawned, are gone when it returns.
    async fn run(self) -> io::Result<()> {
        let local = LocalSet::new();
        let work = self.work;
        let task = async move { spawn_local(work()).await };
        select! {
            biased;
            () = self.forced.cancelled() => Ok(()),
            // The application's factory may panic.
            result = local.run_until(task) => result.unwrap_or_else(|error| Err(io::Error::other(error))),
        }
    }
}

/// Serves the service on all sockets, until `stop`. To be polled on a [`LocalSet`].
pub(crate) async fn serve<S>(
    service: S,
    sockets: Vec<Socket>,
    settings: &Settings,
    stop: &CancellationToken,
) -> io::Result<()>
where
    S: ExchangeService<Future: 'static, Body: 'static> + Clone + 'static,
{
    let listener = if settings.workers == 1 {
        AnyListener::new(sockets)?
    } else {
        AnyListener::shared(sockets)?
    };
    let stopped = stop.clone().cancelled_owned();
    accept(listener, service, settings.clone(), stopped).await?;
    // Whatever the reason of one to stop, it is a reason for all.
    stop.cancel();
    Ok(())
}

/// Serves the service on one listener, until `stop`. To be polled on a [`LocalSet`].
pub(crate) async fn accept<L, S>(
    listener: L,
    service: S,
    settings: Settings,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()>
where
    L: Listener,
    S: ExchangeService<Future: 'static, Body: 'static> + Clone + 'static,
{
    if let Some(error) = settings.invalid_script_name {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, error));
    }
    let ready = settings.ready;
    let share = || Budget::new(settings.max_connections, settings.max_memory);
    let budget = settings.budget.unwrap_or_else(share);
    let mut server =
        fastcgi_tower::serve_exchanges(listener, service).on_ready(move || ready.run());
    if let Some(bytes) = settings.max_rss {
        server = server.max_rss(bytes);
    }
    if let Some(counters) = settings.counters {
        server = server.counters(counters);
    }
    server
        .limits(settings.limits)
        .timeouts(settings.timeouts)
        .authorizer(settings.authorizer)
        .budget(budget)
        .servers(settings.workers)
        .allow_remote(settings.allow_remote)
        .exit_when_replaced(settings.exit_when_replaced)
        .grace_period(settings.grace_period)
        .with_graceful_shutdown(stop)
        .run_local()
        .await
}
