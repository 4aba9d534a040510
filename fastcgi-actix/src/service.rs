//! An actix service, seen as a tower service.

use std::{
    fmt,
    marker::PhantomData,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
};

use actix_http::{
    HttpMessage, Request, Response,
    body::{BoxBody, EitherBody, MessageBody},
};
use actix_web::Error;
use fastcgi_tower::{BoxError, Exchange, FromExchange, InvalidRequest, Mapping, Params, Role};
use pin_project_lite::pin_project;

use crate::{
    body::{self, ResponseBody},
    head::{self, ActixHead},
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

/// A request as actix has it, of its own type for the sake of the traits that are not this crate's.
pub(crate) struct ActixRequest(Request);

impl FromExchange for ActixRequest {
    type Head = ActixHead;

    fn head(mapping: &Mapping, params: &Params) -> Result<ActixHead, InvalidRequest> {
        head::request(mapping, params)
    }

    fn method(head: &ActixHead) -> http::Method {
        head.method.clone()
    }

    fn from_exchange(head: ActixHead, exchange: Exchange) -> Self {
        let mut request = Request::from(head.message);
        *request.payload() = body::payload(exchange.stdin);
        {
            let mut extensions = request.extensions_mut();
            extensions.insert(exchange.params);
            extensions.insert(head.script_name);
            extensions.insert(exchange.handle);
            if exchange.role != Role::RESPONDER {
                extensions.insert(exchange.role);
            }
        }
        Self(request)
    }
}

impl<S, B> tower_service::Service<ActixRequest> for ActixService<S, B>
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

    fn call(&mut self, ActixRequest(request): ActixRequest) -> Self::Future {
        ResponseFuture {
            future: self.service.call(request),
            body: PhantomData,
        }
    }
}

pin_project! {
    pub(crate) struct ResponseFuture<F, B> {
        #[pin]
        future: F,
        body: PhantomData<fn() -> B>,
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
        let response = match ready!(self.project().future.poll(cx)) {
            Ok(response) => response.into().map_body(|_, body| EitherBody::left(body)),
            Err(error) => {
                let response: Response<BoxBody> = error.into().error_response().into();
                response.map_body(|_, body| EitherBody::right(body))
            }
        };
        Poll::Ready(http_response(response))
    }
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
