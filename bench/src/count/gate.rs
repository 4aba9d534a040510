//! What CI does: counts small requests again, and fails where a figure is worse than the table's.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Instant,
};

use super::counts_of_one_round;
use crate::{
    Result,
    counts::Comparison,
    report,
    scenario::{Exactness, Scenario},
    server::{Framework, Protocol},
    table::{Table, Versions},
};

pub(super) fn gate(frameworks: &[Framework], scenarios: &[&Scenario]) -> Result<()> {
    let start = Instant::now();
    let table = Table::committed()?;
    let here = Versions::here()?;
    let rows: Vec<_> = frameworks
        .iter()
        .flat_map(|&framework| scenarios.iter().map(move |scenario| (framework, *scenario)))
        .filter(|(framework, scenario)| {
            scenario.is_for(*framework) && scenario.exactness(*framework) != Exactness::Spread
        })
        .collect();
    let mut all = Comparison::default();
    for (line, comparison) in compare_all(&table, &rows)? {
        report(line);
        all.figures += comparison.figures;
        all.worse.extend(comparison.worse);
        all.better.extend(comparison.better);
    }
    let is_same = here == table.made_with;
    for line in &all.worse {
        report(format_args!("WORSE {line}"));
    }
    for line in &all.better {
        report(format_args!("better {line}"));
    }
    if !all.better.is_empty() && is_same {
        report("bench/count --write updates the table");
    }
    report(format_args!(
        "counts: {} figures of {} rows over FastCGI against bench/counts.toml: {} worse by over 2 % and their \
         spread, {} better by over 1 %; {:.0} s",
        all.figures,
        rows.len(),
        all.worse.len(),
        all.better.len(),
        start.elapsed().as_secs_f64(),
    ));
    if !is_same {
        report(format_args!(
            "counts: not judged, because the table was made with {}, and here is {here}",
            table.made_with
        ));
        return Ok(());
    }
    if all.worse.is_empty() {
        Ok(())
    } else {
        Err("a request costs more than bench/counts.toml says".into())
    }
}

type Compared = (String, Comparison);

/// Compares all rows, in their order, as many at a time as there are CPUs: counts do not mind.
fn compare_all(table: &Table, rows: &[(Framework, &Scenario)]) -> Result<Vec<Compared>> {
    let workers = thread::available_parallelism().map_or(1, Into::into);
    let next = AtomicUsize::new(0);
    let work = || -> Result<Vec<(usize, Compared)>, String> {
        let mut done = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some((framework, scenario)) = rows.get(number) else {
                return Ok(done);
            };
            let compared = compare(table, *framework, scenario).map_err(|it| it.to_string())?;
            done.push((number, compared));
        }
    };
    let mut done = thread::scope(|scope| {
        let threads: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        let mut done = Vec::new();
        for thread in threads {
            done.extend(thread.join().map_err(|_| "a count panicked")??);
        }
        Ok::<_, String>(done)
    })?;
    done.sort_by_key(|(number, _)| *number);
    Ok(done.into_iter().map(|(_, compared)| compared).collect())
}

/// How often a row is counted before it is worse.
const TRIES: usize = 3;

/// Counts again where something is worse: what chance or another process did to this one does not happen each time.
fn compare(table: &Table, framework: Framework, scenario: &Scenario) -> Result<Compared> {
    let name = format!("{framework}, {}", scenario.name);
    let Some(row) = table.row(framework, scenario.name) else {
        let mut comparison = Comparison::default();
        comparison.worse.push(format!("{name}: not in the table"));
        return Ok((name, comparison));
    };
    let once = || counts_of_one_round(framework, Protocol::FastCgi, scenario);
    let mut counts = once()?;
    for _ in 1..TRIES {
        if row.compare(&name, &counts).worse.is_empty() {
            break;
        }
        counts = counts.least(once()?);
    }
    Ok((format!("{name}: {counts}"), row.compare(&name, &counts)))
}
