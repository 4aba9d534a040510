//! CPU time per request, with the exact counts of the committed table beside it.

use std::fmt;

use crate::{
    Result, load,
    process::{ServerProcess, Tool},
    report,
    request::Kind,
    scenario::{self, Scenario, Times},
    server::{Framework, Protocol, Server},
    socket::Transport,
    table::Table,
};

const DEFAULT_ROUNDS: usize = 7;

/// Measures, and prints: `[tower|axum|actix] [SCENARIO [ROUNDS]]`.
///
/// # Errors
///
/// When there is no such scenario, a server fails, or the committed table cannot be read.
pub fn times(args: &[&str]) -> Result<()> {
    let (frameworks, args) = match args.split_first() {
        Some((name, rest)) if name.parse::<Framework>().is_ok() => (vec![name.parse()?], rest),
        _ => (Framework::ALL.to_vec(), args),
    };
    let (scenarios, rounds) = match *args {
        [] => (scenario::named(None)?, DEFAULT_ROUNDS),
        [name] => (scenario::named(Some(name))?, DEFAULT_ROUNDS),
        [name, rounds] => (scenario::named(Some(name))?, rounds.parse()?),
        _ => return Err("usage: fastcgi-bench [tower|axum|actix] [SCENARIO [ROUNDS]]".into()),
    };
    let table = Table::committed()?;
    // Beside HTTP: functions that block are counted only.
    for framework in frameworks.into_iter().filter(|it| !it.has_threads()) {
        compare(framework, &scenarios, rounds, &table)?;
    }
    report(format_args!(
        "\ncounts: bench/counts.toml, {}",
        table.made_with
    ));
    Ok(())
}

/// What one server did in one round.
#[derive(Clone, Copy, Debug)]
struct Figure {
    cpu_us: f64,
    peak_growth_kib: u64,
}

fn compare(
    framework: Framework,
    scenarios: &[&Scenario],
    rounds: usize,
    table: &Table,
) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let start = |protocol| {
        let server = Server {
            framework,
            protocol,
        };
        ServerProcess::start(server, Transport::Unix, &Tool::Bare, folder.path())
    };
    let (fastcgi, http) = (start(Protocol::FastCgi)?, start(Protocol::Http)?);
    report(format_args!(
        "{framework:<18}{:>15}{:>13}{:>8}{:>18} | {:>20}{:>8}{:>12}",
        "FastCGI us/req",
        "HTTP us/req",
        "ratio",
        "FastCGI peak KiB",
        "FastCGI instructions",
        "ratio",
        "allocations"
    ));
    for scenario in scenarios {
        let Some(times) = scenario.times else {
            continue;
        };
        if !scenario.takes(framework, Protocol::Http) {
            continue;
        }
        let mut figures = Vec::new();
        for _ in 0..rounds {
            let measure = |server| measure(server, scenario.kind, times);
            figures.push((measure(&fastcgi)?, measure(&http)?));
        }
        let row = table.row(framework, scenario.name);
        let counts = row.map(|row| &row.fastcgi);
        report(format_args!(
            "{:<18}{:>15.2}{:>13.2}{:>8.3}{:>18} | {:>20}{:>8}{:>12}",
            scenario.name,
            median(figures.iter().map(|(fastcgi, _)| fastcgi.cpu_us)),
            median(figures.iter().map(|(_, http)| http.cpu_us)),
            median(
                figures
                    .iter()
                    .map(|(fastcgi, http)| fastcgi.cpu_us / http.cpu_us)
            ),
            figures
                .iter()
                .map(|(fastcgi, _)| fastcgi.peak_growth_kib)
                .max()
                .unwrap_or(0),
            Cell(counts.and_then(|counts| counts.instructions)),
            Cell(row.and_then(|row| Some(format!("{:.3}", row.instructions_ratio()?)))),
            Cell(counts.and_then(|counts| counts.allocations)),
        ));
    }
    Ok(())
}

/// A figure that may be absent.
struct Cell<T>(Option<T>);

impl<T: fmt::Display> fmt::Display for Cell<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(figure) => f.pad(&figure.to_string()),
            None => f.pad("-"),
        }
    }
}

fn measure(server: &ServerProcess, kind: Kind, times: Times) -> Result<Figure> {
    let memory = server.peak_memory_kib()?;
    let cpu = server.cpu_ns()?;
    load::run(server, kind, times)?;
    let cpu = server.cpu_ns()? - cpu;
    Ok(Figure {
        cpu_us: cpu as f64 / 1000.0 / times.requests as f64,
        peak_growth_kib: server.peak_memory_kib()? - memory,
    })
}

fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.collect();
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}
