//! A row of the table in `docs/troubleshooting.md`.

use std::thread;
use std::time::{Duration, Instant};

use fastcgi_e2e::{Response, Site};
use fastcgi_test_kit::Table;
use libtest_mimic::Failed;

/// The head of the table.
pub(super) const HEAD: &str =
    "| you see | in the log of the web server | because | what to do | test |";

/// The page with the table.
pub(super) fn page() -> &'static str {
    include_str!("../../../../../docs/troubleshooting.md")
}

/// What is to be seen, and what helps.
#[derive(Debug)]
pub(super) struct Row {
    symptom: String,
    log: String,
    remedy: String,
}

impl Row {
    /// The row whose test has this name.
    pub(super) fn of(name: &str) -> Result<Self, Failed> {
        let table = Table::find(page(), HEAD);
        let test = format!("`{name}`");
        let row = table.rows().find_map(|cells| match cells {
            [symptom, log, _, remedy, last] if *last == test => Some(Self {
                symptom: symptom.clone(),
                log: log.clone(),
                remedy: remedy.clone(),
            }),
            _ => None,
        });
        row.ok_or_else(|| format!("no row has the test {name}").into())
    }

    /// The configuration without what the row says to do: `remedy` is one of its code spans.
    pub(super) fn without(&self, configuration: &str, remedy: &str) -> Result<String, Failed> {
        self.with(configuration, remedy, "")
    }

    /// The configuration with `instead` in the place of what the row says to do.
    pub(super) fn with(
        &self,
        configuration: &str,
        remedy: &str,
        instead: &str,
    ) -> Result<String, Failed> {
        self.says(remedy)?;
        if !configuration.contains(remedy) {
            return Err(format!("{remedy} is not in {configuration}").into());
        }
        Ok(configuration.replace(remedy, instead))
    }

    /// Demands that the row says to do this.
    pub(super) fn says(&self, remedy: &str) -> Result<(), Failed> {
        let is_there = self.remedy.contains(&format!("`{remedy}`"));
        let otherwise = || format!("the row does not say `{remedy}`, but: {}", self.remedy).into();
        is_there.then_some(()).ok_or_else(otherwise)
    }

    /// Demands that the answer has the status of the row, and its text if there is one in quotes; and that the log has its lines.
    pub(super) fn shows(&self, site: &Site, response: &Response) -> Result<(), Failed> {
        let status = response.status.to_string();
        if !self.symptom.contains(&status) {
            return Err(format!("{status} is not {}: {}", self.symptom, response.text()).into());
        }
        for text in quoted(&self.symptom) {
            if !response.text().contains(text) {
                return Err(format!("{text} is not in {}", response.text()).into());
            }
        }
        self.is_logged(site)
    }

    /// Demands that the log of the web server has the lines of the row: where it has none, no error and no warning.
    pub(super) fn is_logged(&self, site: &Site) -> Result<(), Failed> {
        let lines: Vec<_> = self.log.split('`').skip(1).step_by(2).collect();
        if lines.is_empty() {
            let log = site.log()?;
            let complains = ["error]", "warn]", "crit]", "alert]"];
            // nginx warns of each large body, whatever becomes of it.
            let lines = log
                .lines()
                .filter(|line| !line.contains("is buffered to a temporary file"));
            let is_quiet = !lines
                .flat_map(|line| complains.map(|word| line.contains(word)))
                .any(|it| it);
            return is_quiet.then_some(()).ok_or_else(|| log.into());
        }
        let start = Instant::now();
        loop {
            let log = site.log()?;
            if lines.iter().all(|line| in_order(&log, line)) {
                return Ok(());
            }
            if start.elapsed() > Duration::from_secs(10) {
                return Err(format!("{lines:?} is not in {log}").into());
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}

/// What is in quotation marks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('"').skip(1).step_by(2)
}

/// Whether a line of the log has these words, with anything in the place of `…`.
fn in_order(log: &str, words: &str) -> bool {
    log.lines().any(|line| {
        let mut rest = Some(line);
        for part in words.split('…') {
            rest = rest.and_then(|rest| rest.split_once(part.trim()).map(|(_, rest)| rest));
        }
        rest.is_some()
    })
}
