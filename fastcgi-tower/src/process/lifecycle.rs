//! The life of a process: its startup, its requests, its end.

use std::{env, fmt, future::Future, io, pin::Pin, time::Duration};

use proto::cgi::{PathSource, ScriptName};
use tokio::{select, time::timeout};

use super::{
    environment::{Bind, Environment},
    run_error::RunError,
    signal::shutdown_signal,
};
use crate::error::BoxError;

/// What happens before the first request and after the last, with limits: for the `run` of a facade.
///
/// The sockets are there from the beginning, so requests wait and none meets half an application.
#[must_use = "a life has to be run"]
pub struct Lifecycle {
    bind: Bind,
    startup_timeout: Duration,
    shutdown: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    shutdown_timeout: Duration,
}

/// Is ready when the process is asked to stop.
pub type Signal = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Default for Lifecycle {
    fn default() -> Self {
        Self {
            bind: Bind::default(),
            startup_timeout: Duration::from_secs(30),
            shutdown: None,
            shutdown_timeout: Duration::from_secs(10),
        }
    }
}

impl Lifecycle {
    /// How long requests in progress may take where the process manager waits 3 seconds before it kills: on descriptor 0.
    pub const INHERITED_GRACE_PERIOD: Duration = Duration::from_secs(3);

    /// Where to listen, if the process is not handed anything: an [address](crate::Address). Several calls are
    /// several addresses.
    pub fn bind(mut self, address: impl Into<String>) -> Self {
        self.bind.addresses.push(address.into());
        self
    }

    /// How many connections may wait to be accepted on each socket that the process binds itself. Default: 1024.
    pub fn backlog(mut self, connections: u32) -> Self {
        self.bind.backlog = connections;
        self
    }

    /// How long the startup may take. Default: 30 s. After that it is an error: mod_fcgid gives up waiting after 40.
    pub fn startup_timeout(mut self, limit: Duration) -> Self {
        self.startup_timeout = limit;
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

    /// Finds out what the process was started for, awaits `startup`, and then what `serve` makes of the two.
    ///
    /// `SIGTERM`, `SIGINT` and `SIGUSR1` end the startup at once, and are then handed on to `serve`.
    ///
    /// # Errors
    ///
    /// When the socket cannot be used, the startup fails or takes too long, or serving fails.
    pub async fn run<T, E, F>(
        self,
        startup: impl Future<Output = Result<T, E>>,
        serve: impl FnOnce(Environment, T, Signal) -> F,
    ) -> Result<(), RunError>
    where
        E: Into<BoxError>,
        F: Future<Output = io::Result<()>>,
    {
        // First of all, so that a signal during the startup is not lost.
        let mut signal: Signal = Box::pin(shutdown_signal().map_err(RunError::environment)?);
        let environment = Environment::detect(&self.bind).map_err(RunError::environment)?;
        tracing::info!("running: {environment}");
        let application = select! {
            biased;
            () = &mut signal => return Ok(()),
            application = start(startup, self.startup_timeout) => application?,
        };
        let served = serve(environment, application, signal).await;
        if let Some(shutdown) = self.shutdown {
            if timeout(self.shutdown_timeout, shutdown).await.is_err() {
                tracing::error!("what was to be done at the end took too long");
            }
        }
        served.map_err(RunError::server)
    }
}

/// What the environment says of the application.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Mount {
    /// Where it is mounted: `FCGI_SCRIPT_NAME`.
    pub script_name: Option<ScriptName>,
    /// Which variable has the path of a request: `FCGI_PATH_SOURCE`, `auto`, `path-info` or `request-uri`.
    pub path_source: Option<PathSource>,
}

impl Mount {
    /// Reads the variables.
    ///
    /// # Errors
    ///
    /// When one of them says something else.
    pub fn from_env() -> io::Result<Self> {
        Ok(Self {
            script_name: variable("FCGI_SCRIPT_NAME", str::parse)?,
            path_source: variable("FCGI_PATH_SOURCE", str::parse)?,
        })
    }
}

/// What an environment variable says, if it is set.
fn variable<T, E: fmt::Display>(
    name: &str,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> io::Result<Option<T>> {
    let Ok(text) = env::var(name) else {
        return Ok(None);
    };
    parse(&text).map(Some).map_err(|error| {
        io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("{name}={text}: {error}"),
        )
    })
}

async fn start<T, E: Into<BoxError>>(
    startup: impl Future<Output = Result<T, E>>,
    limit: Duration,
) -> Result<T, RunError> {
    match timeout(limit, startup).await {
        Ok(Ok(application)) => Ok(application),
        Ok(Err(error)) => Err(RunError::startup(error.into())),
        Err(_) => Err(RunError::startup(
            format!("it took longer than {} s", limit.as_secs_f32()).into(),
        )),
    }
}

impl fmt::Debug for Lifecycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lifecycle")
            .field("startup_timeout", &self.startup_timeout)
            .field("shutdown_timeout", &self.shutdown_timeout)
            .finish_non_exhaustive()
    }
}
