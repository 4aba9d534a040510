//! The `host` field where it is not `HTTP_HOST`.
//!
//! A request target in absolute form has the host in it (RFC 9112, 3.2.2). nginx sends no `HTTP_HOST` for HTTP/3, and
//! HTTP/1.0 has none; applications do look for it.

use std::net::Ipv6Addr;

use bytes::Bytes;

use super::variables::Variables;
use crate::params::{content_length::decimal, meta::is_https};

/// T-3: the host and the port of the authority of a request target, without user information; `None` when there is no
/// valid host in it.
pub(super) fn from_target(authority: &[u8]) -> Option<&[u8]> {
    let host_and_port = authority.rsplit(|&byte| byte == b'@').next()?;
    let (host, port) = split_port(host_and_port);
    let is_valid = is_host(host) && port.is_none_or(is_port);
    is_valid.then_some(host_and_port)
}

/// T-18: `SERVER_NAME`, with `SERVER_PORT` unless that is the scheme's own; `None` when the name is not that of a host.
pub(super) fn from_server(variables: &Variables<'_>) -> Option<Bytes> {
    let name = variables.server_name?;
    // Caddy's IPv6 addresses are bare.
    if is_ipv6(name) {
        return Some(join(
            &[b"[", name, b"]"].concat(),
            variables.server_port,
            variables,
        ));
    }
    if !is_name_of_a_host(name) {
        return None;
    }
    // lighttpd may put the port in the name.
    let (host, port) = split_port(name);
    let port = port.filter(|port| !port.is_empty());
    Some(join(host, port.or(variables.server_port), variables))
}

/// T-18: whether `HTTP_HOST` is a `SERVER_NAME` that is not the name of a host: nginx's `$host` where the client sent none.
pub(super) fn is_pattern_of_server(host: &[u8], variables: &Variables<'_>) -> bool {
    let Some(name) = variables.server_name.filter(|name| !name.is_empty()) else {
        return false;
    };
    let is_the_name = host
        .strip_prefix(name)
        .is_some_and(|rest| rest.is_empty() || rest.strip_prefix(b":").is_some_and(is_port));
    is_the_name && !is_name_of_a_host(name)
}

/// Whether two authorities name one host and port, where the scheme is that of both.
pub(super) fn is_same(one: &[u8], other: &[u8], is_https: bool) -> bool {
    let default_port: &[u8] = if is_https { b"443" } else { b"80" };
    let [one, other] = [one, other].map(|authority| {
        let (host, port) = split_port(authority);
        (
            host,
            port.filter(|port| !port.is_empty() && *port != default_port),
        )
    });
    !one.0.is_empty() && one.0.eq_ignore_ascii_case(other.0) && one.1 == other.1
}

fn is_name_of_a_host(name: &[u8]) -> bool {
    if is_plain_name(name) {
        // Of the patterns, only one with a dot in front is plain.
        return !name.is_empty() && !name.starts_with(b".");
    }
    let (host, port) = split_port(name);
    (is_host(host) && !is_pattern(host) && port.is_none_or(is_port)) || is_ipv6(name)
}

fn join(host: &[u8], port: Option<&[u8]>, variables: &Variables<'_>) -> Bytes {
    let default_port: &[u8] = if is_https(variables.https, variables.request_scheme) {
        b"443"
    } else {
        b"80"
    };
    match port.filter(|port| !port.is_empty() && is_port(port) && *port != default_port) {
        Some(port) => [host, b":", port].concat().into(),
        None => host.to_vec().into(),
    }
}

/// The host, and what follows the colon behind it.
fn split_port(authority: &[u8]) -> (&[u8], Option<&[u8]>) {
    let colon = authority.iter().rposition(|&byte| byte == b':');
    match colon.and_then(|at| authority.split_at_checked(at)) {
        Some((host, port)) if !authority.ends_with(b"]") => (host, port.get(1..)),
        _ => (authority, None),
    }
}

/// RFC 3986, 3.2.3; it may be empty.
fn is_port(port: &[u8]) -> bool {
    port.is_empty() || decimal(port).is_some_and(|port| u16::try_from(port).is_ok())
}

/// RFC 3986, 3.2.2: an IPv6 address in brackets, an IPv4 address, or a name.
fn is_host(host: &[u8]) -> bool {
    match host {
        [b'[', address @ .., b']'] => is_ipv6(address),
        name => !name.is_empty() && is_name(name),
    }
}

fn is_ipv6(address: &[u8]) -> bool {
    std::str::from_utf8(address).is_ok_and(|address| address.parse::<Ipv6Addr>().is_ok())
}

/// What nginx's `server_name` may be beside a name: a wildcard, a regular expression, or `_`.
fn is_pattern(name: &[u8]) -> bool {
    name == b"_" || name.contains(&b'*') || name.starts_with(b".") || name.starts_with(b"~")
}

/// Whether there are only letters, digits, hyphens and dots, as in nearly all names of hosts; also of an empty name.
fn is_plain_name(name: &[u8]) -> bool {
    name.iter()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'))
}

/// Unreserved characters, sub-delimiters and percent-encoded bytes.
fn is_name(name: &[u8]) -> bool {
    if is_plain_name(name) {
        return true;
    }
    let mut rest = name.iter();
    let is_hex = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_hexdigit);
    while let Some(byte) = rest.next() {
        let is_valid = match byte {
            b'%' => is_hex(rest.next()) && is_hex(rest.next()),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => true,
            b'!' | b'$' | b'&'..=b',' | b';' | b'=' => true,
            _ => false,
        };
        if !is_valid {
            return false;
        }
    }
    true
}
