//! HTTP on top of exchanges: a tower service of HTTP requests, seen as a service of [`Exchange`]s.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes, BytesMut};
use http::{Method, Request, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use proto::{
    cgi::{self, BodyFraming, Mapping, ResponseMapping},
    record::Role,
};
use tower_service::Service;

use crate::{BoxError, Exchange, Incoming, Reply};

/// Turns exchanges into HTTP requests for `S`, and its HTTP responses into replies.
///
/// Requests carry [`Params`](crate::Params), [`ScriptName`](cgi::ScriptName) and [`Handle`](crate::Handle) in their
/// extensions, and the [`Role`] when it is not that of a Responder. What is no HTTP request is answered with 400, 404,
/// 414, 431 or 501 and does not reach `S`.
#[derive(Clone, Debug)]
pub struct HttpService<S> {
    service: S,
    mapping: Mapping,
    response: ResponseMapping,
}

impl<S> HttpService<S> {
    /// A service of exchanges out of a service of HTTP requests.
    pub fn new(service: S, mapping: Mapping, response: ResponseMapping) -> Self {
        Self {
            service,
            mapping,
            response,
        }
    }
}

impl<S, B> Service<Exchange> for HttpService<S>
where
    S: Service<Request<Incoming>, Response = Response<B>, Error: Into<BoxError>>,
    B: Body<Error: Into<BoxError>>,
{
    type Response = Reply<ResponseBody<B>>;
    type Error = BoxError;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.service.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, exchange: Exchange) -> Self::Future {
        let mut parts = match self.mapping.request(&exchange.params) {
            Ok(parts) => parts,
            Err(error) => {
                tracing::debug!(%error, "refusing a request");
                let method = exchange.params.get("REQUEST_METHOD");
                return ResponseFuture {
                    state: FutureState::Refused {
                        status: error.status(),
                        method: method.and_then(|method| Method::from_bytes(method).ok()),
                    },
                };
            }
        };
        parts.extensions.insert(exchange.handle);
        if exchange.role != Role::RESPONDER {
            parts.extensions.insert(exchange.role);
        }
        let method = parts.method.clone();
        let request = Request::from_parts(parts, exchange.stdin);
        ResponseFuture {
            state: FutureState::Called {
                future: self.service.call(request),
                context: RequestContext {
                    method,
                    response: self.response,
                },
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

/// Apache reads lines of up to 8191 bytes.
const MAX_LINE: usize = 8000;

fn reply<B: Body>(response: Response<B>, context: &RequestContext) -> Reply<ResponseBody<B>> {
    let (parts, body) = response.into_parts();
    //
    if parts.headers.values().any(|value| value.len() > MAX_LINE) {
        tracing::warn!("a header of a response has over {MAX_LINE} bytes; Apache answers 500");
    }
    let exact = body.size_hint().exact();
    let mut head = BytesMut::new();
    match context
        .response
        .write_head(&parts, &context.method, exact, &mut head)
    {
        Ok(framing) => Reply::new(head, ResponseBody::new(framing, body)),
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
    /// The body of an HTTP response, held to the length that its head announced.
    ///
    /// What comes on top of that length is not sent, because a web server would take it for the next response. A body
    /// that ends before it fails.
    #[derive(Debug)]
    pub struct ResponseBody<B> {
        // None when nothing may follow the head: the body is dropped without being polled.
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

/// The bytes of a frame, if there are any. Trailers have no place in a CGI response.
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

impl std::fmt::Display for ShortBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the response body is shorter than its content-length")
    }
}

impl std::error::Error for ShortBody {}
