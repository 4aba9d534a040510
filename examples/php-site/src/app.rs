//! The router: what has moved to Rust, and the PHP site for everything else.

use std::env;
use std::time::Duration;

use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::header::CACHE_CONTROL;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use axum::{BoxError, Router};
use tower::ServiceExt;

use crate::{PhpSite, ServerInfo, php_site};

/// The whole site.
///
/// # Errors
///
/// When a setting is invalid.
pub fn app(server: ServerInfo) -> Result<Router, BoxError> {
    let root = setting("SITE_ROOT", "/srv/www");
    let php_fpm = setting("PHP_FPM", "unix:/run/php/php-fpm.sock");
    let seconds = setting("PHP_TIME_LIMIT", "60").parse()?;
    let mut php = php_site(&root, &php_fpm)?
        .uploads(format!("{root}/uploads"))
        .time_limit(Duration::from_secs(seconds))
        .server_info(server);
    if let Ok(script) = env::var("FRONT_CONTROLLER") {
        php = php.front_controller(script);
    }
    Ok(Router::new()
        // Moved: the address stays, and hello.php is deleted.
        .route("/hello.php", get(hello))
        // New: it asks PHP who is logged in.
        .route("/api/me", get(me).with_state(php.clone()))
        .fallback_service(php))
}

async fn hello() -> Html<&'static str> {
    Html("<!doctype html>\n<title>Hello</title>\n<p>Hello from the old site.</p>\n")
}

/// PHP keeps the sessions. `session.php` says whose the cookie is, and only that. It gets the same request, with another path.
async fn me(State(php): State<PhpSite>, mut request: Request) -> Result<Response, StatusCode> {
    *request.method_mut() = Method::GET;
    *request.uri_mut() = Uri::from_static("/session.php");
    let Ok(answer) = php.oneshot(request).await;
    if answer.status() != StatusCode::OK {
        return Err(answer.status());
    }
    let user = to_bytes(answer.into_body(), 1024).await;
    let user = user.map_err(|_| StatusCode::BAD_GATEWAY)?;
    if user.is_empty() {
        return Err(StatusCode::UNAUTHORIZED);
    }
    Ok(([(CACHE_CONTROL, "no-store")], user).into_response())
}

fn setting(name: &str, default: &str) -> String {
    env::var(name).unwrap_or_else(|_| default.to_owned())
}
