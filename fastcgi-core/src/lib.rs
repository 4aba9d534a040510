//! The FastCGI protocol, without I/O.
//!
//! This crate turns bytes into requests and responses into bytes, and knows every rule about them: what is refused, how
//! long something is awaited, when the socket is read and when the connection is closed. It has no socket, no clock, no
//! task, no lock, and *no* server. [`fastcgi-tower`] drives it with tokio; use it directly to run FastCGI without tokio.
//!
//! - [`Connection`] is the application's end of a connection, [`client::ClientConnection`] the other one.
//! - [`Params`] are what the web server says about a request.
//! - [`cgi`] maps params to an [`http::Request`]'s head, and an [`http::Response`]'s head to a CGI header block.
//! - [`record`] is the wire format below all this.
//!
//! Sections are those of the [FastCGI Specification], version 1.0.
//!
//! # Example
//!
//! An application that greets, without its socket and its clock:
//!
//! ```
//! use bytes::{Buf, BytesMut};
//! use fastcgi_core::{Config, Connection, Event, Life, cgi::BodyLength};
//!
//! /// Takes what the web server sent, gives what to send back.
//! fn answer(connection: &mut Connection, input: &mut BytesMut) -> Vec<u8> {
//!     while let Some(event) = connection.next_event(input) {
//!         if let Event::StdinEnd { key, .. } = event {
//!             if let Some(mut request) = connection.request(key) {
//!                 let head = BytesMut::from("Status: 200 OK\r\ncontent-length: 5\r\n\r\n");
//!                 request.head(head, BodyLength::Exactly(5));
//!                 if request.stdout("hello".into()).is_ok() {
//!                     request.end(0);
//!                 }
//!             }
//!         }
//!     }
//!     let mut output = Vec::new();
//!     while connection.outgoing().has_remaining() {
//!         let written = connection.outgoing().chunk().len();
//!         output.extend_from_slice(connection.outgoing().chunk());
//!         connection.outgoing().advance(written);
//!     }
//!     connection.written();
//!     output
//! }
//!
//! let mut connection = Connection::new(Config::default());
//! let mut input = BytesMut::from(
//!     &b"\x01\x01\x00\x01\x00\x08\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\
//!        \x01\x04\x00\x01\x00\x00\x00\x00\
//!        \x01\x05\x00\x01\x00\x00\x00\x00"[..],
//! );
//! let output = answer(&mut connection, &mut input);
//! assert!(output.starts_with(b"\x01\x06\x00\x01\x00\x25\x00\x00Status: 200 OK\r\n"));
//! assert_eq!(connection.error(), None);
//! assert_eq!(connection.life(), Life::Draining, "the web server did not ask to keep the connection");
//! ```
//!
//! [`fastcgi-tower`]: https://docs.rs/fastcgi-tower
//! [FastCGI Specification]: https://fastcgi-archives.github.io/FastCGI_Specification.html

#![cfg_attr(docsrs, feature(doc_cfg))]
#![warn(clippy::indexing_slicing)]

pub mod cgi;
pub mod client;
mod connection;
#[cfg(feature = "axum")]
mod extract;
mod outgoing;
mod params;
pub mod record;
pub mod values;

pub use crate::{
    connection::{
        Awaited, Config, Connection, ConnectionError, Ending, Event, Life, Limits, NewRequest,
        Refusal, RequestKey, RequestMut, StreamEnd, Timeouts, TooLong,
    },
    outgoing::Outgoing,
    params::{
        AuthType, ClientCertificate, DocumentRoot, FromParams, InvalidContentLength, InvalidParams,
        Iter, MissingParam, Params, RemoteUser, ScriptFilename, ServerName, ServerPort,
    },
};

/// The example of the README, compiled with the others.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
