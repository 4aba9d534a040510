//! `http` responses to CGI header blocks.
//!
//! Web servers read a header block in different ways wherever RFC 3875, 6 leaves a choice, and several pass on what harms
//! the client's connection. So a head is written in the one form that all of them read alike.

use std::fmt;

use bytes::BytesMut;
use http::header::LOCATION;
use http::response::Parts;
use http::{HeaderName, HeaderValue, Method, StatusCode};

use super::body_length::BodyLength;
use super::hop_by_hop::HopByHop;
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ResponseMapping {
    location_first: bool,
}

impl ResponseMapping {
    /// For the web server that sent `params`. The default is for any but HAProxy (R-1).
    pub fn answering(params: &Params) -> Self {
        Self {
            location_first: params.server() == Server::HaProxy,
        }
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
    /// resource (R-6). Nothing is added but `content-length` (R-7).
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
            None => canonical_reason(parts.status).as_bytes(),
        };
        if self.location_first {
            Self::put_location(parts, out);
        }
        put_status_line(parts.status.as_str(), reason, out);
        if !self.location_first {
            Self::put_location(parts, out);
        }
        Self::put_fields(parts, out);
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

    /// R-5: no line needs a check here, because the types of names and values admit neither colons in the one nor line
    /// breaks in the other.
    fn put_fields(parts: &Parts, out: &mut BytesMut) {
        let hop_by_hop = HopByHop::new(&parts.headers);
        for (name, value) in &parts.headers {
            let is_left_out = match name.as_str() {
                "status" | "content-length" | "location" => true,
                name => hop_by_hop.contains(name),
            };
            if !is_left_out {
                put_field(name, value, out);
            }
        }
    }

    /// R-6: with status 200 it means nothing to clients (RFC 9110, 10.2.2), and to mod_fcgid that the answer is elsewhere.
    fn put_location(parts: &Parts, out: &mut BytesMut) {
        if parts.status == StatusCode::OK {
            return;
        }
        for value in parts.headers.get_all(LOCATION) {
            put_field(&LOCATION, value, out);
        }
    }
}

fn put_field(name: &HeaderName, value: &HeaderValue, out: &mut BytesMut) {
    out.extend_from_slice(name.as_str().as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value.as_bytes());
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
}

impl InvalidResponse {
    /// The status to answer with instead.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::InterimStatus(_) => StatusCode::NOT_IMPLEMENTED,
            Self::ContentLength => StatusCode::INTERNAL_SERVER_ERROR,
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
    let code = status.as_str();
    let reason = canonical_reason(status);
    let length = code.len() + " ".len() + reason.len() + "\n".len();
    put_status_line(code, reason.as_bytes(), out);
    out.extend_from_slice(b"content-type: text/plain; charset=utf-8\r\n");
    put_content_length(length, out);
    out.extend_from_slice(b"\r\n");
    if method != Some(&Method::HEAD) {
        out.extend_from_slice(code.as_bytes());
        out.extend_from_slice(b" ");
        out.extend_from_slice(reason.as_bytes());
        out.extend_from_slice(b"\n");
    }
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
        // Frameworks drop the body that a GET would have had: none at all says nothing about its length.
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

fn canonical_reason(status: StatusCode) -> &'static str {
    status.canonical_reason().unwrap_or("Unknown")
}

/// Room for the status line, `content-length` and the blank line.
const HEAD_SIZE: usize = 128;

/// Room for one field: twice the size of most.
const FIELD_SIZE: usize = 64;
