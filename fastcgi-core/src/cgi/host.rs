//! The `host` field of requests that come without one.
//!
//! nginx sends no `HTTP_HOST` for HTTP/3, and HTTP/1.0 has none; applications do look for it.

use bytes::Bytes;

use super::meta::{decimal, is_https};
use super::variables::Variables;

/// T-18: `SERVER_NAME`, with `SERVER_PORT` unless that is the scheme's own; `None` when the server has no name.
pub(super) fn from_server(variables: &Variables<'_>) -> Option<Bytes> {
    let port = variables.server_port.filter(|port| decimal(port).is_some());
    let name = without_port(variables.server_name?, port);
    if name.is_empty() || name == b"_" {
        return None;
    }
    let default_port: &[u8] = if is_https(variables.https, variables.request_scheme) {
        b"443"
    } else {
        b"80"
    };

    let mut host = Vec::with_capacity(name.len() + ":65535".len());
    if name.contains(&b':') && !name.starts_with(b"[") {
        // Caddy's IPv6 addresses are bare.
        host.push(b'[');
        host.extend_from_slice(name);
        host.push(b']');
    } else {
        host.extend_from_slice(name);
    }
    if let Some(port) = port.filter(|port| *port != default_port) {
        host.push(b':');
        host.extend_from_slice(port);
    }
    Some(host.into())
}

/// lighttpd may put the port in the name. A bare IPv6 address has no port, though it may end like one.
fn without_port<'a>(name: &'a [u8], port: Option<&[u8]>) -> &'a [u8] {
    port.and_then(|port| name.strip_suffix(port)?.strip_suffix(b":"))
        .filter(|rest| rest.ends_with(b"]") || !rest.contains(&b':'))
        .unwrap_or(name)
}
