//! The table in README.md: the ratios of times, between two markers.

use std::fmt::Write as _;

use super::figures::Figures;
use crate::Result;

const BEGIN: &str = "<!-- Written by `fastcgi-bench page`: -->\n";
const END: &str = "<!-- The end of it. -->\n";

/// `readme` with the figures' table in the place of the one that is there.
///
/// # Errors
///
/// When a marker is missing.
pub fn put_table(readme: &str, figures: &Figures) -> Result<String> {
    let parts = readme.split_once(BEGIN).and_then(|(before, rest)| {
        let (_, after) = rest.split_once(END)?;
        Some((before, after))
    });
    let (before, after) = parts.ok_or("README.md has no place for the table")?;
    Ok(format!("{before}{BEGIN}{}{END}{after}", table(figures)))
}

fn table(figures: &Figures) -> String {
    let machine = &figures.machine;
    let busy = if machine.is_busy() {
        ", which had other work"
    } else {
        ""
    };
    let mut text = format!(
        "{} rounds, {}{busy}, {}:\n\n| | tower | axum | actix-web |\n|---|---|---|---|\n",
        figures.rounds, machine.processor, machine.date
    );
    for scenario in figures.scenarios() {
        _ = write!(text, "| {scenario} |");
        for framework in ["tower", "axum", "actix"] {
            let row = figures.row(framework, scenario);
            match row.and_then(|row| row.ratio) {
                Some(ratio) => _ = write!(text, " {:.2} |", ratio.median),
                None => text += " – |",
            }
        }
        text += "\n";
    }
    text
}
