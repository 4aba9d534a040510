//! What a web server does: requests to params, CGI header blocks to responses.
//!
//! Applications have no use for this half. It is here for development front ends and for tests, which then need no web
//! server.
//!
//! ```
//! use bytes::BytesMut;
//! use fastcgi_core::cgi::gateway::{self, ServerInfo};
//!
//! let (request, ()) = http::Request::get("/app/a%20b?c=d").body(())?.into_parts();
//! let server = ServerInfo::default().script_name("/app");
//! let params = gateway::params(&request, &server, [("REMOTE_USER", "ann")]);
//! assert_eq!(params.get("PATH_INFO"), Some(&b"/a b"[..]));
//!
//! let mut stdout = BytesMut::from("Status: 404 Not Found\r\n\r\nno such page");
//! let response = gateway::parse_head(&mut stdout)?.ok_or("the head is not whole")?;
//! assert_eq!(response.status, 404);
//! assert_eq!(stdout, "no such page");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod request;
mod response;
mod server_info;

pub use self::request::params;
pub use self::response::{InvalidHead, parse_head};
pub use self::server_info::ServerInfo;
