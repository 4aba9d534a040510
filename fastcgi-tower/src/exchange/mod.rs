//! The level below HTTP: a role, params and streams in; bytes out.
//!
//! A service of [`Exchange`]s answers what FastCGI carries, without HTTP in between: CGI-style programs, Authorizers and
//! Filters use it, and so does [`HttpService`](crate::HttpService), which makes HTTP of it.

mod alarm;
mod alone;
mod body;
mod chunks;
mod connection_id;
mod handle;
mod inlet;
mod queue;
mod read;
mod sender;
mod stdout;

use std::borrow::Cow;

use bytes::BytesMut;
use http_body::Body;
use proto::{
    Params,
    cgi::{BodyLength, Mapping},
    record::Role,
};
use tower_service::Service;

pub(crate) use self::{
    alarm::{CallAlarm, ConnectionAlarm},
    inlet::Inlet,
    queue::Cost,
};
pub use self::{
    body::Incoming,
    connection_id::ConnectionId,
    handle::RequestHandle,
    stdout::{Stdout, StdoutBody},
};
use crate::{counters::Outcome, error::BoxError};

/// A FastCGI request.
#[derive(Debug)]
#[non_exhaustive]
pub struct Exchange {
    /// What the web server wants from us.
    pub role: Role,
    /// Whether the web server keeps the connection open after this request.
    pub keep_conn: bool,
    /// What the web server knows about the request.
    pub params: Params,
    /// The request body. Empty for an Authorizer.
    pub stdin: Incoming,
    /// The file that a Filter works on. Empty for other roles.
    pub data: Incoming,
    /// The way to the web server's log and to the exit status.
    pub handle: RequestHandle,
    /// Whether the params are the environment of this process, which was started as a CGI program for this one request.
    pub is_plain_cgi: bool,
}

impl Exchange {
    /// `mapping` for these params: that of a CGI program where they are its environment.
    pub fn mapping<'a>(&self, mapping: &'a Mapping) -> Cow<'a, Mapping> {
        if self.is_plain_cgi {
            Cow::Owned(mapping.clone().cgi(true))
        } else {
            Cow::Borrowed(mapping)
        }
    }
}

/// The answer to an [`Exchange`]: what is written to `FCGI_STDOUT`.
///
/// Web servers want a CGI header block first (RFC 3875, 6): `Status: 200 OK`, fields, an empty line.
///
/// [`Reply::streaming`] is for handlers that write all of it themselves.
#[derive(Debug)]
#[non_exhaustive]
pub struct Reply<B> {
    /// The header block. It leaves together with the first bytes of the body, or at once if the body has none yet. As
    /// long as it has not left, a failure of the body is answered with a status of 500. Empty, if the body begins with it,
    /// or if the response is to have none.
    pub head: BytesMut,
    /// How much of the body is sent. What comes on top is cut off, and a body that ends before has failed.
    pub length: BodyLength,
    /// What follows.
    pub body: B,
    /// What became of the request when all of this is sent.
    pub(crate) outcome: Outcome,
}

impl<B> Reply<B> {
    /// An answer of a header block and all that follows.
    pub fn new(head: impl Into<BytesMut>, body: B) -> Self {
        Self {
            head: head.into(),
            length: BodyLength::Unknown,
            body,
            outcome: Outcome::Completed,
        }
    }

    /// The same, with a body of this length.
    #[must_use]
    pub fn with_length(mut self, length: BodyLength) -> Self {
        self.length = length;
        self
    }
}

/// A tower service of [`Exchange`]s: the bounds, in one word.
///
/// Implemented for every service that fits. An error before the reply is answered with a status of 500; an error of the
/// body after that truncates the response.
pub trait ExchangeService:
    Service<Exchange, Response = Reply<Self::Body>, Error: Into<BoxError>>
{
    /// The body of the replies.
    type Body: Body<Error: Into<BoxError>>;
}

impl<S, B> ExchangeService for S
where
    S: Service<Exchange, Response = Reply<B>, Error: Into<BoxError>>,
    B: Body<Error: Into<BoxError>>,
{
    type Body = B;
}
