//! An actix service, seen as a service of exchanges.

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
use fastcgi_tower::{
    BoxError, Exchange, Mapping, RefusedRequest, Reply, ReplyTo, ResponseBody as ReplyBody, Role,
};
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::{
    body::{self, ResponseBody},
    head::{self, ActixHead},
    request_count::RequestCount,
};

/// One worker's application. Clones share it: nothing of it leaves the worker's thread.
pub(crate) struct ActixService<S, B> {
    service: Rc<S>,
    mapping: Mapping,
    /// Where the server stops after so many.
    requests: Option<RequestCount>,
    body: PhantomData<fn() -> B>,
}

impl<S, B> ActixService<S, B> {
    pub(crate) fn new(service: S, mapping: Mapping, requests: Option<RequestCount>) -> Self {
        Self {
            service: Rc::new(service),
            mapping,
            requests,
            body: PhantomData,
        }
    }
}

impl<S, B> Clone for ActixService<S, B> {
    fn clone(&self) -> Self {
        Self {
            service: Rc::clone(&self.service),
            mapping: self.mapping.clone(),
            requests: self.requests.clone(),
            body: PhantomData,
        }
    }
}

impl<S, B> Service<Exchange> for ActixService<S, B>
where
    S: actix_service::Service<Request>,
    S::Error: Into<Error>,
    S::Response: Into<Response<B>>,
    B: MessageBody + 'static,
{
    type Response = Reply<ReplyBody<ResponseBody<EitherBody<B>>>>;
    type Error = BoxError;
    type Future = ResponseFuture<S::Future, B>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        let readiness = self.service.poll_ready(cx);
        readiness.map_err(|error| body::send(&error.into()))
    }

    fn call(&mut self, exchange: Exchange) -> Self::Future {
        if let Some(requests) = &self.requests {
            requests.add_one();
        }
        let mapping = exchange.mapping(&self.mapping);
        let state = match head::request(&mapping, &exchange.params) {
            Ok(head) => {
                let (request, reply_to) = request(head, exchange);
                let future = self.service.call(request);
                State::Called { future, reply_to }
            }
            Err(error) => State::Refused {
                request: RefusedRequest::new(&exchange.params, error),
            },
        };
        ResponseFuture {
            state,
            body: PhantomData,
        }
    }
}

fn request(head: ActixHead, exchange: Exchange) -> (Request, ReplyTo) {
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
    (request, head.reply_to)
}

pin_project! {
    pub(crate) struct ResponseFuture<F, B> {
        #[pin]
        state: State<F>,
        body: PhantomData<fn() -> B>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F> {
        Refused { request: RefusedRequest },
        Called { #[pin] future: F, reply_to: ReplyTo },
    }
}

impl<F, R, E, B> Future for ResponseFuture<F, B>
where
    F: Future<Output = Result<R, E>>,
    R: Into<Response<B>>,
    E: Into<Error>,
    B: MessageBody + 'static,
{
    type Output = Result<Reply<ReplyBody<ResponseBody<EitherBody<B>>>>, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let (future, reply_to) = match self.project().state.project() {
            StateProj::Refused { request } => return Poll::Ready(Ok(request.reply())),
            StateProj::Called { future, reply_to } => (future, reply_to),
        };
        let response = match ready!(future.poll(cx)) {
            Ok(response) => response.into().map_body(|_, body| EitherBody::left(body)),
            Err(error) => {
                let response: Response<BoxBody> = error.into().error_response().into();
                response.map_body(|_, body| EitherBody::right(body))
            }
        };
        Poll::Ready(http_response(response).map(|response| reply_to.reply(response)))
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
