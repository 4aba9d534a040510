//! The body of an application's response.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{Method, StatusCode, header::CONTENT_LENGTH, response};
use http_body::{Body, Frame, SizeHint};

use super::error::{ClientError, Kind};
use super::{Piece, call::Call};
use crate::error::BoxError;

/// The body of an application's response, as it arrives.
///
/// It streams, with back-pressure: the connection is read only when the body is polled. What is left of the request's
/// body, `B`, is sent meanwhile. At its end the connection is kept for another request. To drop it earlier closes the
/// connection, so that the application sees that its response is not awaited any more.
///
/// It fails when the application breaks off ([`ClientError::is_incomplete_response`]), and when it is late
/// ([`ClientError::is_timeout`]).
pub struct ClientBody<B> {
    /// What was read with the head or with an earlier part; never empty.
    ready: Option<Bytes>,
    rest: Rest<B>,
    length: Length,
    app_status: Option<u32>,
}

/// What comes after `ready`.
enum Rest<B> {
    Arriving(Box<Call<B>>),
    Failed(ClientError),
    Nothing,
}

/// How much the head announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Length {
    /// No body belongs to this response, whatever the application sends.
    NoBody,
    /// So many bytes more.
    Left(u64),
    Unknown,
}

impl Length {
    fn new(head: &response::Parts, method: &Method) -> Self {
        let is_without_body = method == Method::HEAD
            || matches!(
                head.status,
                StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED
            );
        if is_without_body {
            return Self::NoBody;
        }
        // The head was parsed with one length or none.
        let length = head.headers.get(CONTENT_LENGTH);
        let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
        length.map_or(Self::Unknown, Self::Left)
    }
}

impl<B> ClientBody<B> {
    /// The body that follows `head`, which `received` came with.
    pub(super) fn new(
        head: &response::Parts,
        method: &Method,
        received: Bytes,
        call: Box<Call<B>>,
    ) -> Self {
        let mut body = Self {
            ready: None,
            rest: Rest::Arriving(call),
            length: Length::new(head, method),
            app_status: None,
        };
        body.push(received);
        body.look_ahead();
        body
    }

    /// The status that the application gave at the end (specification, 5.5), which is 0 for success with most of them. `None`
    /// until the end has arrived.
    pub fn app_status(&self) -> Option<u32> {
        self.app_status
    }

    /// A part of the response. Parts that have no place in it are dropped.
    fn push(&mut self, data: Bytes) {
        if self.length != Length::NoBody && !data.is_empty() {
            self.ready = Some(data);
        }
    }

    /// Sees whether the end has been read already: HTTP servers drop a body that has reached its `content-length`, and
    /// never ask for its end.
    fn look_ahead(&mut self) {
        while self.ready.is_none() {
            let Rest::Arriving(call) = &mut self.rest else {
                return;
            };
            match call.next_piece() {
                Ok(None) => return,
                Ok(Some(piece)) => self.take(piece),
                Err(error) => self.rest = Rest::Failed(error),
            }
        }
    }

    fn take(&mut self, piece: Piece) {
        match piece {
            Piece::Stdout(data) => self.push(data),
            Piece::Stderr(data) => {
                if let Rest::Arriving(call) = &mut self.rest {
                    call.put_stderr(&data);
                }
            }
            Piece::End { app_status } => {
                self.app_status = Some(app_status);
                self.end();
            }
        }
    }

    fn end(&mut self) {
        let unread = self.ready.as_ref().map_or(0, Bytes::len) as u64;
        let rest = match self.length {
            Length::Left(left) if left > unread => {
                Rest::Failed(ClientError::new(Kind::IncompleteResponse(None)))
            }
            _ => Rest::Nothing,
        };
        if let Rest::Arriving(call) = std::mem::replace(&mut self.rest, rest) {
            call.finish();
        }
    }
}

impl<B> Body for ClientBody<B>
where
    B: Body<Error: Into<BoxError>>,
{
    type Data = Bytes;
    type Error = ClientError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ClientError>>> {
        let this = &mut *self;
        while this.ready.is_none() {
            let Rest::Arriving(call) = &mut this.rest else {
                break;
            };
            match ready!(call.poll_piece(cx)) {
                Ok(piece) => this.take(piece),
                Err(error) => this.rest = Rest::Failed(error),
            }
        }
        let Some(data) = this.ready.take() else {
            return match std::mem::replace(&mut this.rest, Rest::Nothing) {
                Rest::Failed(error) => Poll::Ready(Some(Err(error))),
                Rest::Arriving(_) | Rest::Nothing => Poll::Ready(None),
            };
        };
        if let Length::Left(left) = &mut this.length {
            *left = left.saturating_sub(data.len() as u64);
        }
        this.look_ahead();
        Poll::Ready(Some(Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        self.ready.is_none() && matches!(self.rest, Rest::Nothing)
    }

    fn size_hint(&self) -> SizeHint {
        match (self.length, &self.rest) {
            (Length::Left(left), _) => SizeHint::with_exact(left),
            (Length::Unknown, Rest::Nothing) => {
                SizeHint::with_exact(self.ready.as_ref().map_or(0, Bytes::len) as u64)
            }
            // The length of a body that is not sent is unknown: it must not be taken for 0.
            (Length::NoBody | Length::Unknown, _) => SizeHint::default(),
        }
    }
}

impl<B> Drop for ClientBody<B> {
    fn drop(&mut self) {
        // All that was wanted may have been read, and only the end be missing.
        let Rest::Arriving(call) = &mut self.rest else {
            return;
        };
        if self.ready.is_none() && call.has_ended() {
            self.end();
        }
    }
}

impl<B> fmt::Debug for ClientBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBody")
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}
