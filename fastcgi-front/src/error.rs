//! Errors for people: one line that says what could not be done, and why.

use std::{error::Error as StdError, fmt, io};

/// Why the program ends with failure.
#[derive(Debug)]
pub(crate) struct Error {
    what: String,
    cause: io::Error,
}

impl Error {
    pub(crate) fn new(what: String, cause: io::Error) -> Self {
        Self { what, cause }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.cause)
    }
}

/// Says what was being done when an error happened.
pub(crate) trait Context<T>: Sized {
    fn with_context(self, what: impl FnOnce() -> String) -> Result<T, Error>;

    fn context(self, what: &str) -> Result<T, Error> {
        self.with_context(|| what.to_owned())
    }
}

impl<T> Context<T> for io::Result<T> {
    fn with_context(self, what: impl FnOnce() -> String) -> Result<T, Error> {
        self.map_err(|cause| Error {
            what: what(),
            cause,
        })
    }
}

/// An error and its causes, in one line.
pub(crate) fn explain(error: &dyn StdError) -> String {
    let mut line = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        line.push_str(": ");
        line.push_str(&error.to_string());
        source = error.source();
    }
    line
}
