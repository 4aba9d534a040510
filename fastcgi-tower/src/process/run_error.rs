//! Why an application could not run.

use std::{error::Error, fmt, io};

use crate::error::BoxError;

/// Why an application ended without having been asked to.
///
/// `Debug` prints what `Display` does and the causes behind it, in one line: returned from `main`, it gets into the
/// web server's log, the only thing that the customer of a shared host can read.
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

/// For a `main` that returns an `io::Error`. The kind is that of the cause, where it has one.
///
/// ```no_run
/// # async fn hello(_: http::Request<fastcgi_tower::Incoming>) -> Result<http::Response<String>, std::convert::Infallible> {
/// #     Ok(http::Response::new(String::new()))
/// # }
/// #[tokio::main(flavor = "current_thread")]
/// async fn main() -> std::io::Result<()> {
///     fastcgi_tower::run(tower::service_fn(hello)).await?;
///     Ok(())
/// }
/// ```
impl From<RunError> for io::Error {
    fn from(error: RunError) -> Self {
        let cause = error.cause.downcast_ref::<Self>();
        Self::new(cause.map_or(io::ErrorKind::Other, Self::kind), error)
    }
}

impl Error for RunError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.cause)
    }
}
