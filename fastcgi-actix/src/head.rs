//! Heads, from one version of the `http` crate to the other: actix-web stands on 0.2.
//!
//! Nothing is decided here. What a param means and what a web server may be sent has been decided below this crate; when
//! actix moves to `http` 1, this file goes.

use actix_http::{
    Message, RequestHead, ResponseHead, StatusCode,
    body::BodySize,
    header::{HeaderName, HeaderValue},
    uri,
};
use bytes::Bytes;
use fastcgi_tower::{BoxError, Params, ReasonPhrase};
use http::{header, request, response};

/// Fills a head for actix. It comes from a pool and holds what its last request left there, so every field is set.
pub(crate) fn request(
    parts: &request::Parts,
    params: &Params,
) -> Result<Message<RequestHead>, BoxError> {
    let mut message = Message::<RequestHead>::new();
    let head = &mut *message;
    head.method = actix_http::Method::from_bytes(parts.method.as_str().as_bytes())?;
    head.uri = request_uri(parts, params)?;
    head.version = version(parts.version);
    head.peer_addr = params.remote_addr();
    for (name, value) in &parts.headers {
        let name = HeaderName::from_lowercase(name.as_str().as_bytes())?;
        let value = HeaderValue::from_maybe_shared(part_of(params, value.as_bytes()))?;
        head.headers.append(name, value);
    }
    Ok(message)
}

/// The path and the query; for an https client the whole URI, because that is where actix looks for the scheme.
fn request_uri(parts: &request::Parts, params: &Params) -> Result<uri::Uri, BoxError> {
    let target = parts.uri.path_and_query().map_or("/", |it| it.as_str());
    let target = uri::PathAndQuery::from_maybe_shared(part_of(params, target.as_bytes()))?;
    let host = parts.headers.get(header::HOST);
    let host = host.filter(|_| params.is_https());
    if let Some(host) = host.filter(|_| target.as_str().starts_with('/')) {
        let whole = uri::Builder::new()
            .scheme(uri::Scheme::HTTPS)
            .authority(host.as_bytes())
            .path_and_query(target.clone())
            .build();
        match whole {
            Ok(whole) => return Ok(whole),
            Err(error) => tracing::debug!(%error, "the host of a request is none"),
        }
    }
    Ok(target.into())
}

fn version(version: http::Version) -> actix_http::Version {
    match version {
        http::Version::HTTP_09 => actix_http::Version::HTTP_09,
        http::Version::HTTP_10 => actix_http::Version::HTTP_10,
        http::Version::HTTP_2 => actix_http::Version::HTTP_2,
        http::Version::HTTP_3 => actix_http::Version::HTTP_3,
        _ => actix_http::Version::HTTP_11,
    }
}

/// The head of a response with a body of this size, for the driver.
pub(crate) fn response(head: &ResponseHead, size: BodySize) -> Result<response::Parts, BoxError> {
    let (mut parts, ()) = http::Response::new(()).into_parts();
    parts.status = http::StatusCode::from_u16(head.status.as_u16())?;
    if let Some(reason) = head.reason.and_then(ReasonPhrase::new) {
        parts.extensions.insert(reason);
    }
    let has_length = means_length(head, size);
    for (name, value) in &head.headers {
        let name = http::HeaderName::from_bytes(name.as_str().as_bytes())?;
        if name != header::CONTENT_LENGTH || has_length {
            let value = http::HeaderValue::from_bytes(value.as_bytes())?;
            parts.headers.try_append(name, value)?;
        }
    }
    Ok(parts)
}

/// Whether a `content-length` in the head is meant. actix-http has it overruled by what the body says of itself; what a
/// middleware that changes the body leaves in the head is the length of another body.
fn means_length(head: &ResponseHead, size: BodySize) -> bool {
    let is_length_of_stream = size == BodySize::Stream && !head.chunked();
    is_length_of_stream || head.status == StatusCode::NOT_MODIFIED
}

/// A text of a request, as a part of the params that it came from. The two versions of the `http` crate give no buffer
/// from one to the other.
fn part_of(params: &Params, text: &[u8]) -> Bytes {
    let block = params.as_bytes();
    let (whole, part) = (block.as_ptr_range(), text.as_ptr_range());
    if whole.start <= part.start && part.end <= whole.end {
        block.slice_ref(text)
    } else {
        Bytes::copy_from_slice(text)
    }
}
