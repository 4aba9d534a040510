//! What a test has found, and its judgement.

use std::collections::BTreeMap;

use libtest_mimic::Failed;

use super::answer::Answer;
use super::asked::Asked;
use super::compare::{Differs, differences};
use super::rows::Row;

/// The most requests that a message has for one kind of difference.
const SHOWN: usize = 12;

/// What the comparisons have found.
#[derive(Debug)]
pub struct Findings<'a> {
    name: &'a str,
    /// The rows about the test, and whether they have shown something.
    rows: Vec<(&'a Row, bool)>,
    /// What is in no row, with the requests that show it.
    unexpected: BTreeMap<Differs, Vec<String>>,
}

impl<'a> Findings<'a> {
    /// Nothing yet, for the test of this name, to be judged by `rows`.
    #[must_use]
    pub fn new(name: &'a str, rows: &'a [Row]) -> Self {
        let rows = rows.iter().filter(|row| row.is_about(name));
        Self {
            name,
            rows: rows.map(|row| (row, false)).collect(),
            unexpected: BTreeMap::new(),
        }
    }

    /// Compares the two answers to a request.
    pub fn add(&mut self, asked: &Asked, fastcgi: &Answer, http: &Answer, merges_slashes: bool) {
        for it in differences(asked, fastcgi, http, merges_slashes) {
            let mut is_excused = false;
            for (row, shown) in &mut self.rows {
                if it.is_excused(row, self.name, asked) {
                    is_excused = true;
                    *shown = true;
                }
            }
            if !is_excused {
                let requests = self.unexpected.entry(it).or_default();
                requests.push(format!(
                    "  {}\n    FastCGI {fastcgi}\n    HTTP    {http}\n    params  {}\n",
                    asked.name, fastcgi.params
                ));
            }
        }
    }

    /// Whether all is in order.
    ///
    /// # Errors
    ///
    /// When something differs that is in no row, or a row shows nothing.
    pub fn judge(self) -> Result<(), Failed> {
        let mut text = String::new();
        for (differs, requests) in &self.unexpected {
            text.push_str(&format!("{differs}: {} requests\n", requests.len()));
            text.extend(requests.iter().take(SHOWN).map(String::as_str));
        }
        for (row, shown) in &self.rows {
            if !shown {
                text.push_str(&format!("nothing is to be seen of {row:?}\n"));
            }
        }
        if text.is_empty() {
            Ok(())
        } else {
            Err(text.into())
        }
    }
}
