//! What a case is, and what can come of it.

use std::{fmt, time::Duration};

use serde::{Serialize, Serializer};

use crate::bench::Bench;

/// How much a case counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Grade {
    /// The text of the specification or of RFC 3875 says so.
    Must,
    /// Several web servers, or their users, need it.
    Should,
    /// The application survives. These cases flood it, and are asked with `--robust` only.
    Robust,
    /// The text leaves it open. The case reports what the application does, and cannot fail.
    Info,
}

impl fmt::Display for Grade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Must => "must",
            Self::Should => "should",
            Self::Robust => "robust",
            Self::Info => "info",
        })
    }
}

/// What the application has to be for a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Needs {
    /// Any FastCGI application.
    Nothing,
    /// It answers the contract of the README.
    Contract,
    /// The suite has spawned it, with its socket on descriptor 0.
    Spawned,
    /// The suite has started it, so its memory can be looked at, and it answers the contract.
    Memory,
}

/// A case. Its time limit is 5 s unless its `limit` says otherwise.
#[derive(Debug)]
#[non_exhaustive]
pub struct Case {
    /// `area/name`.
    pub id: &'static str,
    /// The fact that is true of an application that passes.
    pub title: &'static str,
    /// Where it is written: sections of the FastCGI specification (`3.3`), of RFC 3875 (`RFC 3875 6.3`), or rules of the
    /// project that this suite belongs to (`B-9`).
    pub sections: &'static [&'static str],
    /// How much it counts.
    pub grade: Grade,
    /// What the application has to be.
    pub needs: Needs,
    /// The time after which the case is over.
    pub limit: Duration,
    /// What a user sees of an application that fails.
    pub why: &'static str,
    pub(crate) run: fn(&Bench<'_>) -> Outcome,
}

/// What a case found: a remark, or nothing to say.
pub(crate) type Outcome = Result<Note, Failure>;

#[derive(Clone, Debug, Default)]
pub(crate) struct Note(pub(crate) String);

/// Nothing to say.
pub(crate) fn passed() -> Outcome {
    Ok(Note::default())
}

/// What the application does, for a case that judges nothing.
pub(crate) fn noted(text: impl Into<String>) -> Outcome {
    Ok(Note(text.into()))
}

/// Passes if `condition` holds.
pub(crate) fn check(condition: bool, otherwise: impl Into<String>) -> Result<(), Failure> {
    if condition {
        Ok(())
    } else {
        Err(Failure::red(otherwise))
    }
}

/// Why a case did not pass. The text continues "the application".
#[derive(Clone, Debug)]
pub(crate) enum Failure {
    Red(String),
    NotOffered(String),
}

impl Failure {
    pub(crate) fn red(text: impl Into<String>) -> Self {
        Self::Red(text.into())
    }

    pub(crate) fn not_offered(text: impl Into<String>) -> Self {
        Self::NotOffered(text.into())
    }

    /// The same, with what it is about in front.
    pub(crate) fn of(self, what: impl fmt::Display) -> Self {
        match self {
            Self::Red(text) => Self::Red(format!("{what}: {text}")),
            not_offered @ Self::NotOffered(_) => not_offered,
        }
    }
}

impl Case {
    pub(crate) const fn new(
        grade: Grade,
        id: &'static str,
        title: &'static str,
        sections: &'static [&'static str],
        run: fn(&Bench<'_>) -> Outcome,
        why: &'static str,
    ) -> Self {
        Self {
            id,
            title,
            sections,
            grade,
            needs: Needs::Nothing,
            limit: Duration::from_secs(5),
            why,
            run,
        }
    }

    /// The application has to answer the contract.
    pub(crate) const fn app(mut self) -> Self {
        self.needs = Needs::Contract;
        self
    }

    pub(crate) const fn needs(mut self, needs: Needs) -> Self {
        self.needs = needs;
        self
    }

    /// The time limit, in seconds.
    pub(crate) const fn limit(mut self, seconds: u64) -> Self {
        self.limit = Duration::from_secs(seconds);
        self
    }
}

/// What came of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Verdict {
    /// The fact is true.
    Passed,
    /// It is not.
    Failed,
    /// A case that judges nothing has something to report.
    Noted,
    /// The application says that it does not do this: with status 501 in the contract, or in its answer to GET_VALUES.
    NotOffered,
    /// An option is missing: `--app`, `--robust`, `--spawn`.
    Skipped,
    /// The run was over before: the time was up, or the application was gone.
    NotRun,
}

impl Verdict {
    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Noted => "noted",
            Self::NotOffered => "not offered",
            Self::Skipped => "skipped",
            Self::NotRun => "not run",
        }
    }
}

/// A case and what came of it.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// The case.
    #[serde(flatten, serialize_with = "case_fields")]
    pub case: &'static Case,
    /// What came of it.
    pub verdict: Verdict,
    /// Why it failed or was not run, or what was found.
    pub detail: String,
    /// What went over the connections of a case that failed: decoded records, and their bytes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub log: Vec<String>,
    /// How long it took, in milliseconds.
    pub milliseconds: u64,
}

fn case_fields<S: Serializer>(case: &&'static Case, serializer: S) -> Result<S::Ok, S::Error> {
    use serde::ser::SerializeMap as _;
    let mut map = serializer.serialize_map(None)?;
    map.serialize_entry("id", case.id)?;
    map.serialize_entry("title", case.title)?;
    map.serialize_entry("sections", case.sections)?;
    map.serialize_entry("grade", &case.grade)?;
    map.serialize_entry("needs", &case.needs)?;
    map.serialize_entry("why", case.why)?;
    map.end()
}
