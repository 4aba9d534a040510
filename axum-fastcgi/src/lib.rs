//! Run an unmodified [axum] application over FastCGI, behind nginx, Apache, Caddy, lighttpd, h2o or HAProxy.
//!
//! Where an application says `axum::serve`, say [`axum_fastcgi::serve`](serve):
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
//! asked for, and what the web server knows besides is an extractor away:
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
//! FastCGI cannot upgrade a connection, so a WebSocket is answered with axum's own refusal.
//!
//! [`OriginalUri`]: axum::extract::OriginalUri

#[cfg(feature = "http")]
mod development;
#[cfg(feature = "http")]
mod foreign_listener;
mod make_service;
mod request_service;
mod run;
mod serve;

pub use fastcgi_tower::{
    Address, AuthType, ClientCertificate, DocumentRoot, FastCgi, Limits, MissingParam, OnMismatch,
    ParamToHeaderLayer, Params, PathSource, ReasonPhrase, RemoteUser, RequestExt, RequestHandle,
    Role, RunError, ScriptFilename, ScriptName, ServerName, ServerPort, Timeouts,
    listener::{self, AnyListener, Listener, Socket, UnixSocket},
};

#[cfg(feature = "http")]
pub use crate::foreign_listener::ForeignListener;
pub use crate::{
    make_service::IncomingRequest,
    request_service::{RequestService, RequestServiceFuture},
    run::{AxumApplication, Run, run, run_when_ready},
    serve::{Serve, serve},
};

/// The examples of the README, compiled with the others.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

#[cfg(doctest)]
#[doc = include_str!("../../docs/migrating.md")]
struct Migrating;

#[cfg(doctest)]
#[doc = include_str!("../../docs/coming-from.md")]
struct ComingFrom;
