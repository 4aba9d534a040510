//! Bodies: what the web server sends as actix's payload, what the application sends as an [`http_body::Body`].

use std::{
    error::Error as StdError,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use actix_http::{
    Payload,
    body::{BodySize, MessageBody},
    error::PayloadError,
};
use bytes::Bytes;
use fastcgi_tower::{BoxError, Error, Incoming};
use futures_core::Stream;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

/// The payload of a request. It takes from the socket what the application asks for, and no more than a window besides.
pub(crate) fn payload(body: Incoming) -> Payload {
    if body.is_end_stream() {
        return Payload::None;
    }
    Payload::Stream {
        payload: Box::pin(PayloadStream(body)),
    }
}

struct PayloadStream(Incoming);

impl Stream for PayloadStream {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let frame = ready!(Pin::new(&mut self.0).poll_frame(cx));
        // FastCGI has no trailers: every frame is data.
        let data = |frame: Frame<Bytes>| frame.into_data().unwrap_or_default();
        Poll::Ready(frame.map(|frame| frame.map(data).map_err(payload_error)))
    }
}

/// As over HTTP, where a client that goes away leaves its request incomplete.
fn payload_error(error: Error) -> PayloadError {
    PayloadError::Incomplete(Some(io::Error::new(io::ErrorKind::UnexpectedEof, error)))
}

pin_project! {
    /// The body of a response, passed on piece by piece.
    pub(crate) struct ResponseBody<B> {
        #[pin]
        body: B,
        // Bytes still to come, where the body knows. Its own word is not asked again: not all bodies keep count.
        left: Option<u64>,
    }
}

impl<B: MessageBody> ResponseBody<B> {
    pub(crate) fn new(body: B) -> Self {
        let left = match body.size() {
            BodySize::None => Some(0),
            BodySize::Sized(length) => Some(length),
            BodySize::Stream => None,
        };
        Self { body, left }
    }
}

impl<B: MessageBody> Body for ResponseBody<B> {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.project();
        let data = match ready!(this.body.poll_next(cx)) {
            Some(Ok(data)) => data,
            Some(Err(error)) => return Poll::Ready(Some(Err(send(&*error.into())))),
            None => return Poll::Ready(None),
        };
        if let Some(left) = this.left {
            *left = left.saturating_sub(data.len() as u64);
        }
        Poll::Ready(Some(Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == Some(0)
    }

    fn size_hint(&self) -> SizeHint {
        self.left
            .map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

/// Errors of actix need not be `Send`: what goes on is the message.
pub(crate) fn send(error: &dyn StdError) -> BoxError {
    error.to_string().into()
}
