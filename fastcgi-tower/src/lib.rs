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
//! - [`listener`] has the sources of connections; [`process`] finds the one that this process was started for.
//! - A request has the web server's [`Params`], its [`ScriptName`] and a [`RequestHandle`] in its extensions.
//!   [`ParamToHeaderLayer`] makes headers of params.
//! - An [`Exchange`] is the level below HTTP, for Authorizers, Filters and CGI-style programs.
//! - [`cgi_fn()`] makes a server of a function that works like a CGI program, and [`blocking`] serves handlers that block, on a pool
//!   of threads.
//! - [`respond`], [`redirect`] and [`local_redirect`] are ready-made responses for that level; the feature `json` adds responses
//!   that are values.
//! - The feature `http-server` lets programs serve HTTP when they are started by hand: [`Run`]`::http`.
//! - The feature `client` adds the other side: it calls FastCGI applications, such as php-fpm, with params as they are, or as a
//!   tower service of HTTP requests.
//!
//! This crate routes nothing and parses no HTTP; for axum there is `axum-fastcgi`, for actix-web `fastcgi-actix`.
//!
//! # Systems
//!
//! Unix only. Tested on Linux, compiled for macOS and FreeBSD. What only Linux has is done in another way there, or not at all:
//!
//! - [`process::larger_than`] and [`Serve::max_rss`] never end a server, because there is no `/proc` to read its memory from.
//! - [`process::replaced`] looks at the program's path alone. A program that was replaced before the first look of the server
//!   counts as the one that runs.
//! - A Unix socket gets its mode after `bind` and before `listen`. On no system can a peer connect before that.
//! - macOS does not report whether a socket listens. There, a stream socket without a peer counts as one that does.
//! - mod_fcgid ends a process while requests may be on their way to it. On Linux, requests that arrive too late are refused, so
//!   that they go to another process. Elsewhere they fail.

#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(not(unix))]
compile_error!("fastcgi-tower is for Unix systems; fastcgi-core is for all");

mod address;
mod answer;
pub mod blocking;
mod budget;
mod builder;
mod cgi_fn;
#[cfg(feature = "client")]
pub mod client;
mod conn;
mod counters;
mod data;
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
mod system;
mod timer;
mod variable;

/// The crate below this one, for the types that have no other name here.
#[doc(no_inline)]
pub use proto as fastcgi_core;
pub use proto::{
    AuthType, ClientCertificate, ConnectionError, DocumentRoot, FromParams, InvalidContentLength,
    InvalidParams, Limits, MissingParam, Params, RemoteUser, ScriptFilename, ServerName,
    ServerPort, Timeouts,
    cgi::{
        BodyLength, FieldError, HeaderFields, InvalidPathSource, InvalidRequest, InvalidResponse,
        InvalidScriptName, Mapping, OnMismatch, PathSource, ReasonPhrase, RequestHead,
        ResponseMapping, ScriptName,
    },
    client::InvalidHead,
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
    counters::{Counters, Counts},
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

/// The examples of the README, compiled with the others.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
