//! Responses that fail after their head has left: what clients see then is for the web server to make of it.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header::CONTENT_LENGTH;
use axum::response::{AppendHeaders, IntoResponse};
use axum::routing::get;
use axum::{BoxError, Router};
use futures_util::{Stream, StreamExt, stream};
use tokio::time::sleep;

/// Enough for the first piece to reach the client.
const PAUSE: Duration = Duration::from_millis(150);

pub(crate) fn router() -> Router {
    Router::new()
        .route("/fails", get(|| async { Body::from_stream(fails()) }))
        .route("/fails/announced", get(announced))
        .route(
            "/fails/panic",
            get(|| async { Body::from_stream(panics()) }),
        )
}

/// The client can count.
async fn announced() -> impl IntoResponse {
    let headers = AppendHeaders([(CONTENT_LENGTH, 1000)]);
    (headers, Body::from_stream(fails()))
}

fn fails() -> impl Stream<Item = Result<Bytes, BoxError>> {
    first_piece().chain(stream::once(async {
        sleep(PAUSE).await;
        Err("the second piece cannot be had".into())
    }))
}

fn panics() -> impl Stream<Item = Result<Bytes, BoxError>> {
    first_piece().chain(stream::once(async {
        sleep(PAUSE).await;
        panic!("a body that panics")
    }))
}

fn first_piece() -> impl Stream<Item = Result<Bytes, BoxError>> {
    stream::once(async { Ok::<_, Infallible>(Bytes::from_static(b"the first piece\n")) })
        .map(|piece| piece.map_err(Into::into))
}
