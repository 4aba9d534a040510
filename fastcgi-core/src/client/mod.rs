//! The web server's end: calling a FastCGI application.
//!
//! It is here for programs that call an application, such as php-fpm, for development front ends, and for tests, which then
//! need no web server. A server has use for two pieces of it, and so it is behind no feature: plain CGI is served as one
//! request on a [`ClientConnection`], and what a CGI function writes is read by [`parse_head`].
//!
//! - [`ClientConnection`] is the web server's end of a connection.
//! - [`Script`] makes the params of a request for a script, as php-fpm expects them.
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
mod script;
mod server_info;

pub use self::{
    connection::{ClientConnection, QueryTooLong},
    event::ClientEvent,
    head::{InvalidHead, parse_head},
    params::params,
    request::ClientRequestMut,
    script::{InvalidScript, Script},
    server_info::ServerInfo,
};
