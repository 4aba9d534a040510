//! Counts as a table for people: three lines for each scenario, over FastCGI, over HTTP, and the first divided by the
//! second.

use std::fmt::Write;

use crate::{
    counts::{Counts, Row},
    report,
    scenario::Scenario,
    server::Framework,
};

type Figure = fn(&Counts) -> Option<f64>;

const COLUMNS: [(&str, Figure); 5] = [
    ("instructions", |counts| Some(counts.instructions? as f64)),
    ("allocations", |counts| counts.allocations),
    ("bytes", |counts| Some(counts.bytes? as f64)),
    ("bytes held", |counts| Some(counts.held? as f64)),
    ("system calls", Counts::all_calls),
];

pub(super) fn head(framework: Framework) {
    let mut line = format!("\n{framework:<22}{:<8}", "");
    for (column, _) in COLUMNS {
        _ = write!(line, "{column:>14}");
    }
    report(line);
}

pub(super) fn row(framework: Framework, scenario: &Scenario, row: &Row) {
    counts(scenario.name, "FastCGI", &row.fastcgi);
    match &row.http {
        Some(http) => counts("", "HTTP", http),
        None => {
            let reason = scenario.not_over_http(framework).unwrap_or_default();
            report(format_args!("{:<22}HTTP      {reason}", ""));
        }
    }
    if row.http.is_some() {
        let mut line = format!("{:<22}{:<8}", "", "ratio");
        for (_, figure) in COLUMNS {
            let ratio = row.ratio(figure).map(|ratio| format!("{ratio:.3}"));
            _ = write!(line, "{:>14}", ratio.unwrap_or_default());
        }
        report(line.trim_end());
    }
}

fn counts(scenario: &str, protocol: &str, counts: &Counts) {
    let mut line = format!("{scenario:<22}{protocol:<8}");
    for (_, figure) in COLUMNS {
        let figure = figure(counts).map(|figure| figure.to_string());
        _ = write!(line, "{:>14}", figure.unwrap_or_default());
    }
    for (name, count) in &counts.calls {
        _ = write!(line, "  {name} {count}");
    }
    if let Some(spread) = counts.spread {
        _ = write!(
            line,
            "; spread: instructions {} %, allocations {} %",
            spread.instructions, spread.allocations
        );
        if let Some(bytes) = spread.bytes {
            _ = write!(line, ", bytes {bytes} %");
        }
    }
    report(line.trim_end());
}
