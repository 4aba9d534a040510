//! The contract, with axum.

use std::{convert::Infallible, io, time::Duration};

use axum::{
    Extension, Router,
    body::{Body, Bytes},
    extract::{Path, Request},
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{CONNECTION, CONTENT_LENGTH, LOCATION, SET_COOKIE},
    },
    response::{AppendHeaders, IntoResponse, Response},
    routing::any,
};
use axum_fastcgi::{Params, RequestHandle, ScriptName};
use fastcgi_conformance_apps as apps;
use futures_util::{Stream, StreamExt as _, stream};
use http_body_util::BodyExt as _;
use tokio::time::sleep;

#[tokio::main]
async fn main() -> Result<(), axum_fastcgi::RunError> {
    let app = Router::new()
        .route("/hello", any(async || "Hello, world!"))
        .route("/echo", any(async |body: Body| body))
        .route("/length", any(length))
        .route("/params", any(async |params: Params| apps::params(&params)))
        .route("/headers", any(headers))
        .route("/status/{status}", any(status))
        .route("/fields", any(fields))
        .route("/bytes/{length}", any(bytes))
        .route("/slow", any(slow))
        .route("/duplex", any(duplex))
        .route("/fail/before", any(before))
        .route("/fail/after", any(after))
        .route("/fail/surplus", any(surplus))
        .route("/stderr", any(stderr))
        .route("/wait", any(wait))
        .fallback(target);
    let limits = apps::limits();
    axum_fastcgi::run(app)
        .configure(move |server| server.limits(limits))
        .await
}

async fn length(mut body: Body) -> Result<String, StatusCode> {
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| StatusCode::BAD_REQUEST)?;
        length += frame.data_ref().map_or(0, Bytes::len);
    }
    Ok(length.to_string())
}

async fn headers(headers: HeaderMap) -> Vec<u8> {
    let fields = headers.iter();
    apps::headers(fields.map(|(name, value)| (name.as_str(), value.as_bytes())))
}

async fn target(script_name: Extension<ScriptName>, request: Request) -> (StatusCode, String) {
    let uri = request.uri();
    let query = uri.query().unwrap_or_default();
    let method = request.method().as_str();
    let text = apps::target(method, &script_name.as_str(), uri.path(), query);
    let status = if uri.path().starts_with("/target") {
        StatusCode::OK
    } else {
        StatusCode::NOT_FOUND
    };
    (status, text)
}

async fn status(Path(number): Path<u16>) -> Result<Response, StatusCode> {
    let status = StatusCode::from_u16(number).map_err(|_| StatusCode::BAD_REQUEST)?;
    let mut response = (status, format!("status {number}\n")).into_response();
    if status.is_redirection() {
        let location = HeaderValue::from_static("/elsewhere");
        response.headers_mut().insert(LOCATION, location);
    }
    Ok(response)
}

async fn fields() -> impl IntoResponse {
    let cookies = AppendHeaders([(SET_COOKIE, "a=1"), (SET_COOKIE, "b=2")]);
    let long = [("x-long", apps::long_value())];
    (cookies, long, [(CONNECTION, "close")], "fields\n")
}

async fn bytes(Path(length): Path<usize>) -> impl IntoResponse {
    let pieces = stream::unfold(0, move |sent| async move {
        let piece = apps::piece(sent, length);
        let sent = sent + piece.len();
        (!piece.is_empty()).then_some((Ok::<_, Infallible>(piece), sent))
    });
    ([(CONTENT_LENGTH, length)], Body::from_stream(pieces))
}

/// A body of two pieces, where the second is not there yet.
fn pieces(second: impl Future<Output = io::Result<String>> + Send + 'static) -> Body {
    let first = stream::once(async { Ok("first\n".to_owned()) });
    Body::from_stream(first.chain(stream::once(second)))
}

async fn slow() -> impl IntoResponse {
    pieces(async {
        sleep(Duration::from_millis(600)).await;
        Ok("last\n".to_owned())
    })
}

async fn duplex(body: Body) -> impl IntoResponse {
    pieces(async {
        let body = body.collect().await.map_err(io::Error::other)?;
        Ok(format!("{}\n", body.to_bytes().len()))
    })
}

async fn before() {
    panic!("a handler that fails, as it was asked to");
}

async fn after() -> impl IntoResponse {
    let pieces = stream::iter([Ok(vec![b'x'; 100]), Err(io::Error::other("it fails"))]);
    ([(CONTENT_LENGTH, 1000)], Body::from_stream(paced(pieces)))
}

/// So that one piece leaves before the next is there.
fn paced<T>(pieces: impl Stream<Item = T>) -> impl Stream<Item = T> {
    pieces.then(|piece| async {
        tokio::task::yield_now().await;
        piece
    })
}

async fn surplus() -> impl IntoResponse {
    let pieces = stream::iter([Ok::<_, Infallible>("1234567890")]);
    ([(CONTENT_LENGTH, 5)], Body::from_stream(pieces))
}

async fn stderr(Extension(handle): Extension<RequestHandle>) -> &'static str {
    handle.stderr("a message\n");
    handle.set_app_status(3);
    "stderr\n"
}

/// The body is neither read nor dropped.
async fn wait(body: Body) -> &'static str {
    sleep(Duration::from_secs(3)).await;
    drop(body);
    "late"
}
