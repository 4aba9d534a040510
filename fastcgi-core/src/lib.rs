//! The FastCGI protocol, without I/O.
//!
//! This crate turns bytes into requests and responses into bytes, and that is all: there is no socket in it, no clock,
//! no task and no lock. It is what [`fastcgi-tower`] drives with tokio; use it directly to drive FastCGI with something
//! else. You will *not* find a server here.
//!
//! - [`Connection`] is the application's end of a connection, [`client::Connection`] the other one.
//! - [`Params`] are what the web server says about a request.
//! - [`cgi`] maps params to an [`http::Request`]'s head, and an [`http::Response`]'s head to a CGI header block.
//! - [`record`] is the wire format below all this.
//!
//! The specification that sections are cited of is the [FastCGI Specification], version 1.0.
//!
//! # Example
//!
//! An application that greets, without its socket:
//!
//! ```
//! use bytes::{Buf, BytesMut};
//! use fastcgi_core::{Config, Connection, Event, record::EndRequest};
//!
//! /// Takes what the web server sent, gives what to send back.
//! fn answer(connection: &mut Connection, input: &mut BytesMut) -> Result<Vec<u8>, fastcgi_core::ConnectionError> {
//!     while let Some(event) = connection.poll_event(input)? {
//!         if let Event::StdinEnd { id } = event {
//!             if let Some(mut request) = connection.request(id) {
//!                 request.stdout("Status: 200 OK\r\n\r\nhello".into());
//!                 request.end(EndRequest::COMPLETE);
//!             }
//!         }
//!     }
//!     let mut output = Vec::new();
//!     while connection.outgoing().has_remaining() {
//!         let written = connection.outgoing().chunk().len();
//!         output.extend_from_slice(connection.outgoing().chunk());
//!         connection.outgoing().advance(written);
//!     }
//!     Ok(output)
//! }
//!
//! let mut connection = Connection::new(Config::default());
//! let mut input = BytesMut::from(
//!     &b"\x01\x01\x00\x01\x00\x08\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\
//!        \x01\x04\x00\x01\x00\x00\x00\x00\
//!        \x01\x05\x00\x01\x00\x00\x00\x00"[..],
//! );
//! let output = answer(&mut connection, &mut input)?;
//! assert!(output.starts_with(b"\x01\x06\x00\x01\x00\x17\x00\x00Status: 200 OK\r\n"));
//! assert!(connection.is_finished(), "the web server did not ask to keep the connection");
//! # Ok::<(), fastcgi_core::ConnectionError>(())
//! ```
//!
//! [`fastcgi-tower`]: https://docs.rs/fastcgi-tower
//! [FastCGI Specification]: https://fastcgi-archives.github.io/FastCGI_Specification.html

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
    params::{InvalidContentLength, InvalidParams, Iter, Params},
};
