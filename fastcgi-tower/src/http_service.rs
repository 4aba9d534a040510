//! HTTP on top of exchanges: a tower service of HTTP requests, seen as a service of [`Exchange`]s.

use std::{
    fmt,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes, BytesMut};
use http::{Method, Request, Response, StatusCode, header::CONTENT_TYPE, request};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use proto::{
    Params,
    cgi::{self, BodyFraming, InvalidRequest, Mapping, ResponseMapping},
    record::Role,
};
use tower_service::Service;

use crate::{BoxError, Exchange, Incoming, Reply};

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
        mapping.request(params)
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
        Ok(framing) => {
            let body = ResponseBody::new(framing, body);
            if tracing::enabled!(tracing::Level::DEBUG)
                && body.may_have_data()
                && !parts.headers.contains_key(CONTENT_TYPE)
            {
                // RFC 3875, 6.3.1
                tracing::debug!("a response with a body has no content-type; Yaws drops the body");
            }
            Reply::new(head, body)
        }
        Err(error) => {
            tracing::error!(%error, "refusing to send a response");
            refusal(error.status(), Some(&context.method))
        }
    }
}

fn refusal<B>(status: StatusCode, method: Option<&Method>) -> Reply<ResponseBody<B>> {
    let mut head = BytesMut::new();
    cgi::write_refusal(status, method, &mut head);
    Reply::new(head, ResponseBody::none())
}

pin_project! {
    /// The body of an HTTP response, held to the length that its head announced (R-7).
    ///
    /// What comes on top of that length is not sent, because a web server would take it for the next response. A body
    /// that ends before it fails.
    #[derive(Debug)]
    pub struct ResponseBody<B> {
        // None when nothing may follow the head (R-8): the body is dropped without being polled.
        #[pin]
        body: Option<B>,
        // Bytes still to send, where the head announces a length.
        left: Option<u64>,
    }
}

impl<B> ResponseBody<B> {
    fn none() -> Self {
        Self {
            body: None,
            left: None,
        }
    }

    fn new(framing: BodyFraming, body: B) -> Self {
        let left = match framing {
            BodyFraming::Exactly(length) => Some(length),
            BodyFraming::Unknown => None,
            // Also what a later version of the framing may bring: nothing is safe everywhere.
            _ => return Self::none(),
        };
        Self {
            body: Some(body),
            left,
        }
    }
}

impl<B> ResponseBody<B> {
    fn may_have_data(&self) -> bool {
        self.body.is_some() && self.left != Some(0)
    }
}

impl<B> Body for ResponseBody<B>
where
    B: Body<Error: Into<BoxError>>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let mut this = self.project();
        let Some(mut body) = this.body.as_mut().as_pin_mut() else {
            return Poll::Ready(None);
        };
        loop {
            if *this.left == Some(0) {
                return Poll::Ready(None);
            }
            let failure = match ready!(body.as_mut().poll_frame(cx)) {
                Some(Ok(frame)) => match data(frame) {
                    Some(data) => return Poll::Ready(Some(Ok(Frame::data(cut(data, this.left))))),
                    None => continue,
                },
                None if this.left.is_none() => return Poll::Ready(None),
                None => BoxError::from(ShortBody),
                Some(Err(error)) => error.into(),
            };
            this.body.set(None);
            return Poll::Ready(Some(Err(failure)));
        }
    }

    /// Exact where the head announces a length.
    fn size_hint(&self) -> SizeHint {
        self.left
            .map_or_else(SizeHint::default, SizeHint::with_exact)
    }

    fn is_end_stream(&self) -> bool {
        match (&self.body, self.left) {
            (None, _) => true,
            // A body at its end with bytes still to send is too short, and has to be polled to say so.
            (Some(_), Some(left)) => left == 0,
            (Some(body), None) => body.is_end_stream(),
        }
    }
}

/// The bytes of a frame, if there are any. Trailers have no place in a CGI response (R-15).
fn data<D: Buf>(frame: Frame<D>) -> Option<Bytes> {
    match frame.into_data() {
        Ok(mut data) if data.has_remaining() => Some(data.copy_to_bytes(data.remaining())),
        Ok(_) => None,
        Err(_) => {
            tracing::debug!("dropping the trailers of a response");
            None
        }
    }
}

fn cut(mut data: Bytes, left: &mut Option<u64>) -> Bytes {
    if let Some(left) = left {
        let room = usize::try_from(*left).unwrap_or(usize::MAX);
        if data.len() > room {
            tracing::error!("cutting a response body that is longer than its content-length");
            data.truncate(room);
        }
        *left -= data.len() as u64;
    }
    data
}

/// A body that ended before its announced length.
#[derive(Debug)]
struct ShortBody;

impl fmt::Display for ShortBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the response body is shorter than its content-length")
    }
}

impl std::error::Error for ShortBody {}
