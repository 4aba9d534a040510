//! The output of a CGI function: a header block to read, and what follows it.
//!
//! It is read by the rules of the web server's half ([`parse_head`]), and written as every other response is: so a web server
//! never sees what a function got wrong, nor in which of several ways it got it right.

use std::{
    error::Error,
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Bytes, BytesMut};
use http::{Method, StatusCode, response::Parts};
use http_body::{Body, Frame};
use proto::{
    cgi::{self, BodyLength, InvalidResponse, ResponseMapping},
    client::{InvalidHead, parse_head},
};

use crate::{
    error::BoxError,
    exchange::{Exchange, Reply},
};

/// Why the output of a CGI function is no response. The client gets 500.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidOutput {
    /// The function has ended without having written anything.
    Empty,
    /// It has ended within the header block: an empty line is missing.
    Unfinished,
    /// The header block is invalid.
    Head(InvalidHead),
    /// No web server could pass the response on.
    Response(InvalidResponse),
}

impl fmt::Display for InvalidOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("a CGI function has written nothing"),
            Self::Unfinished => {
                f.write_str("the header block of a CGI function has no empty line at its end")
            }
            Self::Head(error) => error.fmt(f),
            Self::Response(error) => error.fmt(f),
        }
    }
}

impl Error for InvalidOutput {}

/// What the response depends on besides the output.
#[derive(Debug)]
pub(super) struct AnswerTo {
    is_head: bool,
    mapping: ResponseMapping,
}

impl AnswerTo {
    pub(super) fn new(exchange: &Exchange) -> Self {
        let params = &exchange.params;
        let mapping = ResponseMapping::answering(params);
        Self {
            is_head: params.get("REQUEST_METHOD") == Some(b"HEAD"),
            mapping: if exchange.is_plain_cgi {
                mapping.plain_cgi()
            } else {
                mapping
            },
        }
    }

    pub(super) fn is_head(&self) -> bool {
        self.is_head
    }

    /// The header block for a web server, and how much of a body may follow. `has_status` is whether the function gave one.
    fn write(
        &self,
        parts: &Parts,
        has_status: bool,
        head: &mut BytesMut,
    ) -> Result<BodyLength, InvalidOutput> {
        if !has_status && self.mapping.is_followed(&parts.headers) {
            let written = self.mapping.write_local_redirect(&parts.headers, head);
            return written.map_err(InvalidOutput::Response);
        }
        // Only HEAD changes how a response is framed.
        let method = if self.is_head {
            Method::HEAD
        } else {
            Method::GET
        };
        self.mapping
            .write_head(parts, &method, None, head)
            .map_err(InvalidOutput::Response)
    }
}

/// The reply to a request whose length is invalid: no CGI program is started for one (H-4).
pub(super) fn refusal<B>(exchange: &Exchange) -> Option<Reply<CgiBody<B>>> {
    let error = exchange.params.content_length().err()?;
    tracing::debug!(%error, "refusing a request");
    let method = exchange.params.get("REQUEST_METHOD");
    let method = method.and_then(|method| Method::from_bytes(method).ok());
    let mut head = BytesMut::new();
    cgi::write_refusal(StatusCode::BAD_REQUEST, method.as_ref(), &mut head);
    Some(Reply::new(head, CgiBody::whole(Bytes::new())).with_length(BodyLength::None))
}

/// The reply to the output that `body` gives, once its header block is whole.
pub(super) struct ReadHead<B> {
    answer_to: AnswerTo,
    /// `None` when the reply was given.
    body: Option<Pin<Box<B>>>,
    output: BytesMut,
}

impl<B: Body<Data = Bytes, Error = BoxError>> ReadHead<B> {
    pub(super) fn new(answer_to: AnswerTo, body: B) -> Self {
        Self {
            answer_to,
            body: Some(Box::pin(body)),
            output: BytesMut::new(),
        }
    }

    pub(super) fn poll_reply(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Reply<CgiBody<B>>, BoxError>> {
        let Some(body) = &mut self.body else {
            return Poll::Pending;
        };
        loop {
            let has_status = has_status(&self.output);
            if let Some(parts) = parse_head(&mut self.output).map_err(InvalidOutput::Head)? {
                let mut head = BytesMut::new();
                let length = self.answer_to.write(&parts, has_status, &mut head)?;
                let Some(body) = self.body.take() else {
                    return Poll::Pending;
                };
                let body = CgiBody {
                    first: std::mem::take(&mut self.output).freeze(),
                    rest: Some(body),
                };
                return Poll::Ready(Ok(Reply::new(head, body).with_length(length)));
            }
            match ready!(body.as_mut().poll_frame(cx)) {
                Some(frame) => {
                    if let Ok(data) = frame?.into_data() {
                        self.output.extend_from_slice(&data);
                    }
                }
                None if self.output.is_empty() => {
                    return Poll::Ready(Err(InvalidOutput::Empty.into()));
                }
                None => return Poll::Ready(Err(InvalidOutput::Unfinished.into())),
            }
        }
    }
}

/// Whether a header block has the field `Status`, which [`parse_head`] takes out.
fn has_status(block: &[u8]) -> bool {
    block
        .split(|&byte| byte == b'\n')
        .take_while(|line| !line.trim_ascii().is_empty())
        .any(|line| {
            line.first_chunk::<7>()
                .is_some_and(|start| start.eq_ignore_ascii_case(b"Status:"))
        })
}

/// What follows the header block of a CGI function.
#[derive(Debug)]
pub struct CgiBody<B> {
    /// What came with the end of the header block.
    first: Bytes,
    /// `None` where no function was called.
    rest: Option<Pin<Box<B>>>,
}

impl<B> CgiBody<B> {
    /// A body that is complete.
    pub(super) fn whole(body: Bytes) -> Self {
        Self {
            first: body,
            rest: None,
        }
    }
}

impl<B: Body<Data = Bytes, Error = BoxError>> Body for CgiBody<B> {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if !self.first.is_empty() {
            let first = std::mem::take(&mut self.first);
            return Poll::Ready(Some(Ok(Frame::data(first))));
        }
        match &mut self.rest {
            Some(rest) => rest.as_mut().poll_frame(cx),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_empty() && self.rest.as_ref().is_none_or(|it| it.is_end_stream())
    }
}
