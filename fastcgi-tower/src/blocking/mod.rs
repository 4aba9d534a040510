//! Handlers that block: plain functions on a bounded pool of threads.
//!
//! ```no_run
//! use std::io::{self, Read};
//!
//! use fastcgi_tower::blocking::{self, Request, Response};
//!
//! fn count(request: &mut Request) -> io::Result<Response> {
//!     let bytes = io::copy(request, &mut io::sink())?;
//!     Ok(Response::new(format!("{bytes} bytes\n")))
//! }
//!
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() -> Result<(), fastcgi_tower::RunError> {
//!     fastcgi_tower::run(blocking::service_fn(count)).bind("127.0.0.1:9000").await
//! }
//! ```
//!
//! It is a tower service of HTTP requests. So axum can route to it (`fallback_service`, `route_service`), and so does
//! fastcgi-actix, with a handler of its own.
//!
//! # When not to use it
//!
//! In an application of async handlers of which some call a function that blocks, `tokio::task::spawn_blocking` around that
//! call is the better choice: the bodies are read and written by async code then, so a client that is slow does not hold a
//! thread. Here, one that sends or takes its body slowly holds a worker until it has done so, or until
//! [`Timeouts`](crate::Timeouts) end it. Web servers that collect bodies (nginx by default, Apache with mod_fcgid) keep slow
//! clients away.
//!
//! # Threads
//!
//! Threads are started when they are needed, and end after 10 s without work. They do not keep the process alive: a handler
//! that never returns delays the end of the server by its [grace period](crate::Serve::grace_period), and no longer.
//! `tokio::runtime::Handle::current()` in a handler is the runtime that serves, so a pool of database connections can be used
//! by `Handle::current().block_on(..)`.

mod body;
mod park;
mod pool;
mod request;
mod response;
mod service;
mod writer;

pub use self::{
    body::BlockingBody,
    pool::WhenFull,
    request::Request,
    response::Response,
    service::{BlockingFuture, BlockingService, service_fn},
    writer::Writer,
};
pub(crate) use self::{
    park::block_on,
    pool::{Pool, PoolSettings},
    writer::Outlet,
};
