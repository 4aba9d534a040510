//! The contract, with a bare tower service.

use std::{
    convert::Infallible,
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use fastcgi_conformance_apps as apps;
use fastcgi_tower::{BoxError, Incoming, Params, RequestHandle, ScriptName};
use futures_util::{StreamExt as _, stream};
use http::{
    HeaderValue, Request, Response, StatusCode,
    header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, LOCATION, SET_COOKIE},
};
use http_body::Frame;
use http_body_util::{BodyExt as _, Full, StreamBody, combinators::UnsyncBoxBody};
use tokio::time::sleep;
use tower_service::Service;

type Body = UnsyncBoxBody<Bytes, BoxError>;

#[tokio::main]
async fn main() -> Result<(), fastcgi_tower::RunError> {
    let limits = apps::limits();
    fastcgi_tower::run(Contract)
        .configure(move |server| server.limits(limits))
        .await
}

#[derive(Clone, Copy, Debug)]
struct Contract;

impl Service<Request<Incoming>> for Contract {
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Incoming>) -> Self::Future {
        Box::pin(answer(request))
    }
}

async fn answer(request: Request<Incoming>) -> Result<Response<Body>, BoxError> {
    let path = request.uri().path().to_owned();
    if let Some(number) = path.strip_prefix("/status/") {
        return status(number.parse()?);
    }
    if let Some(length) = path.strip_prefix("/bytes/") {
        return Ok(bytes(length.parse()?));
    }
    Ok(match path.as_str() {
        "/hello" => text("Hello, world!"),
        "/echo" => response(request.into_body().map_err(Into::into).boxed_unsync()),
        "/length" => match counted(request.into_body()).await {
            Ok(length) => text(length.to_string()),
            Err(_) => with_status(StatusCode::BAD_REQUEST, text("the body is short")),
        },
        "/params" => {
            let params = request.extensions().get::<Params>();
            text(params.map(apps::params).unwrap_or_default())
        }
        "/headers" => {
            let fields = request.headers().iter();
            let fields = fields.map(|(name, value)| (name.as_str(), value.as_bytes()));
            text(apps::headers(fields))
        }
        "/fields" => fields(),
        "/slow" => pieces(async {
            sleep(Duration::from_millis(600)).await;
            Ok("last\n".to_owned())
        }),
        "/duplex" => {
            let body = request.into_body();
            pieces(async { Ok(format!("{}\n", counted(body).await?)) })
        }
        "/fail/before" => return Err("a service that fails, as it was asked to".into()),
        "/fail/after" => {
            let first = stream::once(async { Ok(Bytes::from_static(&[b'x'; 100])) });
            let second = stream::once(async {
                tokio::task::yield_now().await;
                Err(io::Error::other("it fails").into())
            });
            with_length(1000, streamed(first.chain(second)))
        }
        "/fail/surplus" => {
            let piece = Ok(Bytes::from_static(b"1234567890"));
            with_length(5, streamed(stream::iter([piece])))
        }
        "/stderr" => {
            if let Some(handle) = request.extensions().get::<RequestHandle>() {
                handle.stderr("a message\n");
                handle.set_app_status(3);
            }
            text("stderr\n")
        }
        "/wait" => {
            // The body is neither read nor dropped.
            sleep(Duration::from_secs(3)).await;
            drop(request);
            text("late")
        }
        path => {
            let script_name = request.extensions().get::<ScriptName>();
            let script_name = script_name.map(ScriptName::as_str).unwrap_or_default();
            let query = request.uri().query().unwrap_or_default();
            let shown = apps::target(request.method().as_str(), &script_name, path, query);
            if path.starts_with("/target") {
                text(shown)
            } else {
                with_status(StatusCode::NOT_FOUND, text(shown))
            }
        }
    })
}

async fn counted(mut body: Incoming) -> Result<usize, BoxError> {
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        length += frame?.data_ref().map_or(0, Bytes::len);
    }
    Ok(length)
}

fn response(body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    let text_plain = HeaderValue::from_static("text/plain");
    response.headers_mut().insert(CONTENT_TYPE, text_plain);
    response
}

fn text(text: impl Into<Bytes>) -> Response<Body> {
    let body = Full::new(text.into());
    response(
        body.map_err(|never: Infallible| match never {})
            .boxed_unsync(),
    )
}

fn streamed(
    pieces: impl futures_util::Stream<Item = Result<Bytes, BoxError>> + Send + 'static,
) -> Response<Body> {
    let frames = pieces.map(|piece| piece.map(Frame::data));
    response(StreamBody::new(frames).boxed_unsync())
}

fn with_status(status: StatusCode, mut response: Response<Body>) -> Response<Body> {
    *response.status_mut() = status;
    response
}

fn with_length(length: usize, mut response: Response<Body>) -> Response<Body> {
    response.headers_mut().insert(CONTENT_LENGTH, length.into());
    response
}

fn status(number: u16) -> Result<Response<Body>, BoxError> {
    let status = StatusCode::from_u16(number)?;
    let mut response = with_status(status, text(format!("status {number}\n")));
    if status.is_redirection() {
        let location = HeaderValue::from_static("/elsewhere");
        response.headers_mut().insert(LOCATION, location);
    }
    Ok(response)
}

fn fields() -> Response<Body> {
    let mut response = text("fields\n");
    let headers = response.headers_mut();
    headers.append(SET_COOKIE, HeaderValue::from_static("a=1"));
    headers.append(SET_COOKIE, HeaderValue::from_static("b=2"));
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    if let Ok(value) = HeaderValue::from_str(&apps::long_value()) {
        headers.insert("x-long", value);
    }
    response
}

fn bytes(length: usize) -> Response<Body> {
    let pieces = stream::unfold(0, move |sent| async move {
        let piece = apps::piece(sent, length);
        let sent = sent + piece.len();
        (!piece.is_empty()).then_some((Ok(piece), sent))
    });
    with_length(length, streamed(pieces))
}

/// A body of two pieces, where the second is not there yet.
fn pieces(
    second: impl Future<Output = Result<String, BoxError>> + Send + 'static,
) -> Response<Body> {
    let first = stream::once(async { Ok("first\n".to_owned()) });
    let pieces = first.chain(stream::once(second));
    streamed(pieces.map(|piece| piece.map(Bytes::from)))
}
