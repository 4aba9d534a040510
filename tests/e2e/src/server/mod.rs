//! The web servers, one file each.
//!
//! A new one is a file with its layouts and a line in each of the two lists here.

pub(crate) mod apache;
pub(crate) mod apache_fcgid;
mod apache_proxy;
pub(crate) mod caddy;
pub(crate) mod cgi;
mod cgi_fcgi;
pub(crate) mod h2o;
pub(crate) mod haproxy;
mod jetty;
pub(crate) mod lighttpd;
pub(crate) mod nginx;

use crate::Layout;

pub use self::apache_proxy::APACHE_HTTP2;
pub use self::caddy::{CADDY_BOTH_WAYS, CADDY_HTTP2};
pub use self::cgi::cgi_layouts;
pub use self::haproxy::UNASKED as HAPROXY_UNASKED;

/// Every layout of every web server.
pub fn layouts() -> impl Iterator<Item = &'static Layout> {
    [
        nginx::LAYOUTS,
        apache_fcgid::LAYOUTS,
        caddy::LAYOUTS,
        apache_proxy::LAYOUTS,
        lighttpd::LAYOUTS,
        h2o::LAYOUTS,
        haproxy::LAYOUTS,
        jetty::LAYOUTS,
        cgi_fcgi::LAYOUTS,
    ]
    .into_iter()
    .flatten()
}
