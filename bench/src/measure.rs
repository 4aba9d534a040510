//! CPU time per request: of one application over FastCGI and over HTTP, in rounds.

use std::{num::NonZeroUsize, thread, time::Duration};

use tempfile::TempDir;

use crate::{
    Result,
    cpu::{self, Ticks},
    load::Load,
    process::{ServerProcess, Tool},
    scenario::{Scenario, Times},
    server::{Framework, Protocol, Server},
    socket::Transport,
};

/// Both servers of one application.
#[derive(Debug)]
pub(crate) struct Pair {
    framework: Framework,
    fastcgi: ServerProcess,
    http: ServerProcess,
    _folder: TempDir,
}

/// Connections that had a request each, and then nothing for a time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Idle {
    pub(crate) connections: usize,
    pub(crate) time: Duration,
}

/// What one server did in one round.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figure {
    pub(crate) cpu_us: f64,
    /// The most memory that was ever resident, and how much it grew in this round.
    pub(crate) peak_kib: u64,
    pub(crate) peak_growth_kib: u64,
    pub(crate) ticks: Ticks,
    /// How often the server went to sleep, by request.
    pub(crate) sleeps: f64,
}

/// One round. Over HTTP there is nothing where the server refuses such requests.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Round {
    pub(crate) fastcgi: Figure,
    pub(crate) http: Option<Figure>,
}

impl Round {
    /// FastCGI divided by HTTP.
    pub(crate) fn ratio(&self) -> Option<f64> {
        Some(self.fastcgi.cpu_us / self.http?.cpu_us)
    }
}

impl Pair {
    /// Each with one thread.
    pub(crate) fn start(framework: Framework, transport: Transport) -> Result<Self> {
        Self::with_workers(framework, transport, None)
    }

    pub(crate) fn with_workers(
        framework: Framework,
        transport: Transport,
        workers: Option<NonZeroUsize>,
    ) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let start = |protocol| {
            let server = Server {
                workers,
                ..Server::new(framework, protocol)
            };
            ServerProcess::start(server, transport, &Tool::Bare, folder.path())
        };
        Ok(Self {
            framework,
            fastcgi: start(Protocol::FastCgi)?,
            http: start(Protocol::Http)?,
            _folder: folder,
        })
    }

    /// The same requests to both in each round. Which is the first changes from round to round.
    pub(crate) fn rounds(
        &self,
        scenario: &Scenario,
        times: Times,
        rounds: usize,
    ) -> Result<Vec<Round>> {
        self.rounds_beside(Idle::default(), scenario, times, rounds)
    }

    /// The same beside connections that are idle.
    pub(crate) fn rounds_beside(
        &self,
        idle: Idle,
        scenario: &Scenario,
        times: Times,
        rounds: usize,
    ) -> Result<Vec<Round>> {
        let load = |protocol| Load::new(protocol, scenario.kind, scenario.mode, times);
        let (fastcgi, http) = (load(Protocol::FastCgi), load(Protocol::Http));
        let over_fastcgi = || measure(&self.fastcgi, &fastcgi, idle);
        let takes_http = scenario.takes(self.framework, Protocol::Http);
        let over_http = || {
            takes_http
                .then(|| measure(&self.http, &http, idle))
                .transpose()
        };
        let once = |number| -> Result<Round> {
            Ok(if number % 2 == 0 {
                let fastcgi = over_fastcgi()?;
                let http = over_http()?;
                Round { fastcgi, http }
            } else {
                let http = over_http()?;
                let fastcgi = over_fastcgi()?;
                Round { fastcgi, http }
            })
        };
        (0..rounds).map(once).collect()
    }
}

fn measure(server: &ServerProcess, load: &Load, idle: Idle) -> Result<Figure> {
    // They end with this function: both servers' together would be more files than may be open.
    let _connections = load.idle(server.address(), idle.connections)?;
    if idle.connections > 0 {
        thread::sleep(idle.time);
        server.sleeps()?;
    }
    let memory = server.peak_memory_kib()?;
    let ticks = Ticks::of(server.id())?;
    let sleeps = cpu::sleeps(server.id())?;
    let cpu = cpu::time_ns(server.id())?;
    load.run(server.address())?;
    // What follows the last response belongs to these requests.
    server.sleeps()?;
    let cpu = cpu::since(cpu::time_ns(server.id())?, cpu)?;
    let peak_kib = server.peak_memory_kib()?;
    Ok(Figure {
        cpu_us: cpu as f64 / 1000.0 / load.requests() as f64,
        peak_kib,
        // The kernel counts what is resident roughly: it may be less than before.
        peak_growth_kib: peak_kib.saturating_sub(memory),
        ticks: Ticks::of(server.id())?.since(ticks),
        sleeps: cpu::since(cpu::sleeps(server.id())?, sleeps)? as f64 / load.requests() as f64,
    })
}

pub(crate) fn median(figures: impl IntoIterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.into_iter().collect();
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}
