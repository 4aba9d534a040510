//! Serve any tower service over FastCGI, behind nginx, Apache, Caddy, lighttpd, h2o or HAProxy.
//!
//! ```no_run
//! use std::convert::Infallible;
//!
//! use fastcgi_tower::{Incoming, Params};
//! use http::{Request, Response};
//!
//! async fn hello(request: Request<Incoming>) -> Result<Response<String>, Infallible> {
//!     let params = request.extensions().get::<Params>().cloned().unwrap_or_default();
//!     let user = params.remote_user().unwrap_or(b"stranger");
//!     Ok(Response::new(format!("hello {}", user.escape_ascii())))
//! }
//!
//! #[tokio::main]
//! async fn main() -> std::io::Result<()> {
//!     let listener = tokio::net::TcpListener::bind("127.0.0.1:9000").await?;
//!     fastcgi_tower::serve(listener, tower::service_fn(hello)).await
//! }
//! ```
//!
//! - [`serve()`] accepts connections; [`ConnectionBuilder::serve_connection`] drives one of your own, and requires no
//!   `Send`.
//! - [`listener`] has the places where connections come from; [`process`] finds the one this process was started for.
//! - A request has the web server's [`Params`], its [`ScriptName`] and a [`RequestHandle`] in its extensions.
//!   [`ParamToHeaderLayer`] makes headers of params.
//! - An [`Exchange`] is the level below HTTP, for Authorizers, Filters and CGI-style programs.
//! - [`cgi_fn()`] makes a server of a function in the manner of a CGI program, and [`blocking`] has handlers that block, on a pool
//!   of threads.
//! - [`respond`], [`redirect`] and [`local_redirect`] are ready-made responses for that level; the feature `json` has them of
//!   values.
//! - The feature `http-server` has programs serve HTTP when they are started by hand: [`Run`]`::http`.
//! - The feature `client` has the other side: it calls FastCGI applications, such as php-fpm, with params as they are, or as a
//!   tower service of HTTP requests.
//!
//! This crate routes nothing and parses no HTTP; for axum there is `axum-fastcgi`, for actix-web `fastcgi-actix`.

mod address;
mod answer;
pub mod blocking;
mod budget;
mod builder;
mod cgi_fn;
#[cfg(feature = "client")]
pub mod client;
mod conn;
mod ending;
mod error;
mod exchange;
mod http_service;
pub mod listener;
mod panics;
pub mod process;
mod serve;
mod socket;
mod spares;
mod stdio;
mod timer;
mod variable;

pub use proto::{
    AuthType, ClientCertificate, DocumentRoot, FromParams, Limits, MissingParam, Params,
    RemoteUser, ScriptFilename, ServerName, ServerPort, Timeouts,
    cgi::{
        BodyLength, FieldError, HeaderFields, InvalidRequest, InvalidScriptName, Mapping,
        OnMismatch, PathSource, ReasonPhrase, RequestHead, ScriptName,
    },
    record::Role,
};

#[cfg(feature = "json")]
pub use crate::answer::json;
pub use crate::{
    address::{Address, InvalidAddress},
    answer::{Answer, Chunks, local_redirect, redirect, respond},
    budget::Budget,
    builder::ConnectionBuilder,
    cgi_fn::{
        AsyncCgiFn, AsyncCgiFuture, AsyncCgiIo, CgiBody, CgiFn, CgiFuture, CgiIo, CgiProgram,
        CgiStderr, CgiStdin, CgiStdout, InvalidOutput, async_cgi_fn, cgi_fn,
    },
    conn::ServeConnection,
    ending::shutdown_signal,
    error::{BoxError, Error},
    exchange::{
        ConnectionId, Exchange, ExchangeService, Incoming, Reply, RequestHandle, Stdout, StdoutBody,
    },
    http_service::{
        FastCgi, HttpService, HttpServiceFuture, ParamToHeaderLayer, ParamToHeaderService,
        RefusedRequest, ReplyTo, RequestExt, ResponseBody, log_head,
    },
    listener::Listener,
    process::{Run, RunError, run, run_exchanges},
    serve::{Serve, StopHandle, max_connections, serve, serve_exchanges, serve_request},
};
