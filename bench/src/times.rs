//! CPU time per request, with the exact counts of the committed table beside it.

use std::fmt;

use crate::{
    Result,
    measure::{Pair, Round, median},
    report,
    scenario::{self, Scenario},
    server::{Framework, Protocol},
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

fn compare(
    framework: Framework,
    scenarios: &[&Scenario],
    rounds: usize,
    table: &Table,
) -> Result<()> {
    let unix = Pair::start(framework, Transport::Unix)?;
    let tcp = Pair::start(framework, Transport::Tcp)?;
    report(format_args!(
        "{framework:<22}{:>15}{:>13}{:>8}{:>18} | {:>20}{:>8}{:>12}",
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
        let pair = match scenario.transport {
            Transport::Unix => &unix,
            Transport::Tcp => &tcp,
        };
        let figures = pair.rounds(scenario, times, rounds)?;
        let row = table.row(framework, scenario.name);
        let counts = row.map(|row| &row.fastcgi);
        report(format_args!(
            "{:<22}{:>15.2}{:>13.2}{:>8.3}{:>18} | {:>20}{:>8}{:>12}",
            scenario.name,
            median(figures.iter().map(|it| it.fastcgi.cpu_us)),
            median(figures.iter().filter_map(|it| Some(it.http?.cpu_us))),
            median(figures.iter().filter_map(Round::ratio)),
            figures
                .iter()
                .map(|it| it.fastcgi.peak_growth_kib)
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
