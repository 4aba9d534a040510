//! Run an unmodified [actix-web](actix_web) application over FastCGI, behind nginx, Apache, Caddy, lighttpd, h2o or
//! HAProxy.
//!
//! Write [`FastCgiServer`] in place of `HttpServer`:
//!
//! ```no_run
//! use actix_web::{App, web};
//! use fastcgi_actix::FastCgiServer;
//!
//! #[actix_web::main]
//! async fn main() -> std::io::Result<()> {
//!     FastCgiServer::new(|| App::new().route("/", web::get().to(|| async { "Hello, world!" })))
//!         .bind(("127.0.0.1", 9000))?
//!         .run()
//!         .await
//! }
//! ```
//!
//! Everything else stays as it is: extractors, scopes, middleware, errors that are responses, streaming in both
//! directions, workers, graceful shutdown. `peer_addr()` and [`ConnectionInfo`](actix_web::dev::ConnectionInfo) have the
//! *client's* address and scheme, not the web server's; and [`Params`] is an extractor for what else the web server
//! knows.
//!
//! With [`run`], one binary works everywhere: it finds out how it was started.
//!
//! # What is missing, and what to do instead
//!
//! - [`on_connect`](actix_web::HttpServer::on_connect): a connection is the web server's, and its requests are of many
//!   clients. Facts about it, such as the certificate of the client, are in the [`Params`] of each request, and
//!   middleware can put anything into the extensions of a request.
//! - WebSockets: FastCGI cannot upgrade a connection. The handshake is answered with actix's own refusal, status 400.
//!   Server-sent events work; for WebSockets let the web server pass one path to an `HttpServer` beside this one, in
//!   the same process if you like.
//! - The mount in [`url_for`](actix_web::HttpRequest::url_for): an application below `/app` sees paths without it, and
//!   actix builds URLs of what it sees. In redirects [`FastCgiServer::mount_redirects`] puts it in front. In pages put
//!   [`ScriptName`] in front, which is in the extensions of the request; or leave the mount in the paths: set
//!   [`PathSource::RequestUri`] and no script name, and put the application into a `web::scope("/app")`.
//!   `FCGI_PATH_SOURCE=request-uri` does the same.
//! - `keep_alive`, `client_request_timeout`, TLS and HTTP/2 are the web server's: delete these settings.
//!   [`Limits`] and [`Timeouts`] have the limits that are ours. `docs/facades.md` has each function of `HttpServer`.
//! - [`app_config()`](actix_web::HttpRequest::app_config) with the address of the server: it is `127.0.0.1:8080`, and the host
//!   `localhost:8080`, because actix-web alone can make others. `connection_info()` has the host and the scheme of each request,
//!   and [`Params`] the address where the client reached the web server.
//! - More headers than actix-http's parser takes (96) are no problem here: the web server has its own limit.
//!
//! Unix only: tested on Linux, compiled for macOS and FreeBSD. [`fastcgi_tower`] says what differs there.

mod blocking_handler;
mod body;
mod extract;
mod head;
mod param_to_header;
mod request_count;
mod request_ext;
mod run;
mod running;
mod server;
mod service;
mod worker;

/// The crate below this one, for the types that have no other name here.
#[doc(no_inline)]
pub use fastcgi_tower;
pub use fastcgi_tower::{
    Address, BoxError, ConnectionId, Counters, Counts, FastCgi, InvalidAddress,
    InvalidContentLength, InvalidParams, InvalidPathSource, InvalidScriptName, Limits, OnMismatch,
    PathSource, RequestHandle, Role, RunError, ScriptName, Timeouts, blocking,
    listener::{self, Socket, UnixSocket},
};

pub use crate::{
    blocking_handler::{BlockingHandler, BlockingResponseBody, blocking},
    extract::{
        AuthType, ClientCertificate, DocumentRoot, MissingParam, Params, RemoteUser,
        ScriptFilename, ServerName, ServerPort,
    },
    param_to_header::{ParamToHeader, ParamToHeaderMiddleware},
    request_ext::RequestExt,
    run::{ActixApplication, Run, run, run_when_ready},
    running::{Server, ServerHandle},
    server::FastCgiServer,
};

/// The example of the README, compiled with the others.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
