//! `http` requests to the params of a FastCGI request.

use std::borrow::Cow;

use bytes::BytesMut;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, COOKIE, HOST, HeaderName};
use http::request::Parts;
use http::{HeaderMap, Uri, Version};
use percent_encoding::percent_decode_str;

use super::ServerInfo;
use crate::cgi::hop_by_hop::HopByHop;
use crate::params::{Params, put_pair};

/// The params that a web server would send for a request (RFC 3875, 4.1).
///
/// `extra` comes last, in the place of what the request gives under the same names, as [`Params::with`] does. The path is
/// decoded, and neither dot segments nor runs of slashes are resolved; `REQUEST_URI` has the target as it came, in origin
/// form. What is unknown is not sent.
///
/// Header fields become `HTTP_` params, several values of one field joined. Left out are those of the client's
/// connection; `proxy`, which CGI programs would take for their own configuration; and names with other characters than
/// letters, digits and `-`, as in Apache: `x_user` would look like `x-user`.
///
/// # Panics
///
/// Possibly, when a name or value is 2 GiB long or longer: the protocol has no length for it.
pub fn params<N, V>(
    request: &Parts,
    server: &ServerInfo,
    extra: impl IntoIterator<Item = (N, V)>,
) -> Params
where
    N: AsRef<[u8]>,
    V: AsRef<[u8]>,
{
    let mut block = BytesMut::with_capacity(BLOCK_SIZE);
    put_request(&mut block, request, server);
    put_server(&mut block, server);
    put_fields(&mut block, request);
    let mut more = BytesMut::new();
    for (name, value) in extra {
        put_pair(&mut more, name.as_ref(), value.as_ref());
    }
    parse(block).with(&parse(more))
}

pub(super) fn parse(block: BytesMut) -> Params {
    Params::parse(block.freeze()).expect("put_pair writes whole pairs")
}

fn put_request(block: &mut BytesMut, request: &Parts, server: &ServerInfo) {
    let uri = &request.uri;
    put_str(block, "REQUEST_METHOD", request.method.as_str());
    put_str(block, "REQUEST_URI", target(uri));
    let path: Cow<'_, [u8]> = percent_decode_str(uri.path()).into();
    let (script_name, path_info) = split_path(&path, &server.script_name);
    put_str(block, "SCRIPT_NAME", script_name);
    put_pair(block, b"PATH_INFO", path_info);
    put_str(block, "QUERY_STRING", uri.query().unwrap_or_default());
    if let Some(value) = joined(&request.headers, &CONTENT_TYPE) {
        put_pair(block, b"CONTENT_TYPE", &value);
    }
    if let Some(value) = joined(&request.headers, &CONTENT_LENGTH) {
        put_pair(block, b"CONTENT_LENGTH", &value);
    }
    put_str(block, "SERVER_PROTOCOL", protocol(request.version));
    put_str(block, "REQUEST_SCHEME", server.scheme());
    match &server.name {
        Some(name) => put_str(block, "SERVER_NAME", name),
        None => put_str(block, "SERVER_NAME", host_name(request)),
    }
}

pub(super) fn put_server(block: &mut BytesMut, server: &ServerInfo) {
    put_str(block, "GATEWAY_INTERFACE", "CGI/1.1");
    put_str(block, "SERVER_SOFTWARE", &server.software);
    put_str(block, "SERVER_PORT", &server.effective_port().to_string());
    if let Some(addr) = server.local_addr {
        put_str(block, "SERVER_ADDR", &addr.ip().to_string());
    }
    if let Some(addr) = server.remote_addr {
        put_str(block, "REMOTE_ADDR", &addr.ip().to_string());
        put_str(block, "REMOTE_PORT", &addr.port().to_string());
    }
    if server.https {
        put_str(block, "HTTPS", "on");
    }
    if let Some(path) = &server.document_root {
        put_str(block, "DOCUMENT_ROOT", path);
    }
}

fn put_fields(block: &mut BytesMut, request: &Parts) {
    // Before the others: a client cannot take it away by nominating it in `connection`.
    if let Some(host) = host(request) {
        put_pair(block, b"HTTP_HOST", host);
    }
    let hop_by_hop = HopByHop::new(&request.headers);
    for name in request.headers.keys() {
        let is_left_out = match name.as_str() {
            "host" | "content-type" | "content-length" | "proxy" => true,
            name => !is_unambiguous(name) || hop_by_hop.contains(name),
        };
        if is_left_out {
            continue;
        }
        if let Some(value) = joined(&request.headers, name) {
            put_pair(block, &variable_name(name), &value);
        }
    }
}

/// For the variables that RFC 3875 names.
pub(super) fn put_str(block: &mut BytesMut, name: &str, value: &str) {
    put_pair(block, name.as_bytes(), value.as_bytes());
}

/// The target as in the request line, without the authority that an absolute form has in front (RFC 9112, 3.2).
fn target(uri: &Uri) -> &str {
    match (uri.path_and_query(), uri.authority()) {
        (Some(target), _) => target.as_str(),
        // CONNECT
        (None, Some(authority)) => authority.as_str(),
        (None, None) => "",
    }
}

/// The script name and what follows it. A path outside `script_name` belongs to an application at the root.
fn split_path<'a>(path: &'a [u8], script_name: &'a str) -> (&'a str, &'a [u8]) {
    match path.strip_prefix(script_name.as_bytes()) {
        Some(path_info) if matches!(path_info.first(), None | Some(b'/')) => {
            (script_name, path_info)
        }
        _ => ("", path),
    }
}

/// The numbers are spelled as nginx, Apache, lighttpd and Caddy do.
fn protocol(version: Version) -> &'static str {
    match version {
        Version::HTTP_09 => "HTTP/0.9",
        Version::HTTP_10 => "HTTP/1.0",
        Version::HTTP_2 => "HTTP/2.0",
        Version::HTTP_3 => "HTTP/3.0",
        _ => "HTTP/1.1",
    }
}

/// RFC 9112, 3.2.2: the authority of the target counts more than the `host` field.
fn host(request: &Parts) -> Option<&[u8]> {
    match request.uri.authority() {
        Some(authority) => {
            let without_user = authority.as_str().rsplit('@').next()?;
            Some(without_user.as_bytes())
        }
        None => request.headers.get(HOST).map(|host| host.as_bytes()),
    }
}

/// The host that the request names, without the port; empty without one, as lighttpd and Caddy have it.
fn host_name(request: &Parts) -> &str {
    let host = host(request).and_then(|host| std::str::from_utf8(host).ok());
    let host = host.unwrap_or_default();
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// Names that stay apart from all others when `-` becomes `_` (H-2).
fn is_unambiguous(name: &str) -> bool {
    name.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn variable_name(name: &HeaderName) -> Vec<u8> {
    let spelled = name.as_str().bytes().map(|byte| match byte {
        b'-' => b'_',
        byte => byte.to_ascii_uppercase(),
    });
    b"HTTP_".iter().copied().chain(spelled).collect()
}

/// RFC 3875, 4.1.18: several values become one of the same meaning.
fn joined<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<Cow<'a, [u8]>> {
    let separator: &[u8] = if name == COOKIE { b"; " } else { b", " };
    let mut values = headers.get_all(name).into_iter();
    let mut joined = Cow::Borrowed(values.next()?.as_bytes());
    for value in values {
        let joined = joined.to_mut();
        joined.extend_from_slice(separator);
        joined.extend_from_slice(value.as_bytes());
    }
    Some(joined)
}

/// Room for the params of most requests.
const BLOCK_SIZE: usize = 2 * 1024;
