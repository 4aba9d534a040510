//! The web server's end: calling a FastCGI application.
//!
//! Applications have no use for this half. It is here for development front ends, for programs that call an application,
//! and for tests, which then need no web server.
//!
//! - [`ClientConnection`] is the web server's end of a connection.
//! - [`params`] makes params of an [`http::Request`]'s head, [`parse_head`] an [`http::Response`]'s head of a CGI header
//!   block.
//!
//! ```
//! use bytes::BytesMut;
//! use fastcgi_core::client::{self, ServerInfo};
//!
//! let (request, ()) = http::Request::get("/app/a%20b?c=d").body(())?.into_parts();
//! let server = ServerInfo::default().script_name("/app");
//! let params = client::params(&request, &server, [("REMOTE_USER", "ann")]);
//! assert_eq!(params.get("PATH_INFO"), Some(&b"/a b"[..]));
//!
//! let mut stdout = BytesMut::from("Status: 404 Not Found\r\n\r\nno such page");
//! let response = client::parse_head(&mut stdout)?.ok_or("the head is not whole")?;
//! assert_eq!(response.status, 404);
//! assert_eq!(stdout, "no such page");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod connection;
mod event;
mod head;
mod params;
mod request;
mod server_info;

pub use self::{
    connection::{ClientConnection, QueryTooLong},
    event::ClientEvent,
    head::{InvalidHead, parse_head},
    params::params,
    request::ClientRequestMut,
    server_info::ServerInfo,
};
