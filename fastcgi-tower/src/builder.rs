//! Settings for connections.

use std::sync::Arc;

use proto::{Config, Limits, Timeouts};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::{
    budget::Budget,
    conn::{Calls, ServeConnection},
    counters::{Counters, Tally},
    exchange::{ConnectionId, ExchangeService},
};

/// Settings for connections, and their maker: for programs with an accept loop of their own.
///
/// The defaults are right behind every web server. Nothing here spawns anything, so nothing has to be `Send`.
///
/// ```no_run
/// use std::convert::Infallible;
///
/// use fastcgi_tower::{ConnectionBuilder, HttpService, Incoming};
/// use http::{Request, Response};
///
/// async fn hello(request: Request<Incoming>) -> Result<Response<String>, Infallible> {
///     Ok(Response::new(format!("hello {}", request.uri().path())))
/// }
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let listener = tokio::net::UnixListener::bind("app.sock")?;
/// let (io, _) = listener.accept().await?;
/// let service = HttpService::new(tower::service_fn(hello));
/// ConnectionBuilder::new().serve_connection(io, service).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "settings do nothing by themselves"]
pub struct ConnectionBuilder {
    config: Arc<Config>,
    budget: Option<Budget>,
    counters: Option<Counters>,
    is_plain_cgi: bool,
}

impl ConnectionBuilder {
    /// The default settings.
    pub fn new() -> Self {
        Self::default()
    }

    /// How much a connection takes. Default: [`Limits::default`].
    pub fn limits(self, limits: Limits) -> Self {
        self.set(|config| config.limits(limits))
    }

    /// How long is waited for the web server. Default: [`Timeouts::default`].
    pub fn timeouts(self, timeouts: Timeouts) -> Self {
        self.set(|config| config.timeouts(timeouts))
    }

    /// Whether requests with the role of an Authorizer are served. Default: `false`, they are refused with 403: a
    /// service that knows nothing of the role would let everybody in with its first 200 (B-13).
    ///
    /// The answer of an Authorizer leaves when all of it is known; it may be 32 KiB long.
    pub fn authorizer(self, serve: bool) -> Self {
        self.set(|config| config.authorizer(serve))
    }

    /// Whether requests with the role of a Filter are served. Default: `false`, they are refused with 403 (B-13).
    ///
    /// HTTP has no place for the file that a Filter is sent: it is in [`Exchange::data`](crate::Exchange::data).
    pub fn filter(self, serve: bool) -> Self {
        self.set(|config| config.filter(serve))
    }

    /// How many connections are accepted.
    pub(crate) fn max_conns(self, connections: usize) -> Self {
        self.set(|config| config.max_conns(connections))
    }

    /// Whether the connection is over TCP.
    pub(crate) fn over_tcp(self, is_tcp: bool) -> Self {
        self.set(|config| config.over_tcp(is_tcp))
    }

    /// What connections share with others: memory beyond what each of them owns. Default: nothing. A connection has no
    /// limits then but those of [`Limits`], up to 16 MiB for each.
    ///
    /// Only servers enforce the number of connections of a budget. A program that accepts connections itself has to count
    /// them.
    pub fn budget(mut self, budget: Budget) -> Self {
        self.budget = Some(budget);
        self
    }

    /// What counts the connections and their requests. Default: nothing.
    pub fn counters(self, counters: Counters) -> Self {
        self.counted_by(Some(counters))
    }

    pub(crate) fn counted_by(mut self, counters: Option<Counters>) -> Self {
        self.counters = counters;
        self
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    /// Whether params are the environment of a CGI program.
    pub(crate) fn plain_cgi(mut self, is_plain_cgi: bool) -> Self {
        self.is_plain_cgi = is_plain_cgi;
        self
    }

    fn set(mut self, set: impl FnOnce(Config) -> Config) -> Self {
        let config = Arc::make_mut(&mut self.config);
        *config = set(std::mem::take(config));
        self
    }

    /// Drives `service`, which answers [`Exchange`](crate::Exchange)s, over `io`. For a service that answers HTTP
    /// requests, see [`HttpService`](crate::HttpService).
    ///
    /// `io` is not asked whether the web server has left, as [`serve`](crate::serve()) does: while much of a body waits to be
    /// read, that is seen only by reading on, up to [`Limits::max_spill`].
    pub fn serve_connection<Io, S>(&self, io: Io, service: S) -> ServeConnection<Io, S>
    where
        Io: AsyncRead + AsyncWrite + Unpin,
        S: ExchangeService,
    {
        let id = ConnectionId::next();
        let tally = Tally::new(self.counters.clone(), id.get());
        let calls = Calls::new(service, id, self.is_plain_cgi, tally);
        ServeConnection::new(io, calls, Arc::clone(&self.config), self.budget.clone())
    }
}
