//! HTTP responses as replies to exchanges.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::BytesMut;
use http::{Method, Response, StatusCode, header::CONTENT_TYPE};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use proto::{
    Params,
    cgi::{self, BodyLength, InvalidRequest, RequestHead, ResponseMapping},
};

use crate::{counters::Outcome, exchange::Reply};

/// What the reply to a valid request depends on.
///
/// [`HttpService`](crate::HttpService) uses it, and so do facades of HTTP libraries that have request types of their own.
#[derive(Clone, Debug)]
pub struct ReplyTo {
    method: Method,
    mapping: ResponseMapping,
}

impl ReplyTo {
    /// For a request with this head, made of these params.
    pub fn new(head: &RequestHead<'_>, params: &Params) -> Self {
        Self {
            method: head.method.clone(),
            mapping: head.response_mapping(params),
        }
    }

    /// The reply with this response. A response that cannot be sent is logged, and replaced by one with status 500, or 501
    /// for an interim one.
    pub fn reply<B: Body>(&self, response: Response<B>) -> Reply<ResponseBody<B>> {
        let (parts, body) = response.into_parts();
        //
        if parts.headers.values().any(|value| value.len() > MAX_LINE) {
            tracing::warn!("a header of a response has over {MAX_LINE} bytes; Apache answers 500");
        }
        let exact = body.size_hint().exact();
        let mut head = BytesMut::with_capacity(USUAL_HEAD);
        match self
            .mapping
            .write_head(&parts, &self.method, exact, &mut head)
        {
            Ok(length) => {
                if !length.is_over() && !parts.headers.contains_key(CONTENT_TYPE) {
                    // RFC 3875, 6.3.1
                    tracing::debug!(
                        "a response with a body has no content-type; Yaws drops the body"
                    );
                }
                Reply::new(head, ResponseBody { body: Some(body) }).with_length(length)
            }
            Err(error) => {
                tracing::error!(%error, "refusing to send a response");
                refusal(error.status(), Some(&self.method))
            }
        }
    }
}

/// A request that is invalid, and is answered without the application.
///
/// For [`HttpService`](crate::HttpService), and for facades of HTTP libraries that have request types of their own.
#[derive(Clone, Debug)]
pub struct RefusedRequest {
    /// `None` when it is invalid, too.
    method: Option<Method>,
    error: InvalidRequest,
}

impl RefusedRequest {
    /// A request with these params, which are invalid because of `error`.
    pub fn new(params: &Params, error: InvalidRequest) -> Self {
        let method = params.get("REQUEST_METHOD");
        Self {
            method: method.and_then(|method| Method::from_bytes(method).ok()),
            error,
        }
    }

    /// The reply with the error's status. It is logged: as a warning where the web server's configuration is to blame.
    pub fn reply<B>(&self) -> Reply<ResponseBody<B>> {
        let error = &self.error;
        if error.is_ambiguous() {
            tracing::warn!(%error, "refusing a request");
        } else {
            tracing::debug!(%error, "refusing a request");
        }
        Reply {
            outcome: Outcome::Refused,
            ..refusal(error.status(), self.method.as_ref())
        }
    }
}

fn refusal<B>(status: StatusCode, method: Option<&Method>) -> Reply<ResponseBody<B>> {
    let mut head = BytesMut::new();
    cgi::write_refusal(status, method, &mut head);
    Reply::new(head, ResponseBody { body: None }).with_length(BodyLength::None)
}

/// Room for the head of a response with a few fields.
const USUAL_HEAD: usize = 512;

/// Apache reads lines of up to 8191 bytes.
const MAX_LINE: usize = 8000;

pin_project! {
    /// The body of an HTTP response, or nothing behind a refusal.
    #[derive(Debug)]
    pub struct ResponseBody<B> {
        #[pin]
        body: Option<B>,
    }
}

impl<B: Body> Body for ResponseBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        match self.project().body.as_pin_mut() {
            Some(body) => body.poll_frame(cx),
            None => Poll::Ready(None),
        }
    }

    fn size_hint(&self) -> SizeHint {
        let hint = self.body.as_ref().map(Body::size_hint);
        hint.unwrap_or_else(|| SizeHint::with_exact(0))
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }
}
