//! The tests that exist.

use std::{collections::BTreeSet, path::Path};

use crate::sources;

/// The tests of several suites, each with a word for it: `core::params::a_pair_may_cross_records` is a test of the suite
/// `core`.
#[derive(Clone, Debug, Default)]
pub struct Tests {
    names: BTreeSet<String>,
}

impl Tests {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the tests of a source, such as `tests/it/main.rs`, and of its modules.
    ///
    /// # Panics
    ///
    /// When a file is missing or is no Rust, or when there is no test in it.
    #[must_use]
    pub fn source(self, suite: &str, path: impl AsRef<Path>) -> Self {
        self.names(suite, sources::tests(path.as_ref()))
    }

    /// Adds the functions in a folder and below it, for a suite whose list is made at run time.
    ///
    /// # Panics
    ///
    /// When a file cannot be read or is no Rust, or when there is no function in it.
    #[must_use]
    pub fn functions(self, suite: &str, folder: impl AsRef<Path>) -> Self {
        self.names(suite, sources::functions(folder.as_ref()))
    }

    /// Adds the names in a list.
    ///
    /// # Panics
    ///
    /// When the list is empty.
    #[must_use]
    pub fn names(mut self, suite: &str, names: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let before = self.names.len();
        let names = names.into_iter();
        self.names
            .extend(names.map(|name| format!("{suite}::{}", name.as_ref())));
        assert!(self.names.len() > before, "{suite} has no tests");
        self
    }

    /// All of them, with their suites.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// Whether `suite` is known.
    pub(crate) fn has_suite(&self, suite: &str) -> bool {
        self.any_below(suite)
    }

    /// Whether `name` is a test, or a module with tests.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.names.contains(name) || self.any_below(name)
    }

    fn any_below(&self, name: &str) -> bool {
        let prefix = format!("{name}::");
        let next = self.names.range(prefix.clone()..).next();
        next.is_some_and(|it| it.starts_with(&prefix))
    }
}
