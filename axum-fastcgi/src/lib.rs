//! Run an unmodified [axum] application over FastCGI, behind nginx, Apache, Caddy, lighttpd, h2o or HAProxy.
//!
//! Write [`axum_fastcgi::serve`](serve) in place of `axum::serve`:
//!
//! ```no_run
//! use axum::{Router, routing::get};
//!
//! #[tokio::main]
//! async fn main() -> std::io::Result<()> {
//!     let app = Router::new().route("/", get(|| async { "Hello, world!" }));
//!     let listener = tokio::net::TcpListener::bind("127.0.0.1:9000").await?;
//!     axum_fastcgi::serve(listener, app).await
//! }
//! ```
//!
//! Everything else stays as it is: routes, extractors, layers, streaming in both directions, graceful shutdown.
//! [`ConnectInfo<SocketAddr>`](axum::extract::ConnectInfo) is the *client's* address, [`OriginalUri`] the URI the client
//! asked for, and an extractor gets what else the web server knows:
//!
//! ```
//! async fn whoami(params: axum_fastcgi::Params) -> String {
//!     match params.get("REMOTE_USER") {
//!         Some(user) => format!("you are {}", user.escape_ascii()),
//!         None => "nobody knows you".to_owned(),
//!     }
//! }
//! # let app: axum::Router = axum::Router::new().route("/whoami", axum::routing::get(whoami));
//! ```
//!
//! Wrap a listener that was written for `axum::serve` in [`ForeignListener`] or [`TrustedListener`]. Connect info of
//! your own is made of an [`IncomingRequest`]. `docs/facades.md` has each function of `axum::serve`.
//!
//! FastCGI cannot upgrade a connection, so a WebSocket is answered with axum's own refusal.
//!
//! Unix only: tested on Linux, compiled for macOS and FreeBSD. [`fastcgi_tower`] says what differs there.
//!
//! [`OriginalUri`]: axum::extract::OriginalUri

#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "http")]
mod development;
#[cfg(feature = "http")]
mod foreign_listener;
mod make_service;
mod request_service;
mod run;
mod serve;

/// The crate below this one, for the types that have no other name here.
#[doc(no_inline)]
pub use fastcgi_tower;
pub use fastcgi_tower::{
    Address, AuthType, BoxError, Budget, ClientCertificate, ConnectionId, Counters, Counts,
    DocumentRoot, FastCgi, HttpService, InvalidAddress, InvalidContentLength, InvalidParams,
    InvalidPathSource, InvalidScriptName, Limits, MissingParam, OnMismatch, ParamToHeaderLayer,
    ParamToHeaderService, Params, PathSource, ReasonPhrase, RemoteUser, RequestExt, RequestHandle,
    Role, RunError, ScriptFilename, ScriptName, ServerName, ServerPort, Timeouts,
    listener::{self, AnyListener, Listener, Socket, UnixSocket},
};

#[cfg(feature = "http")]
pub use axum::serve::ListenerExt;

#[cfg(feature = "http")]
pub use crate::foreign_listener::{ForeignIo, ForeignListener, TrustedAddr, TrustedListener};
pub use crate::{
    make_service::IncomingRequest,
    request_service::{RequestService, RequestServiceFuture},
    run::{AxumApplication, Run, run, run_when_ready},
    serve::{Serve, serve},
};

/// The examples of the README, compiled with the others.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
