//! CPU per request: one application over FastCGI and over HTTP, side by side on Unix sockets, in one run; with axum, and
//! with actix-web.
//!
//! ```text
//! cargo run --release -p fastcgi-bench                   # both frameworks, all scenarios
//! cargo run --release -p fastcgi-bench hello 9           # one scenario, nine rounds
//! cargo run --release -p fastcgi-bench actix hello 9     # one framework
//! ```
//!
//! Each server is a process of its own with one thread. A round sends the same requests to both, one after the other;
//! what is compared is the server's own CPU time as the kernel's scheduler counts it, system calls included, because on
//! a shared machine that moves by a few per cent where requests per second move by tens. Printed are medians, and the
//! median of the ratios within a round.

mod actix_app;
mod axum_app;
mod load;
mod process;
mod scenario;
mod server;
mod zeros;

use std::{env, error::Error};

use crate::{
    process::ServerProcess,
    scenario::Scenario,
    server::{Framework, Protocol, Server},
};

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

const DEFAULT_ROUNDS: usize = 7;

fn main() -> Result<()> {
    let args: Vec<String> = env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    if let ["serve", server, path] = args[..] {
        return server.parse::<Server>()?.run(path);
    }
    let (frameworks, args) = match args.split_first() {
        Some((name, rest)) if name.parse::<Framework>().is_ok() => (vec![name.parse()?], rest),
        _ => (Framework::ALL.to_vec(), &args[..]),
    };
    let (scenarios, rounds) = match *args {
        [] => (scenario::all(), DEFAULT_ROUNDS),
        [name] => (scenario::named(name)?, DEFAULT_ROUNDS),
        [name, rounds] => (scenario::named(name)?, rounds.parse()?),
        _ => return Err("usage: fastcgi-bench [axum|actix] [SCENARIO [ROUNDS]]".into()),
    };
    for framework in frameworks {
        compare(framework, &scenarios, rounds)?;
    }
    Ok(())
}

/// What one server did in one round.
#[derive(Clone, Copy, Debug)]
struct Figure {
    cpu_us: f64,
    peak_growth_kib: u64,
}

fn compare(framework: Framework, scenarios: &[Scenario], rounds: usize) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let start = |protocol| ServerProcess::start(Server::new(framework, protocol), folder.path());
    let (fastcgi, http) = (start(Protocol::FastCgi)?, start(Protocol::Http)?);
    report(format_args!(
        "{:<16}{:>16}{:>16}{:>10}{:>18}",
        framework.as_str(),
        "FastCGI us/req",
        "HTTP us/req",
        "ratio",
        "FastCGI peak KiB"
    ));
    for scenario in scenarios {
        if !framework.takes(scenario) {
            continue;
        }
        let mut figures = Vec::new();
        for _ in 0..rounds {
            figures.push((measure(&fastcgi, scenario)?, measure(&http, scenario)?));
        }
        report(format_args!(
            "{:<16}{:>16.2}{:>16.2}{:>10.3}{:>18}",
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
        ));
    }
    Ok(())
}

fn measure(server: &ServerProcess, scenario: &Scenario) -> Result<Figure> {
    let memory = server.peak_memory_kib()?;
    let cpu = server.cpu_ns()?;
    load::run(server, scenario)?;
    let cpu = server.cpu_ns()? - cpu;
    Ok(Figure {
        cpu_us: cpu as f64 / 1000.0 / scenario.requests as f64,
        peak_growth_kib: server.peak_memory_kib()? - memory,
    })
}

fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.collect();
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

#[expect(
    clippy::print_stdout,
    reason = "the report is what this program is for"
)]
fn report(line: std::fmt::Arguments<'_>) {
    println!("{line}");
}
