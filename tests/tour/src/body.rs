//! Bodies that are streamed: in, out, and both at once.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Path};
use axum::http::StatusCode;
use axum::http::header::CONTENT_LENGTH;
use axum::response::sse::{Event, Sse};
use axum::response::{AppendHeaders, IntoResponse, Json};
use axum::routing::{any, get, post};
use futures_util::stream;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::time::sleep;

const BLOCK: usize = 16 * 1024;
const PIECES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(150);

pub(crate) fn router() -> Router {
    Router::new()
        .route("/upload", any(upload))
        .route("/echo", post(echo))
        .route("/hold", post(hold))
        .route("/refuse", post(refuse))
        .route("/download/{bytes}", get(download))
        .route("/pieces", get(pieces))
        .route("/events", get(events))
        .layer(DefaultBodyLimit::disable())
}

/// The number of bytes, and their sum: enough to see that none is lost, doubled or changed.
async fn upload(mut body: Body) -> Result<Json<Value>, StatusCode> {
    let (mut bytes, mut sum) = (0, 0_u64);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| StatusCode::BAD_REQUEST)?;
        let data = frame.data_ref().map(Bytes::as_ref).unwrap_or_default();
        bytes += data.len();
        sum += data.iter().copied().map(u64::from).sum::<u64>();
    }
    Ok(Json(json!({ "bytes": bytes, "sum": sum })))
}

/// Answers before the body has arrived.
async fn refuse() -> impl IntoResponse {
    (StatusCode::PAYLOAD_TOO_LARGE, "no, thank you\n")
}

/// Has a body and does not read it, until the web server gives the request up.
async fn hold(body: Body) -> StatusCode {
    let _unread = body;
    std::future::pending().await
}

/// Sends while it receives.
async fn echo(body: Body) -> Body {
    body
}

/// Byte number n is n modulo 251, so that a lost or repeated block shows.
async fn download(Path(total): Path<usize>) -> impl IntoResponse {
    let blocks = stream::unfold(0, move |start| async move {
        let end = total.min(start + BLOCK);
        let block: Bytes = (start..end)
            .map(|n| u8::try_from(n % 251).unwrap_or(0))
            .collect();
        (!block.is_empty()).then_some((Ok::<_, Infallible>(block), end))
    });
    (
        AppendHeaders([(CONTENT_LENGTH, total)]),
        Body::from_stream(blocks),
    )
}

/// Five pieces with a pause between. nginx passes each on at once when it sees this header; other web servers ignore it.
async fn pieces() -> impl IntoResponse {
    let pieces = stream::unfold(0, |n| async move {
        if n > 0 {
            sleep(PAUSE).await;
        }
        (n < PIECES).then(|| (Ok::<_, Infallible>(format!("piece {n}\n")), n + 1))
    });
    ([("x-accel-buffering", "no")], Body::from_stream(pieces))
}

/// The same as server-sent events, which the library sees to behind nginx.
async fn events() -> impl IntoResponse {
    let events = stream::unfold(0, |n| async move {
        if n > 0 {
            sleep(PAUSE).await;
        }
        (n < PIECES).then(|| {
            (
                Ok::<_, Infallible>(Event::default().data(format!("event {n}"))),
                n + 1,
            )
        })
    });
    Sse::new(events)
}
