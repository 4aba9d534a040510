//! From a request to the head of its response.

use std::{
    fmt, mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::{Bytes, BytesMut};
use http::{Method, Response, response};
use http_body::Body;

use super::error::{ClientError, Kind};
use super::{
    ClientBody, Piece,
    call::{Call, Outbound},
    pool::Pool,
    start::Start,
};
use crate::error::BoxError;

/// The future of a [`Client`](super::Client): connects, sends the request and waits for the head of the response.
///
/// Dropping it closes the connection.
#[must_use = "futures do nothing unless polled"]
pub struct ClientFuture<B> {
    method: Method,
    /// What has arrived of the head.
    head: BytesMut,
    /// How long `head` was when its end was last looked for in vain.
    searched: usize,
    stage: Stage<B>,
}

/// ```text
/// Starting ──something has left──▶ Calling ──the head──▶ Done
/// ```
enum Stage<B> {
    Starting(Start<B>),
    Calling(Box<Call<B>>),
    Done,
}

impl<B> ClientFuture<B> {
    pub(super) fn new(pool: Arc<Pool>, method: Method, outbound: Box<Outbound<B>>) -> Self {
        Self {
            method,
            head: BytesMut::new(),
            searched: 0,
            stage: Stage::Starting(Start::new(pool, outbound)),
        }
    }

    /// The head, once it is whole. What follows it is left in `self.head`.
    fn take_head(&mut self, data: &[u8]) -> Result<Option<response::Parts>, ClientError> {
        self.head.extend_from_slice(data);
        // Lines are few. Without the end of one, twice the length is waited for: a head may come byte by byte.
        if !data.contains(&b'\n') && self.head.len() < 2 * self.searched {
            return Ok(None);
        }
        loop {
            let head = proto::client::parse_head(&mut self.head);
            match head.map_err(|error| ClientError::new(Kind::InvalidHead(error)))? {
                // The web server has answered an `expect: 100-continue` itself, by reading the body.
                Some(head) if head.status.is_informational() => {
                    tracing::debug!(status = %head.status, "dropping an interim response");
                }
                None => {
                    self.searched = self.head.len();
                    return Ok(None);
                }
                head => return Ok(head),
            }
        }
    }
}

impl<B> ClientFuture<B>
where
    B: Body<Error: Into<BoxError>>,
{
    fn poll_head(
        &mut self,
        cx: &mut Context<'_>,
        call: &mut Call<B>,
    ) -> Poll<Result<response::Parts, ClientError>> {
        loop {
            match ready!(call.poll_piece(cx))? {
                Piece::Stdout(data) => {
                    if let Some(head) = self.take_head(&data)? {
                        return Poll::Ready(Ok(head));
                    }
                }
                Piece::Stderr(data) => call.put_stderr(&data),
                Piece::End { .. } => return Poll::Ready(Err(ClientError::new(Kind::NoHead))),
            }
        }
    }

    fn respond(&mut self, head: response::Parts, call: Box<Call<B>>) -> Response<ClientBody<B>> {
        let received: Bytes = mem::take(&mut self.head).freeze();
        let body = ClientBody::new(&head, &self.method, received, call);
        Response::from_parts(head, body)
    }
}

impl<B> Future for ClientFuture<B>
where
    B: Body<Error: Into<BoxError>>,
{
    type Output = Result<Response<ClientBody<B>>, ClientError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        loop {
            // What is not put back is dropped, and with it the connection.
            match mem::replace(&mut this.stage, Stage::Done) {
                Stage::Starting(mut start) => match start.poll(cx) {
                    Poll::Pending => {
                        this.stage = Stage::Starting(start);
                        return Poll::Pending;
                    }
                    Poll::Ready(call) => this.stage = Stage::Calling(call?),
                },
                Stage::Calling(mut call) => match this.poll_head(cx, &mut call) {
                    Poll::Pending => {
                        this.stage = Stage::Calling(call);
                        return Poll::Pending;
                    }
                    Poll::Ready(Ok(head)) => return Poll::Ready(Ok(this.respond(head, call))),
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                },
                Stage::Done => panic!("polled after completion"),
            }
        }
    }
}

impl<B> fmt::Debug for ClientFuture<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientFuture")
            .field("method", &self.method)
            .finish_non_exhaustive()
    }
}
