//! Exact counts per request, and the gate that compares them with the committed table.
//!
//! Each count is the difference between 2N requests and N, divided by N: what happens once, such as the start, is in
//! both.

mod gate;
mod heap;
mod instructions;
mod paced;
mod print;
mod single;
mod system_calls;

use std::{collections::BTreeMap, path::Path};

use crate::{
    Result,
    counts::{Counts, Row, Spread},
    report,
    scenario::{self, Exactness, Mode, Scenario},
    server::{Framework, Protocol, Server},
    table::{Table, Versions},
};

/// How often it is counted where counts differ.
const ROUNDS: usize = 3;
/// How often where the gate allows for how far they differ.
const ROUNDS_OF_THREADS: usize = 5;

/// Counts, and prints: `[--write|--gate] [tower|axum|actix|blocking|cgi_fn|libfcgi] [SCENARIO]`.
///
/// # Errors
///
/// When there is no such scenario, a tool is missing, a server fails, or the gate finds something worse.
pub fn count(args: &[&str]) -> Result<()> {
    let (flags, names): (Vec<&str>, Vec<&str>) = args.iter().partition(|arg| arg.starts_with('-'));
    let (frameworks, names) = match names.split_first() {
        Some((name, rest)) if name.parse::<Framework>().is_ok() => (vec![name.parse()?], rest),
        _ => (Framework::ALL.to_vec(), &names[..]),
    };
    let scenarios = match *names {
        [] => scenario::named(None)?,
        [name] => scenario::named(Some(name))?,
        _ => return Err(USAGE.into()),
    };
    match *flags {
        [] => count_all(&frameworks, &scenarios, None),
        ["--write" | "--gate"] if frameworks == [Framework::Libfcgi] => {
            Err("libfcgi is not in the table".into())
        }
        ["--write"] => count_all(
            &frameworks,
            &scenarios,
            Some(table_to_write(args.len() > 1)?),
        ),
        ["--gate"] => gate::gate(&frameworks, &scenarios),
        _ => Err(USAGE.into()),
    }
}

const USAGE: &str =
    "usage: bench/count [--write|--gate] [tower|axum|actix|blocking|cgi_fn|libfcgi] [SCENARIO]";

/// The committed table, if only a part of it is counted again; otherwise a new one.
fn table_to_write(is_part: bool) -> Result<Table> {
    let here = Versions::here()?;
    if !is_part {
        return Ok(Table::new(here));
    }
    let table = Table::committed()?;
    if table.made_with == here {
        Ok(table)
    } else {
        Err(format!(
            "the table was made with {}, and here is {here}: write it whole",
            table.made_with
        )
        .into())
    }
}

fn count_all(
    frameworks: &[Framework],
    scenarios: &[&Scenario],
    mut table: Option<Table>,
) -> Result<()> {
    report(Versions::here()?);
    for &framework in frameworks {
        print::head(framework);
        for scenario in scenarios.iter().filter(|it| it.is_for(framework)) {
            let mut row = Row::fastcgi(counts(framework, Protocol::FastCgi, scenario)?);
            if scenario.takes(framework, Protocol::Http) {
                row.http = Some(counts(framework, Protocol::Http, scenario)?);
            }
            print::row(framework, scenario, &row);
            if let Some(table) = &mut table {
                table.put(framework, scenario.name, row);
            }
        }
    }
    if let Some(table) = table {
        table.write()?;
        report("\nbench/counts.toml is written");
    }
    Ok(())
}

/// All counts of one scenario, as often as it takes.
fn counts(framework: Framework, protocol: Protocol, scenario: &Scenario) -> Result<Counts> {
    let server = Server::new(framework, protocol);
    let folder = tempfile::tempdir()?;
    let exactness = scenario.exactness(framework);
    let rounds = match exactness {
        Exactness::Gate => 1,
        Exactness::Spread => ROUNDS,
        Exactness::Threads => ROUNDS_OF_THREADS,
    };
    let once = |_| count_once(server, scenario, folder.path());
    let counted = (0..rounds).map(once).collect::<Result<Vec<_>>>();
    let counted = counted.map_err(|error| in_row(server, scenario, error.as_ref()))?;
    let middle = |figure: fn(&Counts) -> Option<f64>| middle(counted.iter().filter_map(figure));
    let instructions = middle(|counts| Some(counts.instructions? as f64));
    let allocations = middle(|counts| counts.allocations);
    let spread_of = |figure| {
        let is_allowed_for = exactness == Exactness::Threads;
        let spread = middle(figure).filter(|_| is_allowed_for);
        spread.map(|(_, spread)| spread)
    };
    let spread = match (instructions, allocations) {
        (Some((_, instructions)), Some((_, allocations))) if rounds > 1 => Some(Spread {
            instructions,
            allocations,
            bytes: spread_of(|counts| Some(counts.bytes? as f64)),
        }),
        _ => None,
    };
    let whole = |figure: f64| figure.round() as u64;
    Ok(Counts {
        instructions: instructions.map(|(figure, _)| whole(figure)),
        allocations: allocations.map(|(figure, _)| figure),
        bytes: middle(|counts| Some(counts.bytes? as f64)).map(|(figure, _)| whole(figure)),
        held: middle(|counts| Some(counts.held? as f64)).map(|(figure, _)| whole(figure)),
        spread,
        calls: middle_calls(&counted),
    })
}

/// Counts once, whatever the counts depend on.
fn counts_of_one_round(
    framework: Framework,
    protocol: Protocol,
    scenario: &Scenario,
) -> Result<Counts> {
    let server = Server::new(framework, protocol);
    let folder = tempfile::tempdir()?;
    let counted = count_once(server, scenario, folder.path());
    counted.map_err(|error| in_row(server, scenario, error.as_ref()).into())
}

fn in_row(server: Server, scenario: &Scenario, error: &dyn std::error::Error) -> String {
    format!("{server}, {}: {error}", scenario.name)
}

/// Of each system call the count in the middle; what is there by chance is not.
fn middle_calls(counted: &[Counts]) -> BTreeMap<String, f64> {
    let names = counted.iter().flat_map(|counts| counts.calls.keys());
    let mut calls = BTreeMap::new();
    for name in names {
        let count = |counts: &Counts| counts.calls.get(name).copied().unwrap_or_default();
        let middle = middle(counted.iter().map(count));
        calls.insert(name.clone(), middle.map_or(0.0, |(count, _)| count));
    }
    calls.retain(|_, count| *count > 0.0);
    calls
}

fn count_once(server: Server, scenario: &Scenario, folder: &Path) -> Result<Counts> {
    match scenario.mode {
        Mode::Process => single::count(server, scenario, folder),
        Mode::Idle(time) => Ok(Counts {
            held: Some(heap::held(server, scenario, time, folder)?),
            ..Counts::default()
        }),
        _ => {
            let (allocations, bytes) = heap::count(server, scenario, folder)?;
            Ok(Counts {
                instructions: Some(instructions::count(server, scenario, folder)?),
                allocations: Some(allocations),
                bytes: Some(bytes),
                calls: system_calls::count(server, scenario, folder)?,
                ..Counts::default()
            })
        }
    }
}

/// The figure in the middle, and how far the others are from each other, in per cent of it.
fn middle(figures: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    let mut figures: Vec<f64> = figures.collect();
    figures.sort_by(f64::total_cmp);
    let (first, last) = (figures.first()?, figures.last()?);
    let middle = *figures.get(figures.len() / 2)?;
    Some((middle, hundredths((last - first) / middle * 100.0)))
}

pub(crate) fn hundredths(figure: f64) -> f64 {
    (figure * 100.0).round() / 100.0
}
