//! The table in the documentation: behaviours by web servers.

use std::fmt::Write;

use crate::{Behaviour, Layout};

/// One line for each behaviour, one column for each web server, and a note wherever it does something else.
#[must_use]
pub fn table(behaviours: &[&Behaviour], layouts: &[&Layout]) -> String {
    let mut web_servers: Vec<&str> = layouts.iter().map(|layout| layout.web_server).collect();
    web_servers.dedup();
    let mut notes = Vec::new();
    let mut text = format!(
        "| | {} |\n|---|{}\n",
        web_servers.join(" | "),
        "---|".repeat(web_servers.len())
    );
    for behaviour in behaviours {
        let cells: Vec<String> = web_servers
            .iter()
            .map(|web_server| cell(behaviour, layouts, web_server, &mut notes))
            .collect();
        let fact = behaviour.name.replace('_', " ");
        _ = writeln!(text, "| {fact} | {} |", cells.join(" | "));
    }
    text.push('\n');
    for (number, note) in (1..).zip(notes) {
        _ = writeln!(text, "{number}. {note}");
    }
    text
}

/// "yes", or the numbers of notes, of which new ones are added.
fn cell(
    behaviour: &Behaviour,
    layouts: &[&Layout],
    web_server: &str,
    notes: &mut Vec<String>,
) -> String {
    let all: Vec<&Layout> = layouts
        .iter()
        .copied()
        .filter(|layout| layout.web_server == web_server)
        .collect();
    let mut differences: Vec<&str> = all
        .iter()
        .filter_map(|layout| Some(layout.difference(behaviour.name)?.instead))
        .collect();
    differences.dedup();
    let numbers = differences.into_iter().map(|instead| {
        let differs = |layout: &&Layout| {
            layout
                .difference(behaviour.name)
                .is_some_and(|it| it.instead == instead)
        };
        let names: Vec<&str> = all
            .iter()
            .copied()
            .filter(differs)
            .map(|layout| layout.name)
            .collect();
        let note = if names.len() == all.len() {
            format!("{instead}.")
        } else {
            format!("{instead}. Only {}.", names.join(", "))
        };
        let known = notes.iter().position(|it| *it == note);
        let index = known.unwrap_or_else(|| {
            notes.push(note);
            notes.len() - 1
        });
        format!("({})", index + 1)
    });
    let numbers: Vec<String> = numbers.collect();
    if numbers.is_empty() {
        "yes".to_owned()
    } else {
        numbers.join(" ")
    }
}
