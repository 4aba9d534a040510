//! Why an application could not run.

use std::{error::Error, fmt, io};

use crate::error::BoxError;

/// Why an application ended without having been asked to.
///
/// `Debug` prints what `Display` does and the causes behind it, in one line: returned from `main`, it is what stands in
/// the web server's log, the only thing that the customer of a shared host can read.
pub struct RunError {
    doing: &'static str,
    cause: BoxError,
}

impl RunError {
    pub(crate) fn environment(error: io::Error) -> Self {
        Self {
            doing: "the socket to serve on cannot be used",
            cause: error.into(),
        }
    }

    pub(crate) fn startup(cause: BoxError) -> Self {
        Self {
            doing: "the application cannot start",
            cause,
        }
    }

    pub(crate) fn server(error: io::Error) -> Self {
        Self {
            doing: "the application cannot be served",
            cause: error.into(),
        }
    }
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.doing)
    }
}

impl fmt::Debug for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.doing)?;
        let mut cause: Option<&dyn Error> = Some(&*self.cause);
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl Error for RunError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.cause)
    }
}
