//! Workers: threads with an application each, which accept connections by themselves.

use std::{io, pin::Pin, thread, time::Duration};

use actix_rt::{Arbiter, System};
use fastcgi_tower::{
    Budget, Counters, ExchangeService, InvalidScriptName, Limits, Listener, Mapping, Timeouts,
    listener::{AnyListener, Socket},
    process::Greeting,
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
    /// What to say once the first worker is ready.
    pub(crate) greeting: Option<Greeting>,
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
            greeting: None,
            workers: 1,
        }
    }
}

/// Starts a worker for each `work`; `forced` ends them wherever they are. Gives how each of them ended.
///
/// In an actix system they are arbiters, so that the application finds that system on its threads.
pub(crate) fn start(
    works: Vec<Work>,
    forced: &CancellationToken,
) -> io::Result<mpsc::UnboundedReceiver<io::Result<()>>> {
    let (ended, results) = mpsc::unbounded_channel();
    for work in works {
        let worker = Worker {
            work,
            forced: forced.clone(),
        };
        let ended = ended.clone();
        if System::try_current().is_some() {
            Arbiter::try_new()?.spawn_fn(move || {
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
            let runtime = runtime::Builder::new_current_thread().enable_all().build();
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
    let greeting = settings.greeting;
    let share = || Budget::new(settings.max_connections, settings.max_memory);
    let budget = settings.budget.unwrap_or_else(share);
    let server = fastcgi_tower::serve_exchanges(listener, service);
    let server = match settings.counters {
        Some(counters) => server.counters(counters),
        None => server,
    };
    server
        .on_ready(move || {
            if let Some(greeting) = greeting {
                greeting.say();
            }
        })
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
