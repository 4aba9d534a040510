//! What FastCGI has and HTTP has not: the web server's error log, and an exit status.

use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Extension, Router};
use axum_fastcgi::RequestHandle;

pub(crate) fn router() -> Router {
    Router::new()
        .route("/log/{message}", get(log))
        .route("/exit/{status}", get(exit))
}

/// The message follows the head of the response.
async fn log(
    Path(message): Path<String>,
    Extension(handle): Extension<RequestHandle>,
) -> &'static str {
    handle.stderr(format!("{message}\n"));
    "see the log of the web server\n"
}

async fn exit(Path(status): Path<u32>, Extension(handle): Extension<RequestHandle>) -> StatusCode {
    handle.set_app_status(status);
    StatusCode::OK
}
