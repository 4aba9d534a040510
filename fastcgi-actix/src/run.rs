//! One binary everywhere: FastCGI, plain CGI, or HTTP for development.

use std::{
    convert::Infallible,
    fmt,
    future::{Future, Ready, ready},
    io::{self, Write},
    marker::PhantomData,
    pin::Pin,
};

use actix_http::{Request, Response, body::MessageBody};
use actix_service::{IntoServiceFactory, Service, ServiceFactory};
use actix_web::{Error, HttpServer, dev::AppConfig};
use fastcgi_tower::{
    BoxError, RunError,
    process::{
        self, Configure, Environment, Greeting, INHERITED_GRACE_PERIOD, Mount, RunApplication,
        Signal,
    },
};

use crate::server::FastCgiServer;

/// Runs an application in the way in which this process was started.
///
/// | started | runs |
/// |---|---|
/// | by mod_fcgid, spawn-fcgi, lighttpd's `bin-path`, ..., with a listening socket on descriptor 0 | FastCGI on it |
/// | by systemd or the like, with sockets in `LISTEN_FDS` | FastCGI on them |
/// | by a web server as a CGI program: `GATEWAY_INTERFACE` or `REQUEST_METHOD` is set | one CGI request |
/// | by inetd or systemd, with one connection, on descriptor 0 or in `LISTEN_FDS` | FastCGI on it |
/// | with addresses given to [`bind`](Run::bind) | FastCGI there |
/// | with `FCGI_LISTEN` set to [addresses](fastcgi_tower::Address), separated by commas | FastCGI there |
/// | by hand | HTTP for development, on the port in `PORT` or 3000 |
///
/// The first row that fits counts. `SIGTERM`, `SIGINT` and `SIGUSR1` stop it gracefully: within 3 seconds on descriptor 0,
/// where the process manager kills soon, within 1 by hand, and within 30 elsewhere. On descriptor 0 there is one worker, and
/// it also stops when its program file is
/// replaced, so that an upload takes effect. The environment variables `FCGI_SCRIPT_NAME` (where the application is mounted),
/// `FCGI_PATH_SOURCE` (`auto`, `path-info` or `request-uri`: which variable has the path) and `FCGI_MOUNT_REDIRECTS` (`on` or
/// `off`: whether redirects get the mount in front) count unless
/// [`configure`](Run::configure) says otherwise. As a CGI program, what the application prints goes to standard error, so
/// that it does not become a part of the response.
///
/// ```no_run
/// use actix_web::{App, web};
///
/// #[actix_web::main]
/// async fn main() -> Result<(), fastcgi_actix::RunError> {
///     fastcgi_actix::run(|| App::new().route("/", web::get().to(|| async { "Hello, world!" }))).await
/// }
/// ```
pub fn run<F, I, S, B>(factory: F) -> Run<Ready<Result<F, Infallible>>, F, I, S, B> {
    run_when_ready(ready(Ok(factory)))
}

/// As [`run`], for an application that has something to do before it can answer.
///
/// The sockets are there from the beginning, so requests wait and none meets half an application. What `startup` makes
/// is best handed on by the factory, as application data.
///
/// ```no_run
/// use actix_web::{App, web};
///
/// #[actix_web::main]
/// async fn main() -> Result<(), fastcgi_actix::RunError> {
///     fastcgi_actix::run_when_ready(async {
///         let motto = web::Data::new(std::fs::read_to_string("motto.txt")?);
///         Ok::<_, std::io::Error>(move || {
///             App::new()
///                 .app_data(motto.clone())
///                 .route("/", web::get().to(|motto: web::Data<String>| async move { motto.to_string() }))
///         })
///     })
///     .await
/// }
/// ```
pub fn run_when_ready<R, E, F, I, S, B>(startup: R) -> Run<R, F, I, S, B>
where
    R: Future<Output = Result<F, E>>,
{
    Run::new(startup)
}

/// The future of [`run`], with its settings.
///
/// ```no_run
/// use actix_web::App;
///
/// # async fn run() -> Result<(), fastcgi_actix::RunError> {
/// fastcgi_actix::run(|| App::new()).bind("/run/app/app.sock").bind("127.0.0.1:9000").await
/// # }
/// ```
pub type Run<R, F, I, S, B> = process::Run<R, ActixApplication<F, I, S, B>>;

/// An application of actix-web: what [`run`] runs.
#[derive(Debug)]
pub struct ActixApplication<F, I, S, B>(PhantomData<fn(F, I, S, B)>);

impl<F, I, S, B> process::Application for ActixApplication<F, I, S, B> {
    type Server = FastCgiServer<F, I, S, B>;
}

/// Seconds that requests in progress have by hand, where the developer waits.
const DEVELOPMENT_SHUTDOWN_TIMEOUT: u64 = 1;

impl<R, E, F, I, S, B> RunApplication<R> for ActixApplication<F, I, S, B>
where
    R: Future<Output = Result<F, E>> + 'static,
    E: Into<BoxError> + 'static,
    F: Fn() -> I + Send + Clone + 'static,
    I: IntoServiceFactory<S, Request> + 'static,
    S: ServiceFactory<Request, Config = AppConfig> + 'static,
    S::Error: Into<Error> + 'static,
    S::InitError: fmt::Debug,
    S::Response: Into<Response<B>> + 'static,
    <S::Service as Service<Request>>::Future: 'static,
    S::Service: 'static,
    B: MessageBody + 'static,
{
    type Future = Pin<Box<dyn Future<Output = Result<(), RunError>>>>;

    fn run(run: Run<R, F, I, S, B>) -> Self::Future {
        Box::pin(run.run(serve_in))
    }
}

async fn serve_in<F, I, S, B>(
    environment: Environment,
    factory: F,
    configure: Configure<FastCgiServer<F, I, S, B>>,
    signal: Signal,
) -> io::Result<()>
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
    let mount = Mount::from_env()?;
    let mut server = FastCgiServer::new(factory.clone());
    if let Some(script_name) = mount.script_name {
        server = server.script_name(script_name);
    }
    if let Some(path_source) = mount.path_source {
        server = server.path_source(path_source);
    }
    if let Some(mount) = mount.redirects {
        server = server.mount_redirects(mount);
    }
    let greeting = Greeting::new(&environment);
    server = server.on_ready(move || greeting.say());
    match environment {
        Environment::Inherited(socket) => {
            let grace_period = INHERITED_GRACE_PERIOD.as_secs();
            let server = server.workers(1).exit_when_replaced(true);
            let server = server.shutdown_timeout(grace_period).signal(signal);
            configure(server).listen_socket(socket).run().await
        }
        Environment::Activated(sockets) | Environment::Bound(sockets) => {
            let server = sockets.into_iter().fold(
                configure(server.signal(signal)),
                FastCgiServer::listen_socket,
            );
            server.run().await
        }
        Environment::Cgi(single) | Environment::Connected(single) => {
            let server = configure(server);
            single
                .serve(signal, |listener, stop| server.serve_single(listener, stop))
                .await
        }
        Environment::Http(addr) => {
            let server = HttpServer::new(factory)
                .shutdown_signal(signal)
                .shutdown_timeout(DEVELOPMENT_SHUTDOWN_TIMEOUT);
            let server = server
                .bind(addr)
                .map_err(|error| process::cannot_serve_http(addr, &error))?;
            let addr = server.addrs().first().copied().unwrap_or(addr);
            // Somebody started the program by hand, perhaps for the first time.
            let line = format!(
                "HTTP for development on http://{addr}/ (to deploy over FastCGI, let a web server start this program, \
                 or set FCGI_LISTEN to a path or host:port)\n"
            );
            // Not `eprintln!`, which panics where nobody reads.
            let _ = io::stderr().write_all(line.as_bytes());
            server.run().await
        }
    }
}
