//! A table whose rows name tests.

use std::collections::BTreeSet;

use crate::Tests;

/// A table in Markdown. What is first in a row is the row's name; the last cell names tests:
///
/// ```text
/// | bug | whose | test |
/// |---|---|---|
/// | a body waits for the thread that waits for it | fcgisgi | `bodies_arrive_on_a_single_thread` |
/// | a length is allocated before it is checked | tokio-fastcgi | tower `limits::a_length_of_2_gib_costs_nothing`, core `params` |
/// | an error of accept ends the server | Go | the type of `Listener::accept` has none |
/// ```
///
/// A name in backticks is a test where these tables are at home ([`home`](Self::home)), or of the suite whose word is
/// before it; a module stands for its tests. Names are separated by `, ` or `; `. Anything else is a remark, and so is
/// what follows a name.
#[derive(Clone, Debug)]
pub struct Table {
    rows: Vec<Vec<String>>,
    home: String,
    without_test: Vec<String>,
}

impl Table {
    /// The table in `text` that begins with the line `head`. In the comments of a source, it is found as well.
    ///
    /// # Panics
    ///
    /// When there is no such line, or no row under it.
    #[must_use]
    pub fn find(text: &str, head: &str) -> Self {
        let mut lines = text
            .lines()
            .map(|line| line.trim_start_matches(['/', '!']).trim());
        assert!(
            lines.any(|line| line == head),
            "no table begins with {head}"
        );
        let rows: Vec<_> = lines
            // The line under the head.
            .skip(1)
            .map_while(|line| line.strip_prefix('|')?.strip_suffix('|'))
            .map(|row| row.split('|').map(|cell| cell.trim().to_owned()).collect())
            .collect();
        assert!(!rows.is_empty(), "no rows under {head}");
        Self {
            rows,
            home: String::new(),
            without_test: Vec::new(),
        }
    }

    /// The suite, or the module of a suite, whose tests are named without a word before them: `tower::peers`.
    #[must_use]
    pub fn home(mut self, home: &str) -> Self {
        home.clone_into(&mut self.home);
        self
    }

    /// The row `name` has no test, and says why in its last cell.
    #[must_use]
    pub fn without_test(mut self, name: &str) -> Self {
        self.without_test.push(name.to_owned());
        self
    }

    /// Replaces the cells of each row, for tables that name tests in another way.
    #[must_use]
    pub fn map(mut self, cells: impl Fn(&[String]) -> Vec<String>) -> Self {
        self.rows = self.rows.iter().map(|row| cells(row)).collect();
        self
    }

    /// The cells of each row.
    pub fn rows(&self) -> impl Iterator<Item = &[String]> {
        self.rows.iter().map(Vec::as_slice)
    }

    /// What is wrong: rows without a test, names of tests that do not exist, rows that are there twice, and tests of the
    /// kind that is meant without a row. `is_meant` gets names with their suites.
    #[must_use]
    pub fn faults(&self, tests: &Tests, is_meant: impl Fn(&str) -> bool) -> Vec<String> {
        let mut faults = Vec::new();
        let mut named = BTreeSet::new();
        let mut seen = BTreeSet::new();
        for row in &self.rows {
            let [name, .., cell] = &row[..] else {
                faults.push(format!("{row:?}: a row has a name and tests"));
                continue;
            };
            if !seen.insert(name) {
                faults.push(format!("{name}: is there twice"));
            }
            let references = self.references(cell, tests);
            let is_exempt = self.without_test.contains(name);
            match (references.is_empty(), is_exempt) {
                (true, false) => faults.push(format!("{name}: names no test")),
                (false, true) => faults.push(format!("{name}: has a test after all")),
                _ => {}
            }
            for reference in references {
                if !tests.has(&reference) {
                    faults.push(format!("{name}: there is no test {reference}"));
                }
                named.insert(reference);
            }
        }
        for name in &self.without_test {
            if !seen.contains(name) {
                faults.push(format!("{name}: is no row"));
            }
        }
        let without_row = tests
            .iter()
            .filter(|test| is_meant(test) && !covered(test, &named));
        faults.extend(without_row.map(|test| format!("{test}: has no row")));
        faults
    }

    /// The tests that a cell names, with their suites.
    fn references(&self, cell: &str, tests: &Tests) -> Vec<String> {
        let items = cell.split(", ").flat_map(|part| part.split("; "));
        let reference = |item: &str| {
            let (before, rest) = item.split_once('`')?;
            let (name, _) = rest.split_once('`')?;
            match before.trim() {
                "" => Some(format!("{}::{name}", self.home)),
                suite if tests.has_suite(suite) => Some(format!("{suite}::{name}")),
                _ => None,
            }
        };
        items.filter_map(reference).collect()
    }
}

/// Whether a test, or a module that it is in, is among the names.
fn covered(test: &str, named: &BTreeSet<String>) -> bool {
    let modules = test
        .match_indices("::")
        .filter_map(|(at, _)| test.get(..at));
    modules.chain([test]).any(|name| named.contains(name))
}
