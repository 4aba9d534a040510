//! The request of a blocking handler.

use std::{
    fmt,
    io::{self, BufRead, Read, Write},
    ops::Deref,
};

use bytes::{Buf, Bytes};
use http_body::Body;
use proto::Params;
use tokio::sync::{mpsc, oneshot};

use super::{
    body::{AnyBody, BlockingBody, any},
    park::block_on,
    response::Failure,
    writer::{Outlet, Writer},
};
use crate::{error::BoxError, exchange::RequestHandle};

/// A request: its head, what the web server knows besides, and its body to read.
///
/// Reading fails with `ConnectionAborted` once the client has left, and with `UnexpectedEof` where the body ends before its
/// announced length.
pub struct Request {
    head: http::Request<()>,
    params: Params,
    handle: Option<RequestHandle>,
    body: AnyBody,
    rest: Bytes,
    /// How the body failed: it fails so again.
    failure: Option<io::ErrorKind>,
    /// A body that has ended must not be asked again.
    has_ended: bool,
    pub(super) answer: Answer,
}

/// What became of the response.
pub(super) enum Answer {
    NotBegun(oneshot::Sender<Result<http::Response<BlockingBody>, Failure>>),
    Begun(mpsc::Sender<Result<Bytes, BoxError>>),
    /// Nobody waits for it.
    Given,
}

impl Request {
    pub(super) fn new<B>(
        request: http::Request<B>,
        answer: oneshot::Sender<Result<http::Response<BlockingBody>, Failure>>,
    ) -> Self
    where
        B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
    {
        let (parts, body) = request.into_parts();
        Self {
            params: parts.extensions.get().cloned().unwrap_or_default(),
            handle: parts.extensions.get().cloned(),
            head: http::Request::from_parts(parts, ()),
            body: any(body),
            rest: Bytes::new(),
            failure: None,
            has_ended: false,
            answer: Answer::NotBegun(answer),
        }
    }

    /// What the web server knows about the request; nothing, if it came over plain HTTP.
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// Sends a message to the web server's log, after the head of the response (R-16): to standard error, if the request came
    /// over plain HTTP.
    pub fn stderr(&self, message: impl Into<Bytes>) {
        let message = message.into();
        match &self.handle {
            Some(handle) => handle.stderr(message),
            // A log that cannot be written is no reason to fail.
            None => drop(io::stderr().write_all(&message)),
        }
    }

    /// Whether reading the body has failed.
    pub(super) fn has_failed(&self) -> bool {
        self.failure.is_some()
    }

    /// Whether the client has left, or the web server has given the request up for another reason.
    pub fn is_aborted(&self) -> bool {
        let is_aborted = self.handle.as_ref().is_some_and(RequestHandle::is_aborted);
        // The body may know it first.
        let has_failed = self.failure == Some(io::ErrorKind::ConnectionAborted);
        is_aborted || has_failed || self.answer.is_unwanted()
    }

    /// Begins a response whose body is written: it may be written while the request is still read.
    ///
    /// ```
    /// use std::io::{self, Write};
    ///
    /// use fastcgi_tower::blocking::{Request, Response};
    ///
    /// fn echo(request: &mut Request) -> io::Result<Response> {
    ///     let mut body = request.start(http::Response::new(()))?;
    ///     io::copy(request, &mut body)?;
    ///     body.write_all(b"that was all\n")?;
    ///     body.finish()
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// With `BrokenPipe` when the client has left, and with `InvalidInput` when a response was begun already.
    pub fn start(&mut self, head: http::Response<()>) -> io::Result<Writer> {
        match std::mem::replace(&mut self.answer, Answer::Given) {
            Answer::NotBegun(answer) => {
                let (chunks, receiver) = Outlet::new();
                let response = head.map(|()| BlockingBody::written(receiver));
                answer
                    .send(Ok(response))
                    .map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
                self.answer = Answer::Begun(chunks.sender());
                Ok(Writer::new(chunks))
            }
            begun => {
                self.answer = begun;
                Err(io::Error::new(
                    io::ErrorKind::InvalidInput,
                    "the response has begun already",
                ))
            }
        }
    }
}

impl Answer {
    pub(super) fn is_unwanted(&self) -> bool {
        match self {
            Self::NotBegun(answer) => answer.is_closed(),
            Self::Begun(chunks) => chunks.is_closed(),
            Self::Given => true,
        }
    }
}

/// The head: `method()`, `uri()`, `headers()` and `extensions()`.
impl Deref for Request {
    type Target = http::Request<()>;

    fn deref(&self) -> &http::Request<()> {
        &self.head
    }
}

impl Read for Request {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(buf)?;
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Request {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.is_aborted() {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        if let Some(failure) = self.failure {
            return Err(failure.into());
        }
        while self.rest.is_empty() && !self.has_ended {
            match block_on(|cx| self.body.as_mut().poll_frame(cx)) {
                None => self.has_ended = true,
                // Trailers are of no use here.
                Some(Ok(frame)) => self.rest = frame.into_data().unwrap_or_default(),
                Some(Err(error)) => {
                    self.failure = Some(error.kind());
                    return Err(error);
                }
            }
        }
        Ok(&self.rest)
    }

    fn consume(&mut self, count: usize) {
        self.rest.advance(count);
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", self.head.method())
            .field("params", &self.params)
            .finish_non_exhaustive()
    }
}
