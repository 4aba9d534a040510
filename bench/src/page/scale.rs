//! More connections, more requests, idle connections, more threads: does a request cost the same?

use std::num::NonZeroUsize;

use super::{
    figures::{Ratio, Scaled},
    files::Files,
    progress,
};
use crate::{
    Result,
    measure::{Idle, Pair, Round, median},
    request::Kind,
    scenario::{QUIET, Scenario, Times},
    server::Framework,
    socket::Transport,
};

const HELLO: Scenario = Scenario::small("hello", Kind::Hello);

const CONNECTIONS: [usize; 5] = [1, 10, 100, 1000, 10_000];

/// The first request of a connection is in the figures, with what it costs to accept: at most a twentieth.
const REQUESTS_A_CONNECTION: usize = 20;

/// After the last, a server has had 1,000,000 requests.
const STAGES: [usize; 7] = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000];

/// A stage with so many requests is measured in the first rounds only: it takes a quarter of a minute over each protocol.
pub(super) const LONG_STAGE: usize = 500_000;
pub(super) const LONG_ROUNDS: usize = 3;

const IDLE: [usize; 3] = [0, 1000, 10_000];

const WORKERS: [NonZeroUsize; 2] = [NonZeroUsize::MIN, NonZeroUsize::MIN.saturating_add(1)];

/// From 1 to 10,000 connections, with as many requests at a time.
pub(super) fn connections(
    rounds: usize,
    divide: usize,
    files: Files,
    missing: &mut Vec<String>,
) -> Result<Vec<Scaled>> {
    let mut rows = Vec::new();
    let pair = Pair::start(Framework::Axum, Transport::Unix)?;
    for connections in CONNECTIONS {
        // They would take most of a run that shows nothing.
        if divide > 1 && connections > 1000 {
            continue;
        }
        if !files.allow_connections(connections, "connections", missing) {
            continue;
        }
        let requests = 32_000.max(REQUESTS_A_CONNECTION * connections);
        let times = Times {
            connections,
            requests: requests.div_ceil(divide).max(2 * connections),
        };
        let figures = pair.rounds(&HELLO, times, rounds)?;
        rows.extend(scaled(connections, &figures));
    }
    progress("1 to 10,000 connections: done");
    Ok(rows)
}

/// The first request of a new server, the 2nd to 10th, and so on, on one connection after the other.
pub(super) fn requests(rounds: usize, divide: usize) -> Result<Vec<Scaled>> {
    let mut stages = vec![Vec::new(); STAGES.len()];
    for round in 0..rounds {
        let pair = Pair::start(Framework::Axum, Transport::Unix)?;
        let mut sent = 0;
        for (figures, until) in stages.iter_mut().zip(STAGES) {
            let requests = until - sent;
            if requests > LONG_STAGE && round >= LONG_ROUNDS {
                continue;
            }
            let times = Times {
                connections: 1,
                requests: requests.div_ceil(divide),
            };
            figures.extend(pair.rounds(&HELLO, times, 1)?);
            sent = until;
        }
    }
    progress("1 to 1,000,000 requests: done");
    let rows = STAGES.into_iter().zip(&stages);
    Ok(rows
        .filter_map(|(until, figures)| scaled(until, figures))
        .collect())
}

/// Busy connections beside others that are idle, of which `divide` makes fewer, too.
pub(super) fn idle(
    rounds: usize,
    divide: usize,
    files: Files,
    missing: &mut Vec<String>,
) -> Result<Vec<Scaled>> {
    let mut rows = Vec::new();
    for connections in IDLE {
        let connections = connections / divide;
        if !files.allow_connections(connections, "idle connections", missing) {
            continue;
        }
        let idle = Idle {
            connections,
            time: QUIET / u32::try_from(divide)?,
        };
        // New ones, as memory is the most that was ever resident.
        let pair = Pair::start(Framework::Axum, Transport::Unix)?;
        let figures = pair.rounds_beside(idle, &HELLO, busy(divide), rounds)?;
        rows.extend(scaled(connections, &figures));
    }
    progress("idle connections: done");
    Ok(rows)
}

/// tokio's multi-thread runtime with 1 and with 2 workers.
pub(super) fn workers(rounds: usize, divide: usize) -> Result<Vec<Scaled>> {
    let mut rows = Vec::new();
    for workers in WORKERS {
        let pair = Pair::with_workers(Framework::Axum, Transport::Unix, Some(workers))?;
        let figures = pair.rounds(&HELLO, busy(divide), rounds)?;
        rows.extend(scaled(workers.get(), &figures));
    }
    progress("worker threads: done");
    Ok(rows)
}

/// As in the rows of the first tables.
fn busy(divide: usize) -> Times {
    Times {
        connections: 32,
        requests: 64_000_usize.div_ceil(divide),
    }
}

fn scaled(count: usize, figures: &[Round]) -> Option<Scaled> {
    let ratios: Vec<f64> = figures.iter().filter_map(Round::ratio).collect();
    Some(Scaled {
        count,
        fastcgi_us: median(figures.iter().map(|it| it.fastcgi.cpu_us)),
        http_us: median(figures.iter().filter_map(|it| Some(it.http?.cpu_us))),
        ratio: Ratio::of(&ratios)?,
        fastcgi_sleeps: median(figures.iter().map(|it| it.fastcgi.sleeps)),
        http_sleeps: median(figures.iter().filter_map(|it| Some(it.http?.sleeps))),
        fastcgi_kib: figures.iter().map(|it| it.fastcgi.peak_kib).max()?,
        http_kib: figures
            .iter()
            .filter_map(|it| Some(it.http?.peak_kib))
            .max()?,
    })
}
