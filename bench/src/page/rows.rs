//! Each application and scenario, over FastCGI and over HTTP.

use super::{
    figures::{Ratio, Timed},
    progress,
};
use crate::{
    Result,
    cpu::Ticks,
    measure::{Figure, Pair, Round, median},
    scenario::{self, Scenario, Times},
    server::Framework,
    socket::Transport,
};

/// How many times as many rounds bodies have, each time of new processes: what the speed of memory does to them differs from
/// round to round, and from process to process.
pub(super) const ROUNDS_OF_BODIES: usize = 3;

/// Measures all of them. With `divide`, so many times fewer requests.
pub(super) fn measure(rounds: usize, divide: usize) -> Result<Vec<Timed>> {
    let mut rows = Vec::new();
    for framework in Framework::ALL.into_iter().filter(|it| !it.has_threads()) {
        for transport in [Transport::Unix, Transport::Tcp] {
            let pair = Pair::start(framework, transport)?;
            let scenarios = scenario::named(None)?;
            for scenario in scenarios.iter().filter(|it| it.transport == transport) {
                let Some(times) = scenario.times else {
                    continue;
                };
                // A hundred megabytes take too long for a run that shows nothing.
                if divide > 1 && times.requests < 20 {
                    continue;
                }
                let times = Times {
                    requests: times.requests.div_ceil(divide),
                    ..times
                };
                let failed = |error| format!("{framework}, {}: {error}", scenario.name);
                let mut figures = pair.rounds(scenario, times, rounds).map_err(failed)?;
                if scenario.kind.has_large_body() {
                    for _ in 1..ROUNDS_OF_BODIES {
                        let pair = Pair::start(framework, transport)?;
                        figures.extend(pair.rounds(scenario, times, rounds).map_err(failed)?);
                    }
                }
                let row = timed(framework, scenario, &figures);
                let ratio = row.ratio.map(|ratio| format!("{:.3}", ratio.median));
                let ratio = ratio.as_deref().unwrap_or("refused over HTTP");
                progress(format_args!("{framework}, {}: {ratio}", scenario.name));
                rows.push(row);
            }
        }
    }
    Ok(rows)
}

fn timed(framework: Framework, scenario: &Scenario, figures: &[Round]) -> Timed {
    let http: Vec<Figure> = figures.iter().filter_map(|it| it.http).collect();
    let fastcgi: Vec<Figure> = figures.iter().map(|it| it.fastcgi).collect();
    let ratios: Vec<f64> = figures.iter().filter_map(Round::ratio).collect();
    Timed {
        framework: framework.to_string(),
        scenario: scenario.name.to_owned(),
        fastcgi_us: median(fastcgi.iter().map(|it| it.cpu_us)),
        fastcgi_kernel: kernel_share(&fastcgi),
        http_us: (!http.is_empty()).then(|| median(http.iter().map(|it| it.cpu_us))),
        http_kernel: kernel_share(&http),
        ratio: Ratio::of(&ratios),
    }
}

fn kernel_share(figures: &[Figure]) -> Option<f64> {
    let ticks = figures.iter().map(|it| it.ticks);
    ticks.fold(Ticks::default(), Ticks::plus).kernel_share()
}
