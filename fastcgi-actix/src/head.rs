//! Heads in actix's types, which are those of version 0.2 of the `http` crate.
//!
//! Nothing is decided here. What a param means and what a web server may be sent is decided below this crate; when actix
//! moves to `http` 1, this file goes.

use actix_http::{
    Message, RequestHead, ResponseHead, StatusCode,
    body::BodySize,
    header::{self, HeaderMap, HeaderName, HeaderValue},
    uri,
};
use bytes::Bytes;
use fastcgi_tower::{
    BoxError, FieldError, HeaderFields, InvalidRequest, Mapping, Params, ReasonPhrase, ReplyTo,
    RequestHead as CgiHead, ScriptName,
};
use http::response;

/// The head of a request for actix, and what it has no place for.
pub(crate) struct ActixHead {
    pub(crate) message: Message<RequestHead>,
    pub(crate) reply_to: ReplyTo,
    pub(crate) script_name: ScriptName,
}

/// Fills a head for actix. It comes from a pool and holds what its last request left there but for the header fields, so
/// every field is set.
pub(crate) fn request(mapping: &Mapping, params: &Params) -> Result<ActixHead, InvalidRequest> {
    let mut message = Message::<RequestHead>::new();
    let actix = &mut *message;
    let head = mapping.head(params, &mut ActixFields(&mut actix.headers))?;
    fastcgi_tower::log_head(&head);
    actix.method = actix_http::Method::from_bytes(head.method.as_str().as_bytes())
        .map_err(|_| InvalidRequest::Method)?;
    actix.uri = request_uri(&head, params, &actix.headers)?;
    actix.version = version(head.version);
    actix.peer_addr = head.remote_addr();
    Ok(ActixHead {
        message,
        reply_to: ReplyTo::new(&head, params),
        script_name: head.script_name,
    })
}

/// The map of actix: made of the types of `http` 0.2.
struct ActixFields<'a>(&'a mut HeaderMap);

impl HeaderFields for ActixFields<'_> {
    type Name = HeaderName;

    fn append(&mut self, name: HeaderName, value: Bytes) -> Result<(), FieldError> {
        let value = HeaderValue::from_maybe_shared(value).map_err(|_| FieldError::Invalid)?;
        self.0.append(name, value);
        Ok(())
    }
}

/// The path and the query; for an https client the whole URI, because that is where actix looks for the scheme.
fn request_uri(
    head: &CgiHead<'_>,
    params: &Params,
    headers: &HeaderMap,
) -> Result<uri::Uri, InvalidRequest> {
    let target = head.uri.path_and_query().map_or("/", |it| it.as_str());
    let target = uri::PathAndQuery::from_maybe_shared(part_of(params, target.as_bytes()))
        .map_err(|_| InvalidRequest::Target)?;
    let is_whole = target.as_str().starts_with('/') && head.is_https();
    if let Some(host) = headers.get(header::HOST).filter(|_| is_whole) {
        let whole = uri::Builder::new()
            .scheme(uri::Scheme::HTTPS)
            .authority(host.as_bytes())
            .path_and_query(target.clone())
            .build();
        match whole {
            Ok(whole) => return Ok(whole),
            Err(error) => tracing::debug!(%error, "the host of a request is invalid in a URI"),
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
        if name != http::header::CONTENT_LENGTH || has_length {
            let value = http::HeaderValue::from_bytes(value.as_bytes())?;
            parts.headers.try_append(name, value)?;
        }
    }
    if size == BodySize::Sized(0) && head.status != StatusCode::NOT_MODIFIED {
        // to HEAD, too. actix keeps the size of a body that is not sent, so none is the size that a GET would have.
        let zero = http::HeaderValue::from_static("0");
        parts
            .headers
            .try_insert(http::header::CONTENT_LENGTH, zero)?;
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
