//! What each page reports: which resource was reached.

use std::fmt::Write;

use axum::{
    body::to_bytes,
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header::CONTENT_TYPE, request::Parts},
    response::{IntoResponse, Response},
};
use axum_fastcgi::Params;
use serde_json::json;

/// The report of a page, for answers that have no body.
const REACHED: HeaderName = HeaderName::from_static("x-reached");
/// What the web server sent over FastCGI, for the messages of failed tests.
const PARAMS: HeaderName = HeaderName::from_static("x-params");

/// The longest request body that a page reads, in bytes.
const MAX_BODY: usize = 1024 * 1024;

/// A page that does not read the body of the request.
pub(crate) fn page(name: &str, status: StatusCode, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    answer(status, &parts, report(name, &parts, None))
}

/// A page that reads the body, and has it in its report.
pub(crate) async fn reading_page(name: &str, status: StatusCode, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    match to_bytes(body, MAX_BODY).await {
        Ok(body) => {
            let body = String::from_utf8_lossy(&body);
            answer(status, &parts, report(name, &parts, Some(&body)))
        }
        Err(_) => {
            let report = report(name, &parts, Some("incomplete"));
            answer(StatusCode::INTERNAL_SERVER_ERROR, &parts, report)
        }
    }
}

/// One line: the name of the page, and the target as the application sees it.
fn report(name: &str, parts: &Parts, body: Option<&str>) -> String {
    json!({
        "reached": name,
        "method": parts.method.as_str(),
        "path": parts.uri.path(),
        "query": parts.uri.query(),
        "body": body,
    })
    .to_string()
}

fn answer(status: StatusCode, parts: &Parts, report: String) -> Response {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html"));
    if let Ok(value) = HeaderValue::from_str(&report) {
        headers.insert(REACHED, value);
    }
    let params = parts.extensions.get::<Params>().map(target_params);
    if let Some(value) = params.and_then(|it| HeaderValue::from_str(&it).ok()) {
        headers.insert(PARAMS, value);
    }
    (status, headers, format!("{report}\n")).into_response()
}

/// The params that say which resource is meant.
fn target_params(params: &Params) -> String {
    const NAMES: [&str; 13] = [
        "REQUEST_URI",
        "SCRIPT_NAME",
        "PATH_INFO",
        "DOCUMENT_URI",
        "QUERY_STRING",
        "SCRIPT_FILENAME",
        "DOCUMENT_ROOT",
        "CONTEXT_PREFIX",
        "REDIRECT_URL",
        "REDIRECT_STATUS",
        "REMOTE_USER",
        "REDIRECT_REDIRECT_STATUS",
        "SERVER_PROTOCOL",
    ];
    let mut text = String::new();
    for name in NAMES {
        if let Some(value) = params.get(name) {
            _ = write!(text, "{name}={} ", value.escape_ascii());
        }
    }
    text
}
