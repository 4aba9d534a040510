//! The committed table of counts: `bench/counts.toml`.

use std::{collections::BTreeMap, fmt, fs, io::Write, path::PathBuf, process::Command};

use serde::{Deserialize, Serialize};

use crate::{
    Framework, Result,
    counts::{Counts, Row},
    scenario_names,
};

/// Counts of all rows, and what they were made with.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub struct Table {
    pub(crate) made_with: Versions,
    /// By framework, then by scenario.
    #[serde(flatten)]
    rows: BTreeMap<String, BTreeMap<String, Row>>,
}

/// What the counts depend on besides the code: with another of these, they are other counts.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub struct Versions {
    rustc: String,
    libc: String,
    valgrind: String,
}

impl Table {
    fn path() -> PathBuf {
        PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/counts.toml"))
    }

    /// The table in the repository.
    ///
    /// # Errors
    ///
    /// When it is missing, or is no such table.
    pub fn committed() -> Result<Self> {
        let path = Self::path();
        let read = fs::read_to_string(&path).map_err(Into::into);
        read.and_then(|text| Self::parse(&text))
            .map_err(|error| format!("{}: {error}", path.display()).into())
    }

    /// An empty one.
    #[must_use]
    pub fn new(made_with: Versions) -> Self {
        Self {
            made_with,
            rows: BTreeMap::new(),
        }
    }

    /// The table that is written in `text`.
    ///
    /// # Errors
    ///
    /// When it is no such table.
    pub fn parse(text: &str) -> Result<Self> {
        Ok(toml::from_str(text)?)
    }

    /// The row of `scenario` with `framework`.
    #[must_use]
    pub fn row(&self, framework: Framework, scenario: &str) -> Option<&Row> {
        self.rows.get(framework.as_str())?.get(scenario)
    }

    /// Puts `row` in the place of the one that is there.
    pub fn put(&mut self, framework: Framework, scenario: &str, row: Row) {
        let rows = self.rows.entry(framework.as_str().to_owned()).or_default();
        rows.insert(scenario.to_owned(), row);
    }

    /// All rows: framework, scenario.
    pub fn names(&self) -> impl Iterator<Item = (&str, &str)> {
        self.rows.iter().flat_map(|(framework, rows)| {
            rows.keys()
                .map(move |scenario| (framework.as_str(), scenario.as_str()))
        })
    }

    /// Replaces the table in the repository, all at once.
    pub(crate) fn write(&self) -> Result<()> {
        let path = Self::path();
        let folder = path.parent().ok_or("a file is in a folder")?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(self.to_text()?.as_bytes())?;
        file.persist(&path)?;
        Ok(())
    }

    /// The table as it is in the repository: a line for each count, so that a change of it is a change of a line.
    ///
    /// # Errors
    ///
    /// When a value cannot be written as TOML, which none of these is.
    pub fn to_text(&self) -> Result<String> {
        let mut text = HEAD.to_owned();
        text += "\n[made-with]\n";
        text += &toml::to_string(&self.made_with)?;
        for framework in Framework::ALL {
            for scenario in scenario_names() {
                let Some(row) = self.row(framework, scenario) else {
                    continue;
                };
                text += &format!("\n[{framework}.\"{scenario}\"]\n");
                text += &format!("fastcgi = {}\n", in_line(&row.fastcgi)?);
                if let Some(http) = &row.http {
                    text += &format!("http = {}\n", in_line(http)?);
                }
            }
        }
        Ok(text)
    }
}

const HEAD: &str = "\
# What one request costs, counted: see CONTRIBUTING.md, \"Counts\". Written by `bench/count --write`.
#
# instructions: in user space; allocations, bytes: on the heap, all together; calls: system calls; held: bytes on the
# heap for a connection that waits. Where there is a spread, several counts differ by so many per cent.
";

fn in_line(counts: &Counts) -> Result<String> {
    let mut text = String::new();
    counts.serialize(toml::ser::ValueSerializer::new(&mut text))?;
    Ok(text)
}

impl Versions {
    /// Those of this machine.
    ///
    /// # Errors
    ///
    /// When one of the programs is missing.
    pub fn here() -> Result<Self> {
        let run = |program: &str, args: &[&str]| -> Result<String> {
            let output = Command::new(program).args(args).output();
            let output = output.map_err(|error| format!("{program}: {error}"))?;
            Ok(String::from_utf8(output.stdout)?.trim().to_owned())
        };
        let without = |text: String, prefix| text.strip_prefix(prefix).unwrap_or(&text).to_owned();
        Ok(Self {
            rustc: without(run("rustc", &["--version"])?, "rustc "),
            libc: run("getconf", &["GNU_LIBC_VERSION"])?,
            valgrind: without(run("valgrind", &["--version"])?, "valgrind-"),
        })
    }
}

impl fmt::Display for Versions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            rustc,
            libc,
            valgrind,
        } = self;
        write!(f, "rustc {rustc}, {libc}, valgrind {valgrind}")
    }
}
