//! CGI functions as programs.

use std::{
    fmt,
    future::{Future, IntoFuture, Ready},
    io,
};

use http_body::Body;
use tokio::runtime::Builder;

use super::{
    async_io::AsyncCgiIo,
    io::CgiIo,
    service::{AsyncCgiFn, CgiFn},
};
use crate::{
    error::BoxError,
    exchange::ExchangeService,
    listener::AnyListener,
    process::{Exchanges, Run, RunError, run_exchanges},
    serve::Serve,
};

/// A program of a service of exchanges, such as a [CGI function](crate::cgi_fn()), that needs no runtime around it.
#[must_use = "a program does nothing unless it is run"]
pub struct CgiProgram<S> {
    run: Run<Ready<io::Result<S>>, Exchanges<S>>,
}

impl<S> CgiProgram<S> {
    fn new(service: S) -> Self {
        Self {
            run: run_exchanges(service),
        }
    }

    /// Listens on an [address](crate::Address), a path or `host:port`, if the process is not handed a socket or a request. Several
    /// calls are several addresses.
    pub fn bind(mut self, address: impl Into<String>) -> Self {
        self.run = self.run.bind(address);
        self
    }

    /// Serves HTTP on `host:port`, if the process is not handed a socket or a request: as [`Run::http`].
    #[cfg(feature = "http-server")]
    pub fn http(mut self, address: impl Into<String>) -> Self {
        self.run = self.run.http(address);
        self
    }

    /// Stops also when `signal` is ready: as [`Run::with_graceful_shutdown`].
    pub fn with_graceful_shutdown(
        mut self,
        signal: impl Future<Output = ()> + Send + 'static,
    ) -> Self {
        self.run = self.run.with_graceful_shutdown(signal);
        self
    }

    /// Settings for the server, as [`Run::configure`] has them.
    pub fn configure(
        mut self,
        configure: impl FnOnce(Serve<AnyListener, S>) -> Serve<AnyListener, S> + Send + 'static,
    ) -> Self {
        self.run = self.run.configure(configure);
        self
    }
}

impl<S> CgiProgram<S>
where
    S: ExchangeService<Future: Send> + Clone + Send + 'static,
    S::Body: Body<Data: Send> + Send + 'static,
{
    /// Runs the program in the way in which this process was started, to its end: see [`run_exchanges`].
    ///
    /// The runtime is that of this thread. When it has ended, functions that have not returned are left alone: they end with
    /// the process.
    ///
    /// # Errors
    ///
    /// When the socket cannot be used, or serving fails.
    ///
    /// # Panics
    ///
    /// Inside a tokio runtime: there, await [`run_exchanges`].
    pub fn run(self) -> Result<(), RunError> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(RunError::server)?;
        let result = runtime.block_on(self.run.into_future());
        runtime.shutdown_background();
        result
    }
}

/// What a function does as a program.
macro_rules! as_program {
    (impl<$($generic:ident),*> $function:ty where $($bounds:tt)*) => {
        impl<$($generic),*> $function
        where
            $($bounds)*
        {
            /// The function as a program, which listens on an address if it is not handed anything: see [`CgiProgram::bind`].
            pub fn bind(self, address: impl Into<String>) -> CgiProgram<Self> {
                CgiProgram::new(self).bind(address)
            }

            /// The function as a program, which serves HTTP if it is not handed anything: see [`CgiProgram::http`].
            #[cfg(feature = "http-server")]
            pub fn http(self, address: impl Into<String>) -> CgiProgram<Self> {
                CgiProgram::new(self).http(address)
            }

            /// Settings for the server: see [`CgiProgram::configure`].
            pub fn configure(
                self,
                configure: impl FnOnce(Serve<AnyListener, Self>) -> Serve<AnyListener, Self> + Send + 'static,
            ) -> CgiProgram<Self> {
                CgiProgram::new(self).configure(configure)
            }

            /// Runs the function as a program: see [`CgiProgram::run`].
            ///
            /// # Errors
            ///
            /// When the socket cannot be used, or serving fails.
            ///
            /// # Panics
            ///
            /// Inside a tokio runtime.
            pub fn run(self) -> Result<(), RunError> {
                CgiProgram::new(self).run()
            }
        }
    };
}

as_program! {
    impl<F, R> CgiFn<F>
    where
        F: Fn(&mut CgiIo) -> Result<(), R> + Send + Sync + 'static,
        R: Into<BoxError> + 'static,
}

as_program! {
    impl<F, Fut, R> AsyncCgiFn<F>
    where
        F: Fn(AsyncCgiIo) -> Fut + Clone + Send + 'static,
        Fut: Future<Output = Result<(), R>> + Send + 'static,
        R: Into<BoxError> + 'static,
}

impl<S> fmt::Debug for CgiProgram<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CgiProgram").field(&self.run).finish()
    }
}
