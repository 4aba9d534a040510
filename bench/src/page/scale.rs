//! More connections, and more requests: does a request cost the same?

use super::{
    figures::{Ratio, Scaled},
    progress,
};
use crate::{
    Result,
    measure::{Pair, Round, median},
    request::Kind,
    scenario::{Scenario, Times},
    server::Framework,
    socket::Transport,
};

const CONNECTIONS: [usize; 4] = [1, 10, 100, 1000];

/// After the last, a server has had 100,000 requests.
const STAGES: [usize; 6] = [1, 10, 100, 1000, 10_000, 100_000];

/// From 1 to 1,000 connections, with as many requests at a time.
pub(super) fn connections(rounds: usize, divide: usize) -> Result<Vec<Scaled>> {
    let pair = Pair::start(Framework::Axum, Transport::Unix)?;
    let scenario = Scenario::small("hello", Kind::Hello);
    let mut rows = Vec::new();
    for connections in CONNECTIONS {
        let times = Times {
            connections,
            requests: 32_000_usize.div_ceil(divide).max(2 * connections),
        };
        let figures = pair.rounds(&scenario, times, rounds)?;
        rows.extend(scaled(connections, &figures));
    }
    progress("1 to 1,000 connections: done");
    Ok(rows)
}

/// The first request of a new server, the 2nd to 10th, and so on, on one connection after the other.
pub(super) fn requests(rounds: usize, divide: usize) -> Result<Vec<Scaled>> {
    let scenario = Scenario::small("hello", Kind::Hello);
    let mut stages = vec![Vec::new(); STAGES.len()];
    for _ in 0..rounds {
        let pair = Pair::start(Framework::Axum, Transport::Unix)?;
        let mut sent = 0;
        for (figures, until) in stages.iter_mut().zip(STAGES) {
            let times = Times {
                connections: 1,
                requests: (until - sent).div_ceil(divide),
            };
            figures.extend(pair.rounds(&scenario, times, 1)?);
            sent = until;
        }
    }
    progress("1 to 100,000 requests: done");
    let rows = STAGES.into_iter().zip(&stages);
    Ok(rows
        .filter_map(|(until, figures)| scaled(until, figures))
        .collect())
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
