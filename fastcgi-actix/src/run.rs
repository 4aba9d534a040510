//! One binary everywhere: FastCGI, plain CGI, or HTTP for development.

use std::{env, fmt, io};

use actix_http::{Request, Response, body::MessageBody};
use actix_service::{IntoServiceFactory, Service, ServiceFactory};
use actix_web::{Error, HttpServer, dev::AppConfig};
use fastcgi_tower::{Environment, ScriptName};

use crate::FastCgiServer;

/// Runs an application in the way in which this process was started.
///
/// | started | runs |
/// |---|---|
/// | by mod_fcgid, spawn-fcgi, lighttpd's `bin-path`, ..., with a socket on descriptor 0 | FastCGI on it |
/// | by systemd or the like, with a socket in `LISTEN_FDS` | FastCGI on it |
/// | with `FCGI_LISTEN` set to a path or `host:port` | FastCGI there |
/// | by a web server as a CGI program | one CGI request |
/// | by hand | HTTP for development, on the port in `PORT` or 3000 |
///
/// `SIGTERM`, `SIGINT` and `SIGUSR1` stop it gracefully: within 3 seconds on descriptor 0, where the process manager
/// kills soon, and within 30 elsewhere. On descriptor 0 there is one worker, and it also stops when its program file is
/// replaced, so that an upload takes effect. The environment variable `FCGI_SCRIPT_NAME` says where the application is
/// mounted. For other settings make a [`FastCgiServer`].
///
/// ```no_run
/// use actix_web::{App, web};
///
/// #[actix_web::main]
/// async fn main() -> std::io::Result<()> {
///     fastcgi_actix::run(|| App::new().route("/", web::get().to(|| async { "Hello, world!" }))).await
/// }
/// ```
///
/// # Errors
///
/// When there is a socket that cannot be used, a variable that makes no sense, or an application that cannot be made.
pub async fn run<F, I, S, B>(factory: F) -> io::Result<()>
where
    F: Fn() -> I + Send + Clone + 'static,
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig> + 'static,
    S::Error: Into<Error> + 'static,
    S::InitError: fmt::Debug,
    S::Response: Into<Response<B>> + 'static,
    <S::Service as Service<Request>>::Future: 'static,
    S::Service: 'static,
    B: MessageBody + 'static,
{
    let environment = Environment::detect().await?;
    tracing::info!("running: {environment}");
    let mut server = FastCgiServer::new(factory.clone());
    if let Ok(path) = env::var(SCRIPT_NAME_VARIABLE) {
        let parsed = path.parse::<ScriptName>();
        parsed.map_err(|error| {
            let message = format!("{SCRIPT_NAME_VARIABLE}={path}: {error}");
            io::Error::new(io::ErrorKind::InvalidInput, message)
        })?;
        server = server.script_name(path);
    }
    match environment {
        Environment::Inherited(listener) => {
            let server = server.workers(1).exit_when_replaced(true);
            let server = server.shutdown_timeout(INHERITED_SHUTDOWN_TIMEOUT);
            server.listen_any(listener)?.run().await
        }
        Environment::Activated(listener) | Environment::Bound(listener) => {
            server.listen_any(listener)?.run().await
        }
        Environment::Cgi => server.run_cgi().await,
        Environment::Http(addr) => {
            let server = HttpServer::new(factory).shutdown_timeout(DEVELOPMENT_SHUTDOWN_TIMEOUT);
            let server = server.bind(addr)?;
            let addr = server.addrs().first().copied().unwrap_or(addr);
            // Somebody started the program by hand, perhaps for the first time.
            eprintln!(
                "HTTP for development on http://{addr}/ (to deploy over FastCGI, let a web server start this program, \
                 or set FCGI_LISTEN to a path or host:port)"
            );
            server.run().await
        }
        _ => Err(io::ErrorKind::Unsupported.into()),
    }
}

/// Says where the application is mounted.
const SCRIPT_NAME_VARIABLE: &str = "FCGI_SCRIPT_NAME";

/// Seconds that requests in progress have where the process manager waits 3 seconds before it kills.
const INHERITED_SHUTDOWN_TIMEOUT: u64 = 3;

/// The same, where the developer waits.
const DEVELOPMENT_SHUTDOWN_TIMEOUT: u64 = 1;
