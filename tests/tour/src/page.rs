//! Pages: what most handlers do.

use axum::extract::{Path, Query};
use axum::http::header::{ETAG, IF_NONE_MATCH, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{AppendHeaders, Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Extension, Form, Json, Router};
use axum_fastcgi::ReasonPhrase;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub(crate) fn router() -> Router {
    Router::new()
        .route("/", get(Html("<h1>The tour</h1>\n")))
        .route("/json", get(Json(json!({ "answer": 42 }))))
        .route("/echo-json", post(echo_json))
        .route("/search", get(search))
        .route("/form", post(form))
        .route("/cookies", get(cookies))
        .route("/redirect", get(redirect))
        .route("/long-header/{bytes}", get(long_header))
        .route("/moved/{code}", get(moved))
        .route("/status/{code}", get(status))
        .route("/reason", get(reason))
        .route("/nothing", get(StatusCode::NO_CONTENT))
        .route("/cached", get(cached))
}

#[derive(Debug, Deserialize, Serialize)]
struct Search {
    text: String,
    page: u32,
}

async fn echo_json(Json(value): Json<Value>) -> Json<Value> {
    Json(value)
}

async fn search(Query(search): Query<Search>) -> Json<Search> {
    Json(search)
}

async fn form(Form(search): Form<Search>) -> Json<Search> {
    Json(search)
}

async fn redirect() -> Redirect {
    Redirect::to("/somewhere/else?a=1")
}

/// With any status, as 201 may have a `Location`, too.
async fn moved(Path(code): Path<u16>) -> Response {
    let location = [(LOCATION, "/somewhere/else?a=1")];
    match StatusCode::from_u16(code) {
        Ok(status) => (status, location).into_response(),
        Err(error) => (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response(),
    }
}

/// Web servers have limits for it.
async fn long_header(Path(bytes): Path<usize>) -> impl IntoResponse {
    (
        [("x-long", "v".repeat(bytes.min(100_000)))],
        "a long header\n",
    )
}

async fn cookies() -> impl IntoResponse {
    AppendHeaders([
        (SET_COOKIE, "first=1; Path=/"),
        (SET_COOKIE, "second=2; Path=/; HttpOnly"),
        (
            SET_COOKIE,
            "third=a%20b; Expires=Wed, 21 Oct 2099 07:28:00 GMT",
        ),
    ])
}

async fn status(Path(code): Path<u16>) -> Response {
    match StatusCode::from_u16(code) {
        Ok(status) => (status, format!("this is {status}\n")).into_response(),
        Err(error) => (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response(),
    }
}

/// HTTP has words of its own for a status; whoever wants others has an extension for them.
async fn reason() -> impl IntoResponse {
    let words = ReasonPhrase::new("Gone Fishing");
    (
        StatusCode::SERVICE_UNAVAILABLE,
        words.map(Extension),
        "back soon\n",
    )
}

async fn cached(headers: HeaderMap) -> Response {
    const TAG: &str = "\"version-1\"";
    if headers.get(IF_NONE_MATCH).is_some_and(|tag| tag == TAG) {
        return (StatusCode::NOT_MODIFIED, [(ETAG, TAG)]).into_response();
    }
    ([(ETAG, TAG)], "the first version\n").into_response()
}
