//! Blocking handlers of fastcgi-tower as handlers of actix.

use std::{
    convert::Infallible,
    future::{Future, poll_fn},
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use actix_web::{
    Handler, HttpMessage, HttpRequest, HttpResponse,
    body::{BodySize, MessageBody},
    error::PayloadError,
    http::StatusCode,
    rt,
    web::Payload,
};
use bytes::Bytes;
use fastcgi_tower::{
    BoxError, Params, RequestHandle, ScriptName,
    blocking::{BlockingBody, BlockingService, Request, Response},
};
use futures_core::Stream;
use http_body::{Body, Frame};
use tokio::{select, sync::mpsc};
use tower_service::Service;

/// Has a [blocking handler](fastcgi_tower::blocking) answer requests: for `web::to`, in a route or as the default service.
///
/// ```
/// use std::io::{self, Read};
///
/// use actix_web::{App, web};
/// use fastcgi_actix::{
///     blocking,
///     blocking::{Request, service_fn},
/// };
///
/// fn count(request: &mut Request) -> io::Result<String> {
///     let bytes = io::copy(request, &mut io::sink())?;
///     Ok(format!("{bytes} bytes\n"))
/// }
///
/// // Outside the factory of the application, so that all workers share the pool.
/// let count = blocking(service_fn(count).max_workers(8));
/// let app = App::new().route("/count", web::post().to(count));
/// ```
pub fn blocking<H, R, E>(service: BlockingService<H>) -> BlockingHandler<H>
where
    H: Fn(&mut Request) -> Result<R, E> + Send + Sync + 'static,
    R: Into<Response> + 'static,
    E: Into<BoxError> + 'static,
{
    BlockingHandler { service }
}

/// The handler of [`blocking()`]. Clones share the pool.
#[derive(Debug)]
pub struct BlockingHandler<H> {
    service: BlockingService<H>,
}

impl<H> Clone for BlockingHandler<H> {
    fn clone(&self) -> Self {
        Self {
            service: self.service.clone(),
        }
    }
}

impl<H, R, E> Handler<(HttpRequest, Payload)> for BlockingHandler<H>
where
    H: Fn(&mut Request) -> Result<R, E> + Send + Sync + 'static,
    R: Into<Response> + 'static,
    E: Into<BoxError> + 'static,
{
    type Output = HttpResponse<BlockingResponseBody>;
    type Future = Pin<Box<dyn Future<Output = Self::Output>>>;

    fn call(&self, (request, payload): (HttpRequest, Payload)) -> Self::Future {
        let mut service = self.service.clone();
        let head = head(&request);
        Box::pin(async move {
            let Some(head) = head else {
                return bad_request();
            };
            let (sender, chunks) = mpsc::channel(1);
            // It has to go on while the response is sent, and actix's payload cannot leave this thread.
            rt::spawn(pump(payload, sender));
            let request = head.map(|()| ChannelBody(chunks));
            let Ok(response) = call(&mut service, request).await;
            into_actix(response)
        })
    }
}

async fn call<H, R, E>(
    service: &mut BlockingService<H>,
    request: http::Request<ChannelBody>,
) -> Result<http::Response<BlockingBody>, Infallible>
where
    H: Fn(&mut Request) -> Result<R, E> + Send + Sync + 'static,
    R: Into<Response>,
    E: Into<BoxError>,
{
    poll_fn(|cx| Service::<http::Request<ChannelBody>>::poll_ready(service, cx)).await?;
    service.call(request).await
}

/// The head in the types of `http` 1; `None` for what these do not allow.
fn head(request: &HttpRequest) -> Option<http::Request<()>> {
    let mut head = http::Request::new(());
    *head.method_mut() = http::Method::from_bytes(request.method().as_str().as_bytes()).ok()?;
    *head.uri_mut() = request.uri().to_string().parse().ok()?;
    for (name, value) in request.headers() {
        let name = http::HeaderName::from_bytes(name.as_str().as_bytes()).ok()?;
        let value = http::HeaderValue::from_bytes(value.as_bytes()).ok()?;
        head.headers_mut().try_append(name, value).ok()?;
    }
    let extensions = request.extensions();
    if let Some(params) = extensions.get::<Params>() {
        head.extensions_mut().insert(params.clone());
    }
    if let Some(script_name) = extensions.get::<ScriptName>() {
        head.extensions_mut().insert(script_name.clone());
    }
    if let Some(handle) = extensions.get::<RequestHandle>() {
        head.extensions_mut().insert(handle.clone());
    }
    Some(head)
}

fn bad_request() -> HttpResponse<BlockingResponseBody> {
    HttpResponse::with_body(StatusCode::BAD_REQUEST, BlockingResponseBody(None))
}

fn into_actix(response: http::Response<BlockingBody>) -> HttpResponse<BlockingResponseBody> {
    let (parts, body) = response.into_parts();
    let status = StatusCode::from_u16(parts.status.as_u16());
    let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut builder = HttpResponse::build(status);
    for (name, value) in &parts.headers {
        builder.append_header((name.as_str(), value.as_bytes()));
    }
    builder
        .message_body(BlockingResponseBody(Some(body)))
        .unwrap_or_else(|_| {
            let body = BlockingResponseBody(None);
            HttpResponse::with_body(StatusCode::INTERNAL_SERVER_ERROR, body)
        })
}

/// Passes the payload on, as it is read.
async fn pump(mut payload: Payload, chunks: mpsc::Sender<Result<Bytes, BoxError>>) {
    loop {
        let chunk = select! {
            chunk = poll_fn(|cx| Pin::new(&mut payload).poll_next(cx)) => chunk,
            () = chunks.closed() => return,
        };
        let Some(chunk) = chunk else { return };
        if chunks.send(chunk.map_err(unwrapped)).await.is_err() {
            return;
        }
    }
}

/// What has happened, if it was fastcgi-tower that has seen it.
fn unwrapped(error: PayloadError) -> BoxError {
    match error {
        PayloadError::Incomplete(Some(error)) => match error.into_inner() {
            Some(error) => error,
            None => io::Error::from(io::ErrorKind::UnexpectedEof).into(),
        },
        error => error.to_string().into(),
    }
}

/// The body of a request, on its way to a thread.
struct ChannelBody(mpsc::Receiver<Result<Bytes, BoxError>>);

impl Body for ChannelBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let chunk = ready!(self.0.poll_recv(cx));
        Poll::Ready(chunk.map(|chunk| chunk.map(Frame::data)))
    }
}

/// The body of a response of a [`BlockingHandler`].
#[derive(Debug)]
pub struct BlockingResponseBody(Option<BlockingBody>);

impl MessageBody for BlockingResponseBody {
    type Error = io::Error;

    fn size(&self) -> BodySize {
        match &self.0 {
            None => BodySize::Sized(0),
            Some(body) => match body.size_hint().exact() {
                Some(length) => BodySize::Sized(length),
                None => BodySize::Stream,
            },
        }
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let Some(body) = &mut self.0 else {
            return Poll::Ready(None);
        };
        let frame = ready!(Pin::new(body).poll_frame(cx));
        Poll::Ready(frame.map(|frame| match frame {
            Ok(frame) => Ok(frame.into_data().unwrap_or_default()),
            Err(error) => Err(io::Error::other(error)),
        }))
    }
}
