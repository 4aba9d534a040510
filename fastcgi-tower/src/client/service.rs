//! HTTP requests: the client as a tower service.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use http::{Method, Request, Response, header::CONTENT_LENGTH};
use http_body::Body;
use proto::Params;
use tower_service::Service;

use super::{
    Client, ClientBody, ClientError, ClientFuture, OnStderr, call::Outbound, times::Clock,
};
use crate::error::BoxError;

impl<B> Service<Request<B>> for Client
where
    B: Body<Error: Into<BoxError>>,
{
    type Response = Response<ClientBody<B>>;
    type Error = ClientError;
    type Future = ClientFuture<B>;

    /// Always ready: a request waits for its turn in its future.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ClientError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> ClientFuture<B> {
        let (mut parts, body) = request.into_parts();
        if let Some(length) = length_to_announce(&parts, &body) {
            parts.headers.insert(CONTENT_LENGTH, length.into());
        }
        let on_stderr = parts.extensions.remove::<OnStderr>();
        let outbound = Outbound {
            params: self.params(&parts),
            body: (!body.is_end_stream()).then(|| Box::pin(body)),
            role: self.role,
            stderr: on_stderr.or_else(|| self.on_stderr.clone()).into(),
            clock: Clock::start(self.times),
        };
        ClientFuture::new(Arc::clone(&self.pool), parts.method, Box::new(outbound))
    }
}

impl Client {
    fn params(&self, request: &http::request::Parts) -> Params {
        let server = request.extensions.get().unwrap_or(&*self.server);
        let extra = match request.extensions.get() {
            Some(ExtraParams(own)) => self.params.with(own),
            None => self.params.clone(),
        };
        proto::client::params(request, server, &extra)
    }
}

/// More params for one request: put this into its extensions.
///
/// They come behind all others, and in the place of those with the same names, as [`Params::with`] does.
#[derive(Clone, Debug)]
pub struct ExtraParams(Params);

impl From<Params> for ExtraParams {
    fn from(params: Params) -> Self {
        Self(params)
    }
}

/// The length of a body that does not come from an HTTP server, which would have said so in the head.
fn length_to_announce<B: Body>(request: &http::request::Parts, body: &B) -> Option<u64> {
    if request.headers.contains_key(CONTENT_LENGTH) {
        return None;
    }
    let length = body.size_hint().exact()?;
    let is_expected = matches!(request.method, Method::POST | Method::PUT | Method::PATCH);
    (length > 0 || is_expected).then_some(length)
}
