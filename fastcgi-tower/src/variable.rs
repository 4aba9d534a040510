//! Environment variables, and what is said of those that make no sense.

use std::{
    env::{self, VarError},
    fmt, io,
};

/// What a variable says, if it is set.
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

/// What is said of something that a variable asks for.
pub(crate) fn about(name: &str, value: &str, what: impl fmt::Display) -> String {
    format!("{name}={value}: {what}")
}
