//! HTTP on top of exchanges: a tower service of HTTP requests, seen as a service of [`Exchange`]s.

use std::{
    fmt,
    marker::PhantomData,
    pin::Pin,
    sync::atomic::{AtomicBool, Ordering},
    task::{Context, Poll, ready},
};

use bytes::BytesMut;
use http::{HeaderMap, Method, Request, Response, StatusCode, request};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use proto::{
    Params,
    cgi::{self, BodyLength, InvalidRequest, LeftOut, Mapping, PathRule, ResponseMapping},
    record::Role,
};
use tower_service::Service;

use crate::{
    error::BoxError,
    exchange::{Exchange, Incoming, Reply},
};

/// A request as some HTTP library has it: what becomes of an [`Exchange`].
///
/// [`http::Request`] is one. Others are for applications whose library has types of its own; they are served with
/// [`serve_as`](crate::serve_as). What params mean is decided by the [`Mapping`], whichever request is made.
///
/// ```
/// use fastcgi_tower::{Exchange, FromExchange, Incoming, InvalidRequest, Mapping, Params};
/// use http::{HeaderMap, Method};
///
/// /// The request of a library that knows methods, paths and bodies.
/// struct Upload {
///     method: Method,
///     path: String,
///     body: Incoming,
/// }
///
/// impl FromExchange for Upload {
///     type Head = (Method, String);
///
///     fn head(mapping: &Mapping, params: &Params) -> Result<Self::Head, InvalidRequest> {
///         let head = mapping.head(params, &mut HeaderMap::new())?;
///         Ok((head.method, head.uri.path().to_owned()))
///     }
///
///     fn method((method, _): &Self::Head) -> Method {
///         method.clone()
///     }
///
///     fn from_exchange((method, path): Self::Head, exchange: Exchange) -> Self {
///         Self { method, path, body: exchange.stdin }
///     }
/// }
/// ```
pub trait FromExchange: Sized {
    /// The head of such a request.
    type Head;

    /// Makes the head.
    ///
    /// # Errors
    ///
    /// When the params make no request, or none that the library can hold. It is answered for with the status of the
    /// error.
    fn head(mapping: &Mapping, params: &Params) -> Result<Self::Head, InvalidRequest>;

    /// The method of the request, on which it depends what a response may have.
    fn method(head: &Self::Head) -> Method;

    /// Makes a request of the head and what else an exchange has.
    fn from_exchange(head: Self::Head, exchange: Exchange) -> Self;
}

/// With [`Params`], [`ScriptName`](cgi::ScriptName) and [`Handle`](crate::Handle) in its extensions, and the [`Role`] when
/// it is not that of a Responder.
impl FromExchange for Request<Incoming> {
    type Head = request::Parts;

    fn head(mapping: &Mapping, params: &Params) -> Result<request::Parts, InvalidRequest> {
        let mut headers = HeaderMap::new();
        let head = mapping.head(params, &mut headers)?;
        log_head(&head);
        Ok(head.into_parts(headers, params))
    }

    fn method(head: &request::Parts) -> Method {
        head.method.clone()
    }

    fn from_exchange(mut head: request::Parts, exchange: Exchange) -> Self {
        head.extensions.insert(exchange.handle);
        if exchange.role != Role::RESPONDER {
            head.extensions.insert(exchange.role);
        }
        Self::from_parts(head, exchange.stdin)
    }
}

/// Logs what a request does not say of itself.
#[doc(hidden)]
pub fn log_head(head: &cgi::Head<'_>) {
    static HAS_NOTED: AtomicBool = AtomicBool::new(false);
    for LeftOut { name, reason, .. } in &head.left_out {
        tracing::debug!(name = %name.escape_ascii(), "leaving out a header field: {reason}");
    }
    // That is as it should be after an internal redirect, and otherwise for every request the same path.
    if head.path_rule == PathRule::N6 && !HAS_NOTED.swap(true, Ordering::Relaxed) {
        tracing::debug!(
            "SCRIPT_NAME is not a part of REQUEST_URI, and is what the application is asked for: after an internal \
             redirect, or because a script without PATH_INFO is not named .fcgi, .fcg, .cgi or index.php"
        );
    }
}

/// Turns exchanges into HTTP requests for `S`, and its HTTP responses into replies.
///
/// The requests are those of `R`. What is no HTTP request is answered with 400, 404, 414, 431 or 501 and does not reach
/// `S`.
pub struct HttpService<S, R = Request<Incoming>> {
    service: S,
    mapping: Mapping,
    response: ResponseMapping,
    request: PhantomData<fn(R)>,
}

impl<S, R> HttpService<S, R> {
    /// A service of exchanges out of a service of HTTP requests.
    pub fn new(service: S, mapping: Mapping, response: ResponseMapping) -> Self {
        Self {
            service,
            mapping,
            response,
            request: PhantomData,
        }
    }
}

impl<S: Clone, R> Clone for HttpService<S, R> {
    fn clone(&self) -> Self {
        Self::new(self.service.clone(), self.mapping.clone(), self.response)
    }
}

impl<S: fmt::Debug, R> fmt::Debug for HttpService<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpService")
            .field("service", &self.service)
            .field("mapping", &self.mapping)
            .field("response", &self.response)
            .finish()
    }
}

impl<S, R, B> Service<Exchange> for HttpService<S, R>
where
    R: FromExchange,
    S: Service<R, Response = Response<B>, Error: Into<BoxError>>,
    B: Body<Error: Into<BoxError>>,
{
    type Response = Reply<ResponseBody<B>>;
    type Error = BoxError;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.service.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, exchange: Exchange) -> Self::Future {
        let head = match R::head(&self.mapping, &exchange.params) {
            Ok(head) => head,
            Err(error) => {
                if error.is_ambiguous() {
                    tracing::warn!(%error, "refusing a request");
                } else {
                    tracing::debug!(%error, "refusing a request");
                }
                let method = exchange.params.get("REQUEST_METHOD");
                return ResponseFuture {
                    state: FutureState::Refused {
                        status: error.status(),
                        method: method.and_then(|method| Method::from_bytes(method).ok()),
                    },
                };
            }
        };
        let context = RequestContext {
            method: R::method(&head),
            response: self.response.answering(&exchange.params),
        };
        let request = R::from_exchange(head, exchange);
        ResponseFuture {
            state: FutureState::Called {
                future: self.service.call(request),
                context,
            },
        }
    }
}

/// What the response depends on, of the request.
#[derive(Debug)]
struct RequestContext {
    method: Method,
    response: ResponseMapping,
}

pin_project! {
    /// The future of an [`HttpService`].
    #[derive(Debug)]
    pub struct ResponseFuture<F> {
        #[pin]
        state: FutureState<F>,
    }
}

pin_project! {
    #[project = FutureStateProj]
    #[derive(Debug)]
    enum FutureState<F> {
        Refused { status: StatusCode, method: Option<Method> },
        Called { #[pin] future: F, context: RequestContext },
    }
}

impl<F, B, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body,
    E: Into<BoxError>,
{
    type Output = Result<Reply<ResponseBody<B>>, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            FutureStateProj::Refused { status, method } => {
                Poll::Ready(Ok(refusal(*status, method.as_ref())))
            }
            FutureStateProj::Called { future, context } => {
                let response = ready!(future.poll(cx)).map_err(Into::into)?;
                Poll::Ready(Ok(reply(response, context)))
            }
        }
    }
}

/// Room for the head of a response with a few fields.
const USUAL_HEAD: usize = 512;

/// Apache reads lines of up to 8191 bytes.
const MAX_LINE: usize = 8000;

fn reply<B: Body>(response: Response<B>, context: &RequestContext) -> Reply<ResponseBody<B>> {
    let (parts, body) = response.into_parts();
    // R-5
    if parts.headers.values().any(|value| value.len() > MAX_LINE) {
        tracing::warn!("a header of a response has over {MAX_LINE} bytes; Apache answers 500");
    }
    let exact = body.size_hint().exact();
    let mut head = BytesMut::with_capacity(USUAL_HEAD);
    match context
        .response
        .write_head(&parts, &context.method, exact, &mut head)
    {
        Ok(length) => Reply::new(head, ResponseBody { body: Some(body) }).with_length(length),
        Err(error) => {
            tracing::error!(%error, "refusing to send a response");
            refusal(error.status(), Some(&context.method))
        }
    }
}

fn refusal<B>(status: StatusCode, method: Option<&Method>) -> Reply<ResponseBody<B>> {
    let mut head = BytesMut::new();
    cgi::write_refusal(status, method, &mut head);
    Reply::new(head, ResponseBody { body: None }).with_length(BodyLength::None)
}

pin_project! {
    /// The body of an HTTP response, or nothing behind a refusal.
    #[derive(Debug)]
    pub struct ResponseBody<B> {
        #[pin]
        body: Option<B>,
    }
}

impl<B: Body> Body for ResponseBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        match self.project().body.as_pin_mut() {
            Some(body) => body.poll_frame(cx),
            None => Poll::Ready(None),
        }
    }

    fn size_hint(&self) -> SizeHint {
        let hint = self.body.as_ref().map(Body::size_hint);
        hint.unwrap_or_else(|| SizeHint::with_exact(0))
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }
}
