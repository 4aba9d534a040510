//! The tables of `docs/facades.md`: functions of another crate, each with one answer.

use std::collections::{BTreeMap, BTreeSet};

/// A row of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Row {
    /// The functions, `Type::name` each.
    pub functions: Vec<String>,
    /// What is said of them.
    pub answer: Answer,
    /// Functions that the answer names.
    pub named: Vec<String>,
}

/// What is said of functions.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answer {
    /// Ours has the same name.
    Same,
    /// Ours has this name.
    OtherName(String),
    /// There is none, for a reason, and something to do instead.
    No,
}

/// The rows of each table in a page, by the first cell of its head.
///
/// # Errors
///
/// When a row has no answer, or a part of one only.
pub fn tables(page: &str) -> Result<BTreeMap<&str, Vec<Row>>, String> {
    let mut tables = BTreeMap::<_, Vec<_>>::new();
    let mut head = None;
    for line in page.lines() {
        let Some(cells) = line.strip_prefix("| ").and_then(|it| it.strip_suffix(" |")) else {
            head = head.filter(|_| line.starts_with("|--"));
            continue;
        };
        let (first, second) = cells
            .split_once(" | ")
            .ok_or_else(|| format!("a row of one cell: {line}"))?;
        match head {
            None => head = Some(first),
            Some(head) => {
                let row = Row {
                    functions: in_backticks(first).map(str::to_owned).collect(),
                    answer: answer(second).ok_or_else(|| format!("no answer: {line}"))?,
                    named: in_backticks(second)
                        .filter(|it| is_function(it))
                        .map(str::to_owned)
                        .collect(),
                };
                tables.entry(head).or_default().push(row);
            }
        }
    }
    Ok(tables)
}

fn answer(cell: &str) -> Option<Answer> {
    if cell == "same" || cell.starts_with("same; ") {
        return Some(Answer::Same);
    }
    if let Some(name) = cell.strip_prefix("other name: ") {
        return in_backticks(name)
            .next()
            .map(|it| Answer::OtherName(it.to_owned()));
    }
    let reason = cell.strip_prefix("no, because ")?;
    let (reason, instead) = reason.split_once(", instead ")?;
    (!reason.trim().is_empty() && !instead.trim().is_empty()).then_some(Answer::No)
}

fn in_backticks(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// `Type::name`.
fn is_function(text: &str) -> bool {
    let is_name = |it: &str| it.chars().all(|c| c.is_alphanumeric() || c == '_');
    text.split_once("::").is_some_and(|(of, name)| {
        of.starts_with(char::is_uppercase) && is_name(of) && is_name(name)
    })
}

/// What is wrong in a table of functions of `theirs`, where `ours` are the functions that a program finds in their place.
///
/// `renamed` has the name of a function in ours whose answer is *same*.
pub fn problems(
    rows: &[Row],
    theirs: &BTreeSet<String>,
    ours: &BTreeSet<String>,
    renamed: impl Fn(&str) -> String,
) -> Vec<String> {
    let mut problems = Vec::new();
    let mut seen = BTreeSet::new();
    for row in rows {
        for function in &row.functions {
            if !theirs.contains(function) {
                problems.push(format!("`{function}` has a row, and does not exist"));
            }
            if !seen.insert(function) {
                problems.push(format!("`{function}` has two rows"));
            }
            let expected = match &row.answer {
                Answer::Same => renamed(function),
                Answer::OtherName(name) => name.clone(),
                Answer::No => continue,
            };
            if !ours.contains(&expected) {
                problems.push(format!("`{function}`: there is no `{expected}`"));
            }
        }
        let unknown = row.named.iter().filter(|name| !ours.contains(*name));
        problems
            .extend(unknown.map(|name| format!("an answer names `{name}`, which does not exist")));
    }
    let without_row = theirs.iter().filter(|name| !seen.contains(name));
    problems.extend(without_row.map(|name| format!("`{name}` has no row")));
    problems
}
