//! The counts of one request, and the comparison of new ones with those of before.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use crate::count::hundredths;

/// The counts of a request over FastCGI, and of the same over HTTP.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
pub struct Row {
    pub(crate) fastcgi: Counts,
    pub(crate) http: Option<Counts>,
}

/// What one request costs.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Counts {
    /// In user space.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) instructions: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) allocations: Option<f64>,
    /// The sum of the allocations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bytes: Option<u64>,
    /// Bytes on the heap for a connection that waits for its next request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) held: Option<u64>,
    /// How far apart several counts were, in per cent: where they are not the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) spread: Option<Spread>,
    /// System calls.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) calls: BTreeMap<String, f64>,
}

/// The largest of several counts less the smallest, in per cent of the one in the middle.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Spread {
    pub(crate) instructions: f64,
    pub(crate) allocations: f64,
    /// Of the bytes allocated; where the gate looks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bytes: Option<f64>,
}

/// What a thread calls to wait for another, or to wake it.
const WAITING: [&str; 3] = ["epoll_wait", "futex", "write"];

/// How much worse a figure may be than the table's, beyond its spread.
const TOLERANCE: f64 = 0.02;

/// From how much better a figure is on, the table should be written again. Not where there is a spread: fewer requests wait
/// where the machine has other work.
const NEWS: f64 = 0.01;

/// What new counts are, beside the table's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Comparison {
    /// How many figures were compared.
    pub figures: usize,
    /// What is worse by more than 2 % and its spread, each with its row.
    pub worse: Vec<String>,
    /// What is better by more than 1 %, where there is no spread.
    pub better: Vec<String>,
}

impl Row {
    /// Instructions over FastCGI to those over HTTP.
    pub(crate) fn instructions_ratio(&self) -> Option<f64> {
        self.ratio(|counts| Some(counts.instructions? as f64))
    }

    pub(crate) fn ratio(&self, figure: impl Fn(&Counts) -> Option<f64>) -> Option<f64> {
        Some(figure(&self.fastcgi)? / figure(self.http.as_ref()?)?)
    }

    /// A row with these counts over FastCGI, and nothing over HTTP.
    #[must_use]
    pub fn fastcgi(counts: Counts) -> Self {
        Self {
            fastcgi: counts,
            http: None,
        }
    }

    /// Compares counts over FastCGI, made now, with those of this row, which is called `name`.
    #[must_use]
    pub fn compare(&self, name: &str, now: &Counts) -> Comparison {
        let mut comparison = Comparison::default();
        let spreads = self.fastcgi.spreads();
        // Between threads, how often one waits is chance.
        let spread = self.fastcgi.spread;
        let left_out: &[_] = match spread.and_then(|it| it.bytes) {
            Some(_) => &WAITING,
            None => &[],
        };
        let figures = self.fastcgi.figures(left_out).into_iter();
        let figures = figures.zip(now.figures(left_out));
        for (((figure, before), (_, now)), spread) in figures.zip(spreads) {
            let line = match (before, now) {
                (None, None) => continue,
                (Some(before), Some(now)) => {
                    let change = now - before;
                    let line = format!(
                        "{name}: {figure} {before} -> {now} ({:+.2} %)",
                        change / before * 100.0
                    );
                    if self.fastcgi.spread.is_none() && change < -NEWS * before {
                        comparison.better.push(line.clone());
                    }
                    (change > (TOLERANCE + spread) * before).then_some(line)
                }
                _ => Some(format!(
                    "{name}: {figure} are not in both the table and this count"
                )),
            };
            comparison.figures += 1;
            comparison.worse.extend(line);
        }
        comparison
    }
}

impl Counts {
    /// The counts of a small request.
    #[must_use]
    pub fn small(instructions: u64, allocations: f64, bytes: u64, calls: &[(&str, f64)]) -> Self {
        Self {
            instructions: Some(instructions),
            allocations: Some(allocations),
            bytes: Some(bytes),
            calls: calls
                .iter()
                .map(|&(name, count)| (name.to_owned(), count))
                .collect(),
            ..Self::default()
        }
    }

    /// Of each figure the lesser one: what chance adds to a count, it does not add to each.
    #[must_use]
    pub fn least(self, other: Self) -> Self {
        let calls = match (self.all_calls(), other.all_calls()) {
            (Some(these), Some(others)) if others < these => other.calls,
            _ => self.calls,
        };
        Self {
            instructions: least(self.instructions, other.instructions, u64::min),
            allocations: least(self.allocations, other.allocations, f64::min),
            bytes: least(self.bytes, other.bytes, u64::min),
            held: least(self.held, other.held, u64::min),
            spread: None,
            calls,
        }
    }

    /// The spread of each of [`figures`](Self::figures), as a part of it.
    fn spreads(&self) -> [f64; 5] {
        let spread = self.spread.map(|it| {
            let bytes = it.bytes.unwrap_or_default();
            [it.instructions, it.allocations, bytes, 0.0, 0.0].map(|per_cent| per_cent / 100.0)
        });
        spread.unwrap_or_default()
    }

    pub(crate) fn all_calls(&self) -> Option<f64> {
        self.calls_but(&[])
    }

    fn calls_but(&self, left_out: &[&str]) -> Option<f64> {
        let calls = self.calls.iter();
        let counted = calls.filter(|(name, _)| !left_out.contains(&name.as_str()));
        let sum: f64 = counted.map(|(_, count)| count).sum();
        (!self.calls.is_empty()).then(|| hundredths(sum))
    }

    /// All of them, without the system calls of `left_out`.
    fn figures(&self, left_out: &[&str]) -> [(&'static str, Option<f64>); 5] {
        let float = |figure: Option<u64>| figure.map(|figure| figure as f64);
        [
            ("instructions", float(self.instructions)),
            ("allocations", self.allocations),
            ("bytes allocated", float(self.bytes)),
            ("system calls", self.calls_but(left_out)),
            ("bytes held", float(self.held)),
        ]
    }
}

/// A figure that only one of two counts has is no figure of both.
fn least<T>(one: Option<T>, other: Option<T>, min: fn(T, T) -> T) -> Option<T> {
    Some(min(one?, other?))
}

/// In a line: those figures that there are.
impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (name, figure) in self.figures(&[]) {
            if let Some(figure) = figure {
                write!(f, "{separator}{figure} {name}")?;
                separator = ", ";
            }
        }
        Ok(())
    }
}
