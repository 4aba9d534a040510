//! One request: the service made for it, then called with it.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll, ready},
};

use axum::{
    body::Body,
    extract::{ConnectInfo, OriginalUri, Request},
    response::Response,
};
use bytes::Bytes;
use fastcgi_tower::{BoxError, Params, ScriptName};
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::make_service::IncomingRequest;

/// Asks a make-service for each request: what [`serve`](crate::serve()) makes of an application.
#[derive(Clone, Debug)]
pub struct RequestService<M> {
    make_service: M,
}

impl<M> RequestService<M> {
    pub(crate) fn new(make_service: M) -> Self {
        Self { make_service }
    }

    /// The make-service, as [`serve`](crate::serve()) was given it.
    pub fn get_ref(&self) -> &M {
        &self.make_service
    }

    /// The make-service, as [`serve`](crate::serve()) was given it.
    pub fn get_mut(&mut self) -> &mut M {
        &mut self.make_service
    }

    /// The make-service, as [`serve`](crate::serve()) was given it.
    pub fn into_inner(self) -> M {
        self.make_service
    }
}

impl<M, S, B> Service<http::Request<B>> for RequestService<M>
where
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    M: Service<IncomingRequest, Response = S, Error = Infallible>,
    S: Service<Request, Response = Response, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = RequestServiceFuture<M::Future, S>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.make_service.poll_ready(cx)
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        // Most requests have no body, and that needs no memory.
        let mut request = request.map(|body| {
            if body.is_end_stream() {
                Body::empty()
            } else {
                Body::new(body)
            }
        });
        let params = request.extensions().get::<Params>().cloned();
        let params = params.expect("every request of `HttpService` has params");
        add_extensions(&mut request, &params);
        RequestServiceFuture {
            state: State::Making {
                future: self.make_service.call(IncomingRequest::new(params)),
                request: Some(request),
            },
        }
    }
}

/// What an application that was written for HTTP looks for.
fn add_extensions(request: &mut Request, params: &Params) {
    // C-2: for every request that has an address, whatever the make-service.
    if let Some(addr) = params.remote_addr() {
        request.extensions_mut().insert(ConnectInfo(addr));
    }
    // T-14: the router puts its own there only if there is none.
    let script_name = request.extensions().get::<ScriptName>();
    if let Some(script_name) = script_name.filter(|script_name| !script_name.is_empty()) {
        let uri = script_name.external_uri(request.uri());
        request.extensions_mut().insert(OriginalUri(uri));
    }
}

pin_project! {
    /// The future of a [`RequestService`].
    pub struct RequestServiceFuture<F, S: Service<Request>> {
        #[pin]
        state: State<F, S, S::Future>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F, S, C> {
        Making { #[pin] future: F, request: Option<Request> },
        // A service is called only when it says that it is ready.
        Made { service: S, request: Option<Request> },
        Called { #[pin] future: C },
    }
}

impl<F, S> Future for RequestServiceFuture<F, S>
where
    F: Future<Output = Result<S, Infallible>>,
    S: Service<Request, Response = Response, Error = Infallible>,
{
    type Output = Result<Response, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let next = match state.as_mut().project() {
                StateProj::Making { future, request } => {
                    let Ok(mut service) = ready!(future.poll(cx));
                    let request = request.take();
                    // Nearly all are ready at once. Of the others, the state asks again.
                    match (service.poll_ready(cx), request) {
                        (Poll::Ready(Ok(())), Some(request)) => State::Called {
                            future: service.call(request),
                        },
                        (_, request) => State::Made { service, request },
                    }
                }
                StateProj::Made { service, request } => {
                    let Ok(()) = ready!(service.poll_ready(cx));
                    let request = request.take().expect("a service is called once");
                    State::Called {
                        future: service.call(request),
                    }
                }
                StateProj::Called { future } => return future.poll(cx),
            };
            state.set(next);
        }
    }
}

impl<F, S: Service<Request>> std::fmt::Debug for RequestServiceFuture<F, S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RequestServiceFuture")
            .finish_non_exhaustive()
    }
}
