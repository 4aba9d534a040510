//! The page: one file without anything from elsewhere, so that one request is enough to get it.

use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse, Response};

use crate::tokens::Door;

const PAGE: &str = include_str!("page/page.html");
const STYLE: &str = include_str!("page/page.css");
/// In the order in which they are read.
const SCRIPTS: [&str; 4] = [
    include_str!("page/settings.js"),
    include_str!("page/checks.js"),
    include_str!("page/report.js"),
    include_str!("page/page.js"),
];
/// The files of the example for shared hosts, which the page shows as they are.
const HTACCESS: &str = include_str!("../../shared-hosting/.htaccess");

/// What everybody may see: it says nothing about the host.
pub(crate) fn page(door: &Door) -> Response {
    let state = match door {
        Door::Locked(_) => "locked",
        Door::Expired | Door::Keyless => "keyless",
    };
    let page = PAGE
        .replace("/* page.css */", STYLE)
        .replace("<!-- .htaccess -->", &escaped(HTACCESS))
        .replace("/* scripts */", &SCRIPTS.concat())
        .replace("data-door=\"\"", &format!("data-door=\"{state}\""));
    Html(page).into_response()
}

/// A day is over.
pub(crate) fn expired() -> Response {
    let text = "The doctor has stopped: its token is older than a day. Remove the doctor, or delete its token file.\n";
    (StatusCode::GONE, text).into_response()
}

/// Of every response: nothing is kept, found by search engines, or loaded from elsewhere.
pub(crate) async fn hide(mut response: Response) -> Response {
    const POLICY: &str = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; \
                          connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    let headers = response.headers_mut();
    let mut set = |name, value| headers.insert(name, HeaderValue::from_static(value));
    set(
        "x-robots-tag".parse().expect("a token"),
        "noindex, nofollow",
    );
    set(CACHE_CONTROL, "no-store");
    set(CONTENT_SECURITY_POLICY, POLICY);
    set(REFERRER_POLICY, "no-referrer");
    set(X_CONTENT_TYPE_OPTIONS, "nosniff");
    response
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}
