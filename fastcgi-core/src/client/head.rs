//! CGI header blocks to `http` responses.

use std::fmt;

use bytes::{Buf, BytesMut};
use http::header::{CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, LOCATION};
use http::response::Parts;
use http::{Response, StatusCode};

use crate::cgi::{ReasonPhrase, hop_by_hop::HopByHop};
use crate::params::content_length;

/// Takes a CGI header block off the front of `input`, once it is whole (RFC 3875, 6).
///
/// `Ok(None)` asks for more bytes; the end of the output before that is an error of the application. Lines end with
/// `\r\n` or `\n`. Without `Status` the status is 302 if there is a `Location`, else 200. The reason phrase is left in
/// the extensions ([`ReasonPhrase`]), hop-by-hop fields are left out, and equal lengths become one. An interim response
/// is returned like any other: another head follows it.
///
/// # Errors
///
/// When a line is not a header field, `Status` is no status, or the `content-length` fields differ or are no number.
/// Also when the block has more than 64 KiB, which is what lighttpd takes, or 256 fields. `input` is then as it was.
pub fn parse_head(input: &mut BytesMut) -> Result<Option<Parts>, InvalidHead> {
    let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let (size, mut headers) = match httparse::parse_headers(input, &mut fields) {
        Ok(httparse::Status::Complete((size, _))) if size > MAX_SIZE => {
            return Err(InvalidHead::TooLarge);
        }
        Ok(httparse::Status::Complete((size, fields))) => (size, header_map(fields)?),
        Ok(httparse::Status::Partial) if input.len() >= MAX_SIZE => {
            return Err(InvalidHead::TooLarge);
        }
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err(InvalidHead::TooLarge),
        Err(_) => return Err(InvalidHead::Field),
    };

    let (status, reason) = take_status(&mut headers)?;
    take_hop_by_hop(&mut headers);
    if let Some(length) =
        content_length::of_fields(&headers).map_err(|_| InvalidHead::ContentLength)?
    {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }

    let (mut parts, ()) = Response::new(()).into_parts();
    parts.status = status;
    parts.headers = headers;
    if let Some(reason) = reason {
        parts.extensions.insert(reason);
    }
    input.advance(size);
    Ok(Some(parts))
}

/// A header block that is invalid, or is larger than a web server takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidHead {
    /// A line is not a header field: `name: value`, without folding and without control characters.
    Field,
    /// `Status` is not three digits and words, or is there twice.
    Status,
    /// The `content-length` fields differ, or one is not a number.
    ContentLength,
    /// There are more bytes or fields than allowed.
    TooLarge,
}

impl fmt::Display for InvalidHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field => f.write_str("a line of the header block is not a field"),
            Self::Status => f.write_str("the status is not one number of three digits"),
            Self::ContentLength => f.write_str("content-length is not one number"),
            Self::TooLarge => write!(
                f,
                "the header block is larger than {MAX_SIZE} bytes or {MAX_FIELDS} fields"
            ),
        }
    }
}

impl std::error::Error for InvalidHead {}

fn header_map(fields: &[httparse::Header<'_>]) -> Result<HeaderMap, InvalidHead> {
    let mut headers = HeaderMap::with_capacity(fields.len());
    for field in fields {
        let name = HeaderName::from_bytes(field.name.as_bytes());
        let value = HeaderValue::from_bytes(field.value);
        let (Ok(name), Ok(value)) = (name, value) else {
            return Err(InvalidHead::Field);
        };
        headers.append(name, value);
    }
    Ok(headers)
}

fn take_status(headers: &mut HeaderMap) -> Result<(StatusCode, Option<ReasonPhrase>), InvalidHead> {
    // Front ends differ in which of two they take.
    if headers.get_all(STATUS).iter().count() > 1 {
        return Err(InvalidHead::Status);
    }
    let Some(status) = headers.remove(STATUS) else {
        // RFC 3875, 6.2.3 and 6.2.4: a location without a status is a redirect.
        let is_redirect = headers.contains_key(LOCATION);
        let status = if is_redirect {
            StatusCode::FOUND
        } else {
            StatusCode::OK
        };
        return Ok((status, None));
    };
    let (code, rest) = status
        .as_bytes()
        .split_first_chunk::<3>()
        .ok_or(InvalidHead::Status)?;
    if !matches!(rest.first(), None | Some(b' ' | b'\t')) {
        return Err(InvalidHead::Status);
    }
    let code = StatusCode::from_bytes(code).map_err(|_| InvalidHead::Status)?;
    Ok((code, ReasonPhrase::new(rest.trim_ascii().to_vec())))
}

/// A web server has its own connection to the client, of which the application knows nothing.
fn take_hop_by_hop(headers: &mut HeaderMap) {
    let hop_by_hop = HopByHop::new(headers);
    let names: Vec<_> = headers
        .keys()
        .filter(|&name| name != CONTENT_LENGTH && hop_by_hop.contains(name.as_str()))
        .cloned()
        .collect();
    for name in names {
        headers.remove(name);
    }
}

const STATUS: &str = "status";

/// What lighttpd takes; nginx stops at one page, Apache at 8 KiB for one line.
const MAX_SIZE: usize = 64 * 1024;

/// Enough for every application met: h2o stops at 100.
const MAX_FIELDS: usize = 256;
