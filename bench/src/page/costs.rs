//! The tables of times and counts, and of what is worse than over HTTP.

use std::fmt::Write as _;

use super::{
    figures::{Figures, Ratio, Timed},
    reasons::{Reason, reason},
};
use crate::{
    Framework,
    counts::{Counts, Row},
    scenario_names,
    table::Table,
};

pub(super) const FRAMEWORKS: [Framework; 3] = [Framework::Tower, Framework::Axum, Framework::Actix];

/// From here on, a row needs a reason.
const WORSE: f64 = 1.05;

/// A table for each framework: times, with the counts of one request beside them.
pub(super) fn times(figures: &Figures, counts: &Table) -> String {
    let mut text = String::new();
    for framework in FRAMEWORKS {
        let name = framework.as_str();
        _ = write!(
            text,
            "\n### {}\n\n| | FastCGI µs | HTTP µs | ratio | least – most | instructions | allocations | system calls |\n\
             |---|---|---|---|---|---|---|---|\n",
            title(framework)
        );
        for row in figures.rows.iter().filter(|row| row.framework == name) {
            let counted = counts.row(framework, &row.scenario);
            _ = writeln!(
                text,
                "| {} | {} | {} |",
                row.scenario,
                time(row),
                counted_cells(counted)
            );
        }
    }
    text
}

fn title(framework: Framework) -> &'static str {
    match framework {
        Framework::Axum => "axum, beside `axum::serve`",
        Framework::Actix => "actix-web, beside its `HttpServer`",
        _ => "bare tower, beside hyper",
    }
}

fn time(row: &Timed) -> String {
    let fastcgi = micros(row.fastcgi_us);
    match (row.http_us, row.ratio) {
        (Some(http), Some(ratio)) => {
            format!("{fastcgi} | {} | {}", micros(http), ratio_cells(ratio))
        }
        _ => format!("{fastcgi} | refused | – | –"),
    }
}

/// Bold, if it is worse.
pub(super) fn ratio_cells(ratio: Ratio) -> String {
    let Ratio {
        median,
        least,
        most,
    } = ratio;
    format!("{} | {least:.2} – {most:.2}", marked(median))
}

fn marked(ratio: f64) -> String {
    if ratio > WORSE {
        format!("**{ratio:.2}**")
    } else {
        format!("{ratio:.2}")
    }
}

pub(super) fn micros(figure: f64) -> String {
    match figure {
        100.0.. => thousands(figure),
        10.0.. => format!("{figure:.1}"),
        _ => format!("{figure:.2}"),
    }
}

fn counted_cells(row: Option<&Row>) -> String {
    let cells = [
        instructions,
        |counts: &Counts| counts.allocations,
        Counts::all_calls,
    ];
    cells.map(|figure| pair(row, figure)).join(" | ")
}

fn instructions(counts: &Counts) -> Option<f64> {
    Some(counts.instructions? as f64)
}

fn held(counts: &Counts) -> Option<f64> {
    Some(counts.held? as f64)
}

/// `23,651 : 16,717 = 1.41`
fn pair(row: Option<&Row>, figure: fn(&Counts) -> Option<f64>) -> String {
    let Some(fastcgi) = row.and_then(|row| figure(&row.fastcgi)) else {
        return "–".to_owned();
    };
    let http = row.and_then(|row| figure(row.http.as_ref()?));
    match http {
        Some(http) if http > 0.0 => {
            let ratio = marked(fastcgi / http);
            format!("{} : {} = {ratio}", thousands(fastcgi), thousands(http))
        }
        _ => thousands(fastcgi),
    }
}

/// `1,234,567`, and below 100 with a decimal.
pub(super) fn thousands(figure: f64) -> String {
    if figure < 100.0 {
        let text = format!("{figure:.1}");
        return text.strip_suffix(".0").unwrap_or(&text).to_owned();
    }
    let digits = format!("{figure:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// What is counted and not timed.
pub(super) fn counted_only(figures: &Figures, counts: &Table) -> String {
    let timed = figures.scenarios();
    let mut text = String::from("| | tower | axum | actix-web |\n|---|---|---|---|\n");
    for scenario in scenario_names()
        .into_iter()
        .filter(|it| !timed.contains(it))
    {
        let rows = FRAMEWORKS.map(|framework| counts.row(framework, scenario));
        for (what, figure) in [
            ("instructions", instructions as fn(&Counts) -> Option<f64>),
            ("bytes of heap held", held),
        ] {
            let cells = rows.map(|row| pair(row, figure));
            if cells.iter().any(|cell| cell != "–") {
                _ = writeln!(text, "| {scenario}: {what} | {} |", cells.join(" | "));
            }
        }
    }
    text
}

/// A scenario that is worse, with those frameworks for which one reason holds.
#[derive(Debug)]
struct Worse<'a> {
    scenario: &'a str,
    reason: &'static Reason,
    times: Vec<String>,
    counts: Vec<String>,
}

/// The table of what is worse with the reasons under it, and the names of rows for which nobody has written one.
pub(super) fn worse(figures: &Figures, counts: &Table) -> (String, Vec<String>) {
    let mut scenarios = figures.scenarios();
    for name in scenario_names() {
        if !scenarios.contains(&name) {
            scenarios.push(name);
        }
    }
    let (mut found, mut unexplained) = (Vec::<Worse<'_>>::new(), Vec::new());
    for scenario in scenarios {
        for framework in FRAMEWORKS {
            let name = framework.as_str();
            let over = |ratio: Option<f64>| ratio.filter(|ratio| *ratio > WORSE);
            let time = figures.row(name, scenario).and_then(|row| row.ratio);
            let time = over(time.map(|ratio| ratio.median));
            let row = counts.row(framework, scenario);
            let count =
                over(row.and_then(|row| row.ratio(instructions).or_else(|| row.ratio(held))));
            if time.is_none() && count.is_none() {
                continue;
            }
            let Some(reason) = reason(name, scenario) else {
                unexplained.push(format!("{name}, {scenario}"));
                continue;
            };
            let same = |it: &Worse<'_>| it.scenario == scenario && it.reason.name == reason.name;
            let at = found.iter().position(same).unwrap_or_else(|| {
                found.push(Worse {
                    scenario,
                    reason,
                    times: Vec::new(),
                    counts: Vec::new(),
                });
                found.len() - 1
            });
            let cell = |ratio: f64| format!("{name} {ratio:.2}");
            found[at].times.extend(time.map(cell));
            found[at].counts.extend(count.map(cell));
        }
    }
    (worse_text(&found), unexplained)
}

fn worse_text(found: &[Worse<'_>]) -> String {
    let mut text = String::from("| | time | instructions | why |\n|---|---|---|---|\n");
    for it in found {
        let join = |cells: &[String]| match cells {
            [] => "–".to_owned(),
            _ => cells.join(", "),
        };
        let (times, counts) = (join(&it.times), join(&it.counts));
        _ = writeln!(
            text,
            "| {} | {times} | {counts} | {} |",
            it.scenario, it.reason.name
        );
    }
    text += "\n";
    for reason in reasons_of(found) {
        _ = writeln!(text, "- **{}**: {}", reason.name, reason.why);
    }
    text
}

/// Each once, in the order of the table.
fn reasons_of(found: &[Worse<'_>]) -> Vec<&'static Reason> {
    let mut reasons = Vec::<&Reason>::new();
    for it in found {
        if reasons.iter().all(|reason| reason.name != it.reason.name) {
            reasons.push(it.reason);
        }
    }
    reasons
}
