//! An actix service, seen as a tower service.

use std::{
    fmt,
    marker::PhantomData,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
};

use actix_http::{
    Extensions, HttpMessage, Request, Response,
    body::{BoxBody, EitherBody, MessageBody},
};
use actix_web::Error;
use fastcgi_tower::{BoxError, Handle, Incoming, Params, Role, ScriptName};
use pin_project_lite::pin_project;

use crate::{
    body::{self, ResponseBody},
    head,
};

/// One worker's application. Clones share it: nothing of it leaves the worker's thread.
pub(crate) struct ActixService<S, B> {
    service: Rc<S>,
    body: PhantomData<fn() -> B>,
}

impl<S, B> ActixService<S, B> {
    pub(crate) fn new(service: S) -> Self {
        Self {
            service: Rc::new(service),
            body: PhantomData,
        }
    }
}

impl<S, B> Clone for ActixService<S, B> {
    fn clone(&self) -> Self {
        Self {
            service: Rc::clone(&self.service),
            body: PhantomData,
        }
    }
}

impl<S, B> tower_service::Service<http::Request<Incoming>> for ActixService<S, B>
where
    S: actix_service::Service<Request>,
    S::Error: Into<Error>,
    S::Response: Into<Response<B>>,
    B: MessageBody + 'static,
{
    type Response = http::Response<ResponseBody<EitherBody<B>>>;
    type Error = BoxError;
    type Future = ResponseFuture<S::Future, B>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        let readiness = self.service.poll_ready(cx);
        readiness.map_err(|error| body::send(&error.into()))
    }

    fn call(&mut self, request: http::Request<Incoming>) -> Self::Future {
        match actix_request(request) {
            Ok(request) => ResponseFuture::Called {
                future: self.service.call(request),
                body: PhantomData,
            },
            Err(error) => {
                tracing::debug!(%error, "refusing a request that actix-http cannot hold");
                ResponseFuture::Refused
            }
        }
    }
}

fn actix_request(request: http::Request<Incoming>) -> Result<Request, BoxError> {
    let (mut parts, incoming) = request.into_parts();
    let params = parts.extensions.remove::<Params>().unwrap_or_default();
    let mut request = Request::from(head::request(&parts, &params)?);
    *request.payload() = body::payload(incoming);
    {
        let mut extensions = request.extensions_mut();
        extensions.insert(params);
        carry::<ScriptName>(&mut parts.extensions, &mut extensions);
        carry::<Handle>(&mut parts.extensions, &mut extensions);
        carry::<Role>(&mut parts.extensions, &mut extensions);
    }
    Ok(request)
}

fn carry<T: Clone + Send + Sync + 'static>(from: &mut http::Extensions, to: &mut Extensions) {
    if let Some(value) = from.remove::<T>() {
        to.insert(value);
    }
}

pin_project! {
    #[project = ResponseFutureProj]
    pub(crate) enum ResponseFuture<F, B> {
        Called { #[pin] future: F, body: PhantomData<fn() -> B> },
        Refused,
    }
}

impl<F, R, E, B> Future for ResponseFuture<F, B>
where
    F: Future<Output = Result<R, E>>,
    R: Into<Response<B>>,
    E: Into<Error>,
    B: MessageBody + 'static,
{
    type Output = Result<http::Response<ResponseBody<EitherBody<B>>>, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let response = match self.project() {
            ResponseFutureProj::Called { future, .. } => match ready!(future.poll(cx)) {
                Ok(response) => response.into().map_body(|_, body| EitherBody::left(body)),
                Err(error) => right(error.into().error_response().into()),
            },
            ResponseFutureProj::Refused => right(Response::bad_request()),
        };
        Poll::Ready(http_response(response))
    }
}

/// A response other than the application's own.
fn right<B>(response: Response<BoxBody>) -> Response<EitherBody<B>> {
    response.map_body(|_, body| EitherBody::right(body))
}

fn http_response<B: MessageBody>(
    response: Response<B>,
) -> Result<http::Response<ResponseBody<B>>, BoxError> {
    let parts = head::response(response.head(), response.body().size())?;
    let body = ResponseBody::new(response.into_body());
    Ok(http::Response::from_parts(parts, body))
}

impl<S, B> fmt::Debug for ActixService<S, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActixService").finish_non_exhaustive()
    }
}
