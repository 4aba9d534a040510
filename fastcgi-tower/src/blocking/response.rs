//! What a blocking handler answers.

use std::{error::Error, fmt};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use proto::cgi::status_text;

use super::body::BlockingBody;
use crate::error::BoxError;

/// A response: a status, header fields and a body that is there as a whole, or the one that was
/// [written](super::Writer).
///
/// It can be made of an [`http::Response`] with a body of bytes or text.
#[derive(Debug)]
#[must_use]
pub struct Response(pub(super) Kind);

#[derive(Debug)]
pub(super) enum Kind {
    Whole(http::Response<Bytes>),
    Written,
}

impl Response {
    /// A response with status 200 and this body.
    pub fn new(body: impl Into<Bytes>) -> Self {
        Self(Kind::Whole(http::Response::new(body.into())))
    }

    pub(super) fn written() -> Self {
        Self(Kind::Written)
    }

    /// Sets the status. It is of no use for a response that was written.
    pub fn status(mut self, status: StatusCode) -> Self {
        if let Kind::Whole(response) = &mut self.0 {
            *response.status_mut() = status;
        }
        self
    }

    /// Adds a header field. It is of no use for a response that was written.
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        if let Kind::Whole(response) = &mut self.0 {
            response.headers_mut().append(name, value);
        }
        self
    }

    /// The header fields; `None` for a response that was written.
    pub fn headers(&self) -> Option<&HeaderMap> {
        match &self.0 {
            Kind::Whole(response) => Some(response.headers()),
            Kind::Written => None,
        }
    }
}

impl<T: Into<Bytes>> From<http::Response<T>> for Response {
    fn from(response: http::Response<T>) -> Self {
        Self(Kind::Whole(response.map(Into::into)))
    }
}

impl From<StatusCode> for Response {
    fn from(status: StatusCode) -> Self {
        Self::new(status_text(status)).status(status).header(
            http::header::CONTENT_TYPE,
            HeaderValue::from_static("text/plain; charset=utf-8"),
        )
    }
}

impl From<&'static str> for Response {
    fn from(text: &'static str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Response {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

/// A response of the adapter's own.
pub(super) fn plain(status: StatusCode) -> http::Response<BlockingBody> {
    match Response::from(status).0 {
        Kind::Whole(response) => response.map(BlockingBody::whole),
        Kind::Written => unreachable!("it was made whole"),
    }
}

/// Why a handler has no response.
#[derive(Debug)]
pub(super) enum Failure {
    Failed(BoxError),
    /// It failed after the body of the request had: that is the client's fault, or the web server's.
    WithBody(BoxError),
    Panicked,
    /// It returned a response after it had begun another, or one of another request.
    OtherResponse,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) | Self::WithBody(error) => error.fmt(f),
            Self::Panicked => f.write_str("a blocking handler panicked"),
            Self::OtherResponse => {
                f.write_str("a blocking handler returned another response than it has begun")
            }
        }
    }
}

impl Error for Failure {}
