//! A panic is an error of the request it happened in, and of no other.
//!
//! What panicked is not used again, so that it does not matter in which state it is.

use std::{
    error::Error,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    task::Poll,
};

use crate::error::BoxError;

/// What was called has panicked. The hook of the process has printed it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Panicked;

impl fmt::Display for Panicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the service panicked")
    }
}

impl Error for Panicked {}

pub(crate) fn caught<T>(f: impl FnOnce() -> T) -> Result<T, Panicked> {
    catch_unwind(AssertUnwindSafe(f)).map_err(|_| Panicked)
}

pub(crate) fn poll_caught<T, E: Into<BoxError>>(
    poll: impl FnOnce() -> Poll<Result<T, E>>,
) -> Poll<Result<T, BoxError>> {
    match caught(poll) {
        Ok(result) => result.map_err(Into::into),
        Err(panic) => Poll::Ready(Err(panic.into())),
    }
}
