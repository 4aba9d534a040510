//! The pages: what a web server protects, error pages, and answers that make a web server do something.

use axum::{
    Router,
    extract::{Path, Request},
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::Response,
    routing::any,
};

use crate::report::{page, reading_page};

/// Where the application may be mounted while a web server removes no prefix.
const MOUNTS: [&str; 5] = ["", "/app", "/app.fcgi", "/mnt", "/sub"];

/// Every page, below every mount.
pub(crate) fn router() -> Router {
    let mut router = Router::new().fallback(echo);
    for mount in MOUNTS {
        let at = |path: &str| format!("{mount}{path}");
        router = router
            .route(&at("/login"), any(login))
            .route(&at("/errors/{status}"), any(error_page))
            .route(&at("/failed/{status}"), any(failed_page))
            .route(&at("/auth"), any(unauthorized))
            .route(&at("/auth-reads"), any(unauthorized_after_reading))
            .route(&at("/auth-ok"), any(authorized))
            .route(&at("/json"), any(protected))
            .route(&at("/admin/{*rest}"), any(protected))
            .route(&at("/members/{*rest}"), any(protected))
            .route(&at("/two/{*rest}"), any(protected))
            .route(&at("/read/{*rest}"), any(reads))
            .route(&at("/missing/{*rest}"), any(missing))
            .route(&at("/status/{status}"), any(failed_page))
            .route(&at("/moved"), any(moved))
            .route(&at("/ssi/{*rest}"), any(with_include))
            .route(&at("/xa/{*rest}"), any(accel_redirect))
            .route(&at("/send/{file}"), any(send_file))
            .route(&at("/sendfile/{file}"), any(send_file_by_name))
            .route(&at("/reproxy/{*rest}"), any(reproxy));
    }
    router
}

/// Whatever has no page of its own: a wrong path is seen, and not hidden behind a 404.
async fn echo(request: Request) -> Response {
    page("echo", StatusCode::OK, request)
}

async fn login(request: Request) -> Response {
    page("please log in", StatusCode::OK, request)
}

/// An error page that leaves the status to the web server.
async fn error_page(request: Request) -> Response {
    page("error page", StatusCode::OK, request)
}

/// An error page that has the status itself.
async fn failed_page(Path(status): Path<u16>, request: Request) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::NOT_FOUND);
    page("error page", status, request)
}

async fn protected(request: Request) -> Response {
    page("protected page", StatusCode::OK, request)
}

async fn reads(request: Request) -> Response {
    reading_page("page that reads", StatusCode::OK, request).await
}

async fn missing(request: Request) -> Response {
    page("not found", StatusCode::NOT_FOUND, request)
}

async fn unauthorized(request: Request) -> Response {
    challenge(page("authorization", StatusCode::UNAUTHORIZED, request))
}

async fn unauthorized_after_reading(request: Request) -> Response {
    challenge(reading_page("authorization", StatusCode::UNAUTHORIZED, request).await)
}

async fn authorized(request: Request) -> Response {
    page("authorization", StatusCode::NO_CONTENT, request)
}

fn challenge(response: Response) -> Response {
    with(response, header::WWW_AUTHENTICATE, "Basic realm=\"twin\"")
}

async fn moved(request: Request) -> Response {
    let response = page("moved", StatusCode::FOUND, request);
    with(response, header::LOCATION, "/login?from=moved")
}

/// nginx makes an internal redirect of the header.
async fn accel_redirect(request: Request) -> Response {
    let response = page("redirect", StatusCode::OK, request);
    with(
        response,
        HeaderName::from_static("x-accel-redirect"),
        "/login?x=1",
    )
}

/// nginx sends a file in the place of the response.
async fn send_file(Path(file): Path<String>, request: Request) -> Response {
    let mut response = page("file", StatusCode::OK, request);
    if let Ok(value) = HeaderValue::try_from(format!("/files/{file}")) {
        let name = HeaderName::from_static("x-accel-redirect");
        response.headers_mut().insert(name, value);
    }
    response
}

/// Apache and lighttpd send a file in the place of the response: `files`, beside the program, has it.
async fn send_file_by_name(Path(file): Path<String>, request: Request) -> Response {
    let mut response = page("file", StatusCode::OK, request);
    let program = std::env::current_exe().unwrap_or_default();
    let path = program.with_file_name("files").join(file);
    if let Ok(value) = HeaderValue::try_from(path.display().to_string()) {
        let name = HeaderName::from_static("x-sendfile");
        response.headers_mut().insert(name, value);
    }
    response
}

/// h2o makes an internal redirect of the header.
async fn reproxy(request: Request) -> Response {
    let response = page("redirect", StatusCode::OK, request);
    with(
        response,
        HeaderName::from_static("x-reproxy-url"),
        "/login?x=1",
    )
}

/// nginx puts the included page in the place of the comment, where `ssi on` says so.
async fn with_include(request: Request) -> Response {
    let mut response = page("page with an include", StatusCode::OK, request);
    let include = "<!--#include virtual=\"/login?v=1\" -->\n";
    response.headers_mut().remove(header::CONTENT_LENGTH);
    *response.body_mut() = include.into();
    response
}

fn with(mut response: Response, name: HeaderName, value: &'static str) -> Response {
    response
        .headers_mut()
        .insert(name, HeaderValue::from_static(value));
    response
}
