//! Environment variables, and the errors of invalid ones.

use std::{
    env::{self, VarError},
    fmt, io,
};

/// The value of a variable, if it is set.
pub(crate) fn read(name: &str) -> io::Result<Option<String>> {
    match env::var(name) {
        Ok(value) => Ok(Some(value)),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(value)) => {
            Err(invalid(name, &value.to_string_lossy(), "it is not UTF-8"))
        }
    }
}

/// The error of a variable that has this value.
pub(crate) fn invalid(name: &str, value: &str, why: impl fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, about(name, value, why))
}

/// A message about a variable and its value.
pub(crate) fn about(name: &str, value: &str, what: impl fmt::Display) -> String {
    format!("{name}={value}: {what}")
}
