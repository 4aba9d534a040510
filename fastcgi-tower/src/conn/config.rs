//! How connections are driven.

use std::time::Duration;

use http_body::Body;
use proto::{
    Config,
    cgi::{Mapping, OnMismatch, PathSource, ResponseMapping, ScriptName},
};
use tokio::io::{AsyncRead, AsyncWrite};
use tower_service::Service;

use crate::{BoxError, Connection, ExchangeService, HttpService, Incoming};

/// Settings for connections, and their maker.
///
/// The defaults are right behind every web server. Nothing here spawns anything, so nothing has to be `Send`.
///
/// ```no_run
/// use std::convert::Infallible;
/// use fastcgi_tower::{Builder, Incoming};
///
/// #[derive(Clone)]
/// struct Hello;
///
/// impl tower_service::Service<http::Request<Incoming>> for Hello {
///     type Response = http::Response<String>;
///     type Error = Infallible;
///     type Future = std::future::Ready<Result<Self::Response, Infallible>>;
///
///     fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Infallible>> {
///         std::task::Poll::Ready(Ok(()))
///     }
///
///     fn call(&mut self, request: http::Request<Incoming>) -> Self::Future {
///         std::future::ready(Ok(http::Response::new(format!("hello {}", request.uri().path()))))
///     }
/// }
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let listener = tokio::net::UnixListener::bind("app.sock")?;
/// let (io, _) = listener.accept().await?;
/// Builder::new().serve_connection(io, Hello).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Builder {
    pub(crate) proto: Config,
    pub(crate) mapping: Mapping,
    pub(crate) response: ResponseMapping,
    pub(crate) options: Options,
}

/// What the driver itself has to know.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    pub(crate) authorizer: bool,
    pub(crate) filter: bool,
    pub(crate) allow_half_close: bool,
    pub(crate) window: usize,
    pub(crate) max_spill: usize,
    pub(crate) params_timeout: Duration,
    /// `None` when nothing was said, `Some(None)` for no limit.
    pub(crate) idle_timeout: Option<Option<Duration>>,
    pub(crate) read_timeout: Option<Duration>,
    pub(crate) write_timeout: Duration,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            proto: Config::default(),
            mapping: Mapping::default(),
            response: ResponseMapping::default(),
            options: Options {
                authorizer: false,
                filter: false,
                allow_half_close: false,
                window: 64 * 1024,
                max_spill: 16 * 1024 * 1024,
                params_timeout: Duration::from_secs(30),
                idle_timeout: None,
                read_timeout: None,
                write_timeout: Duration::from_secs(60),
            },
        }
    }
}

impl Builder {
    /// The default settings.
    pub fn new() -> Self {
        Self::default()
    }

    /// The limits of a connection, and what the application says of itself to `FCGI_GET_VALUES`.
    pub fn limits(mut self, config: Config) -> Self {
        self.proto = config;
        self
    }

    /// Where the application is mounted, in place of what the web server says: `""` is the root (T-8). Default: what
    /// the web server says.
    pub fn script_name(mut self, script_name: ScriptName) -> Self {
        self.mapping = self.mapping.maybe_script_name(Some(script_name));
        self
    }

    /// Where the path of a request is taken from (T-8). Default: [`PathSource::Auto`].
    pub fn path_source(mut self, path_source: PathSource) -> Self {
        self.mapping = self.mapping.path_source(path_source);
        self
    }

    /// What happens to a request outside [`script_name`](Self::script_name) (T-9). Default: [`OnMismatch::Keep`].
    pub fn on_mismatch(mut self, on_mismatch: OnMismatch) -> Self {
        self.mapping = self.mapping.on_mismatch(on_mismatch);
        self
    }

    /// Whether `location` stays in responses with status 200 (R-6). Default: `false`, because mod_fcgid would answer
    /// with what it finds there.
    pub fn keep_location_on_200(mut self, keep: bool) -> Self {
        self.response = self.response.keep_location_on_200(keep);
        self
    }

    /// Whether requests with the role of an Authorizer are served. Default: `false`, they are refused with 403: a
    /// service that knows nothing of the role would let everybody in with its first 200.
    ///
    /// The answer of an Authorizer leaves when all of it is known; it may be 64 KiB long.
    pub fn authorizer(mut self, serve: bool) -> Self {
        self.options.authorizer = serve;
        self
    }

    /// Whether requests with the role of a Filter are served. Default: `false`, they are refused with 403.
    ///
    /// HTTP has no place for the file that a Filter is sent: it is in [`Exchange::data`](crate::Exchange::data), for
    /// services of [`serve_exchanges`](Self::serve_exchanges).
    pub fn filter(mut self, serve: bool) -> Self {
        self.options.filter = serve;
        self
    }

    /// Whether a web server may close its side after a request and still get the response (B-11). Default: `false`: a
    /// closed connection means that nobody waits, and the handler is dropped.
    pub fn allow_half_close(mut self, allow: bool) -> Self {
        self.options.allow_half_close = allow;
        self
    }

    /// How many bytes of request bodies may wait to be read on a connection before the socket is left alone (B-7). Default: 64 KiB.
    ///
    /// A connection holds up to this and one read, 128 KiB.
    pub fn body_window(mut self, bytes: usize) -> Self {
        // With no room at all, nothing would ever be read.
        self.options.window = bytes.max(1);
        self
    }

    /// How many bytes of request bodies may wait on a connection where leaving the socket alone could block it for
    /// good: because the web server does not read before it has written all (B-8), or because other requests share the
    /// connection. Default: 16 MiB.
    pub fn max_spill(mut self, bytes: usize) -> Self {
        self.options.max_spill = bytes;
        self
    }

    /// How long a request may take from its first byte, or from the opening of the connection, to the end of its params,
    /// and from there to the first of a body whose length is not known (B-15). Default: 30 s.
    pub fn params_timeout(mut self, timeout: Duration) -> Self {
        self.options.params_timeout = timeout;
        self
    }

    /// How long a connection that the web server keeps open may be without a request (B-14). Default: for ever;
    /// [`serve`](crate::serve) makes it 5 minutes on TCP.
    pub fn idle_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.options.idle_timeout = Some(timeout);
        self
    }

    /// The idle timeout where none was set.
    pub(crate) fn default_idle_timeout(&mut self, timeout: Option<Duration>) {
        self.options.idle_timeout.get_or_insert(timeout);
    }

    /// Whether params are the environment of a CGI program.
    pub(crate) fn cgi(&mut self, is_cgi: bool) {
        self.mapping = self.mapping.clone().cgi(is_cgi);
    }

    /// How long nothing of a request body may arrive while the service waits for it (B-15). Default: for ever, because most
    /// web servers have a limit of their own. Yaws has none, and says nothing when a client has left its upload.
    pub fn read_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.options.read_timeout = timeout;
        self
    }

    /// How long the web server may take nothing of what is written to it (R-13). Default: 60 s.
    pub fn write_timeout(mut self, timeout: Duration) -> Self {
        self.options.write_timeout = timeout;
        self
    }

    /// Drives `service`, which answers HTTP requests, over `io`.
    pub fn serve_connection<Io, S, B>(&self, io: Io, service: S) -> Connection<Io, HttpService<S>>
    where
        Io: AsyncRead + AsyncWrite + Unpin,
        S: Service<http::Request<Incoming>, Response = http::Response<B>, Error: Into<BoxError>>,
        B: Body<Error: Into<BoxError>>,
    {
        self.serve_exchanges(io, self.http_service(service))
    }

    /// `service`, which answers requests of some HTTP library, as a service of exchanges.
    pub(crate) fn http_service<S, R>(&self, service: S) -> HttpService<S, R> {
        HttpService::new(service, self.mapping.clone(), self.response)
    }

    /// Drives `service`, which answers [`Exchange`](crate::Exchange)s, over `io`.
    pub fn serve_exchanges<Io, S>(&self, io: Io, service: S) -> Connection<Io, S>
    where
        Io: AsyncRead + AsyncWrite + Unpin,
        S: ExchangeService,
    {
        Connection::new(io, service, self.proto.clone(), self.options)
    }
}
