//! `http` responses to CGI header blocks.
//!
//! Web servers read a header block in different ways wherever RFC 3875, 6 leaves a choice, and several pass on what harms
//! the client's connection. So a head is written in the one form that all of them read alike.

use std::borrow::Cow;
use std::fmt;

use bytes::BytesMut;
use http::header::{CONTENT_LOCATION, CONTENT_TYPE, LOCATION, SET_COOKIE};
use http::response::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use super::body_length::BodyLength;
use super::hop_by_hop::HopByHop;
use super::mounted::Mount;
use super::reason_phrase::ReasonPhrase;
use crate::params::{Params, content_length, server::Server};

/// How the head of a response becomes a CGI header block.
///
/// ```
/// use bytes::BytesMut;
/// use fastcgi_core::cgi::{BodyLength, ResponseMapping};
/// use http::{Method, Response};
///
/// let (parts, body) = Response::builder()
///     .header("content-type", "text/plain")
///     .header("connection", "close")
///     .body("hello")?
///     .into_parts();
///
/// let mut out = BytesMut::new();
/// let length = ResponseMapping::default().write_head(&parts, &Method::GET, Some(5), &mut out)?;
/// assert_eq!(out, "Status: 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 5\r\n\r\n");
/// assert_eq!(length, BodyLength::Exactly(5));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResponseMapping {
    location_first: bool,
    /// R-14: whether the web server collects event streams, unless a field forbids it.
    collects_events: bool,
    /// R-18
    mount: Option<Box<Mount>>,
    /// R-19: whether the web server answers a local redirect itself.
    follows: bool,
}

impl ResponseMapping {
    /// For the web server that sent `params`. The default is for any but HAProxy (R-1), nginx (R-14) and Apache (R-19).
    pub fn answering(params: &Params) -> Self {
        Self {
            location_first: params.server() == Server::HaProxy,
            collects_events: params.server() == Server::Nginx,
            mount: None,
            follows: params.server() == Server::Apache,
        }
    }

    /// For a web server that started this process as a CGI program: each of them follows a local redirect (R-19).
    #[must_use]
    pub fn plain_cgi(mut self) -> Self {
        self.follows = true;
        self
    }

    /// R-18: with what the application does not know about its paths.
    pub(super) fn mounted(mut self, mount: Option<Box<Mount>>) -> Self {
        self.mount = mount;
        self
    }

    /// Appends the header block for `parts` to `out`, and says how much of a body may follow.
    ///
    /// `method` is the request's; `exact` is the length of the body when it is known beforehand.
    ///
    /// There is always a `Status`, with a reason phrase: the one in the extensions ([`ReasonPhrase`]), else the usual one
    /// (R-1). It comes first, except behind HAProxy, which would take a `location` after it for a redirect with status 302.
    /// The fields follow in the order of the map, one line for each value (R-2, R-3), and `content-length` last.
    ///
    /// Left out are hop-by-hop fields and those that `connection` nominates; `status`, which web servers would read as
    /// ours (R-4); and `location` of a response with status 200, which mod_fcgid and mod_cgi would answer with another
    /// resource (R-6). Nothing is added but `content-length` (R-7), and behind nginx `x-accel-buffering: no` to an event stream
    /// that has no such field (R-14). Paths are changed only where [`Mapping::mount_redirects`](super::Mapping::mount_redirects)
    /// asks for it.
    ///
    /// # Errors
    ///
    /// When no web server could pass the response on. `out` is then as it was.
    pub fn write_head(
        &self,
        parts: &Parts,
        method: &Method,
        exact: Option<u64>,
        out: &mut BytesMut,
    ) -> Result<BodyLength, InvalidResponse> {
        // R-9: there are no interim responses over FastCGI, and no upgrades.
        if parts.status.is_informational() {
            return Err(InvalidResponse::InterimStatus(parts.status));
        }
        let length = length_to_send(parts, method, exact)?;

        out.reserve(HEAD_SIZE + parts.headers.len() * FIELD_SIZE);
        let reason = match parts.extensions.get::<ReasonPhrase>() {
            Some(reason) => reason.as_bytes(),
            None => ReasonPhrase::usual(parts.status).as_bytes(),
        };
        if self.location_first {
            self.put_location(parts, out);
        }
        put_status_line(parts.status.as_str(), reason, out);
        if !self.location_first {
            self.put_location(parts, out);
        }
        self.put_fields(&parts.headers, out);
        if self.collects_events
            && is_event_stream(&parts.headers)
            && !parts.headers.contains_key(ACCEL_BUFFERING)
        {
            put_field(&ACCEL_BUFFERING, b"no", out);
        }
        if let Some(length) = length {
            put_content_length(length, out);
        }
        out.extend_from_slice(b"\r\n");

        Ok(match length {
            _ if is_bodyless(parts.status, method) => BodyLength::None,
            Some(length) => BodyLength::Exactly(length),
            None => BodyLength::Unknown,
        })
    }

    /// R-19: whether fields without a status are a local redirect that the web server follows.
    pub fn is_followed(&self, fields: &HeaderMap) -> bool {
        self.follows && local_path(fields).is_some()
    }

    /// Appends the header block of a local redirect to `out`: the web server answers with the resource at `location`
    /// (RFC 3875, 6.2.2; R-19).
    ///
    /// There is no `Status`: with one it would be a redirect of the client. `location` comes first, then the other fields, as
    /// in [`write_head`](Self::write_head); `content-length` is left out, because no body may follow.
    ///
    /// # Errors
    ///
    /// When there is no `location`, or it does not begin with exactly one slash. `out` is then as it was.
    pub fn write_local_redirect(
        &self,
        fields: &HeaderMap,
        out: &mut BytesMut,
    ) -> Result<BodyLength, InvalidResponse> {
        let path = local_path(fields).ok_or(InvalidResponse::LocalRedirect)?;
        out.extend_from_slice(b"Location: ");
        out.extend_from_slice(&self.as_seen_by_client(&LOCATION, path));
        out.extend_from_slice(b"\r\n");
        self.put_fields(fields, out);
        out.extend_from_slice(b"\r\n");
        Ok(BodyLength::None)
    }

    /// R-5: no line needs a check here, because the types of names and values admit neither colons in the one nor line
    /// breaks in the other.
    fn put_fields(&self, fields: &HeaderMap, out: &mut BytesMut) {
        let hop_by_hop = HopByHop::new(fields);
        for (name, value) in fields {
            let is_left_out = match name.as_str() {
                "status" | "content-length" | "location" => true,
                name => hop_by_hop.contains(name),
            };
            if !is_left_out {
                put_field(name, &self.as_seen_by_client(name, value), out);
            }
        }
    }

    /// R-18
    fn as_seen_by_client<'a>(&self, name: &HeaderName, value: &'a HeaderValue) -> Cow<'a, [u8]> {
        let value = value.as_bytes();
        match &self.mount {
            Some(mount) if name == SET_COOKIE => mount.cookie(value),
            Some(mount) if name == LOCATION || name == CONTENT_LOCATION => mount.reference(value),
            _ => value.into(),
        }
    }

    /// R-6: with status 200 it means nothing to clients (RFC 9110, 10.2.2), and to mod_fcgid that the answer is elsewhere.
    fn put_location(&self, parts: &Parts, out: &mut BytesMut) {
        if parts.status == StatusCode::OK {
            return;
        }
        for value in parts.headers.get_all(LOCATION) {
            put_field(&LOCATION, &self.as_seen_by_client(&LOCATION, value), out);
        }
    }
}

/// The path of a local redirect. Browsers take a backslash for a slash, and two slashes lead to another host.
fn local_path(fields: &HeaderMap) -> Option<&HeaderValue> {
    let location = fields.get(LOCATION)?;
    let rest = location.as_bytes().strip_prefix(b"/")?;
    (!rest.starts_with(b"/") && !rest.starts_with(b"\\")).then_some(location)
}

/// nginx takes it off the response.
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Whether the content is server-sent events, whose type may have parameters (RFC 9110, 8.3.1).
fn is_event_stream(headers: &HeaderMap) -> bool {
    let content_type = headers
        .get(CONTENT_TYPE)
        .map_or(&b""[..], HeaderValue::as_bytes);
    let essence = content_type
        .split(|&byte| byte == b';')
        .next()
        .unwrap_or_default();
    essence
        .trim_ascii()
        .eq_ignore_ascii_case(b"text/event-stream")
}

fn put_field(name: &HeaderName, value: &[u8], out: &mut BytesMut) {
    out.extend_from_slice(name.as_str().as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

/// A response that cannot be sent over FastCGI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidResponse {
    /// The status is 1xx: an upgrade, or an interim response (R-9).
    InterimStatus(StatusCode),
    /// The `content-length` fields differ, or one is not a number (R-7).
    ContentLength,
    /// A local redirect has no `location` that begins with exactly one slash (R-19).
    LocalRedirect,
}

impl InvalidResponse {
    /// The status to answer with instead.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::InterimStatus(_) => StatusCode::NOT_IMPLEMENTED,
            Self::ContentLength | Self::LocalRedirect => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl fmt::Display for InvalidResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InterimStatus(status) => {
                write!(
                    f,
                    "status {} where FastCGI carries final ones only",
                    status.as_str()
                )
            }
            Self::ContentLength => f.write_str("content-length is not one number"),
            Self::LocalRedirect => {
                f.write_str("the path of a local redirect does not begin with exactly one slash")
            }
        }
    }
}

impl std::error::Error for InvalidResponse {}

/// Appends a whole response of the adapter's own: head, and the status as a short text (R-10a).
///
/// A refusal is an ordinary response, because web servers turn the protocol's own refusals into error pages, and
/// mod_proxy_fcgi into an empty page with status 200. `method` is the request's, or `None` when it did not become
/// known; a HEAD request is answered without the text (R-8).
///
/// ```
/// use bytes::BytesMut;
/// use fastcgi_core::cgi::write_refusal;
/// use http::StatusCode;
///
/// let mut out = BytesMut::new();
/// write_refusal(StatusCode::SERVICE_UNAVAILABLE, None, &mut out);
/// assert!(out.starts_with(b"Status: 503 Service Unavailable\r\n"));
/// assert!(out.ends_with(b"\r\n\r\n503 Service Unavailable\n"));
/// ```
pub fn write_refusal(status: StatusCode, method: Option<&Method>, out: &mut BytesMut) {
    let text = status_text(status);
    put_status_line(status.as_str(), ReasonPhrase::usual(status).as_bytes(), out);
    out.extend_from_slice(b"content-type: text/plain; charset=utf-8\r\n");
    put_content_length(text.len(), out);
    out.extend_from_slice(b"\r\n");
    if method != Some(&Method::HEAD) {
        out.extend_from_slice(text.as_bytes());
    }
}

/// A status as a short text for people, with a line break at its end: the body of a refusal.
///
/// ```
/// use fastcgi_core::cgi::status_text;
/// use http::StatusCode;
///
/// assert_eq!(status_text(StatusCode::NOT_FOUND), "404 Not Found\n");
/// ```
pub fn status_text(status: StatusCode) -> String {
    format!("{} {}\n", status.as_str(), ReasonPhrase::usual(status))
}

/// The table of R-7.
fn length_to_send(
    parts: &Parts,
    method: &Method,
    exact: Option<u64>,
) -> Result<Option<u64>, InvalidResponse> {
    match parts.status {
        StatusCode::NO_CONTENT => return Ok(None),
        StatusCode::RESET_CONTENT => return Ok(Some(0)),
        _ => {}
    }
    let announced =
        content_length::of_fields(&parts.headers).map_err(|_| InvalidResponse::ContentLength)?;
    Ok(announced.or_else(|| match parts.status {
        // It would be the length of the body that the client already has.
        StatusCode::NOT_MODIFIED => None,
        // Frameworks drop the body that a GET would have had, so an absent body says nothing about its length.
        _ if method == Method::HEAD => exact.filter(|&length| length > 0),
        _ => exact,
    }))
}

/// R-8: h2o sends on to the client whatever follows such a head.
fn is_bodyless(status: StatusCode, method: &Method) -> bool {
    method == Method::HEAD
        || matches!(
            status,
            StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT | StatusCode::NOT_MODIFIED
        )
}

fn put_status_line(code: &str, reason: &[u8], out: &mut BytesMut) {
    out.extend_from_slice(b"Status: ");
    out.extend_from_slice(code.as_bytes());
    out.extend_from_slice(b" ");
    out.extend_from_slice(reason);
    out.extend_from_slice(b"\r\n");
}

fn put_content_length(length: impl itoa::Integer, out: &mut BytesMut) {
    out.extend_from_slice(b"content-length: ");
    out.extend_from_slice(itoa::Buffer::new().format(length).as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// Room for the status line, `content-length` and the blank line.
const HEAD_SIZE: usize = 128;

/// Room for one field: twice the size of most.
const FIELD_SIZE: usize = 64;
