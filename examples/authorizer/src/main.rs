//! Says who may pass, for the pages of any other application: the role of a FastCGI Authorizer.
//!
//! The web server asks it first. After a 200 the request goes on to where it would have gone, and each `Variable-` header
//! is a parameter there; any other answer goes to the client.
//!
//! ```sh
//! FCGI_LISTEN=127.0.0.1:9000 cargo run -p authorizer    # with the apache.conf or lighttpd.conf here
//! curl -u zoe:hello http://127.0.0.1:8080/
//! ```

use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Router};
use axum_fastcgi::{Role, RunError};

/// `zoe:hello`. A real application would look into a database.
const MEMBER: &str = "Basic em9lOmhlbGxv";

#[tokio::main]
async fn main() -> Result<(), RunError> {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .init();
    // Whatever the path is.
    let app = Router::new().fallback(may_pass);
    // Off by default: an application that knows nothing of the role would let everybody in with its first 200.
    axum_fastcgi::run(app)
        .configure(|server| server.authorizer(true))
        .await
}

/// A Responder's requests have no `Role` in their extensions.
async fn may_pass(role: Option<Extension<Role>>, headers: HeaderMap) -> Response {
    if role.is_none_or(|Extension(role)| role != Role::AUTHORIZER) {
        return (StatusCode::NOT_FOUND, "there is nothing to see here\n").into_response();
    }
    if headers.get(AUTHORIZATION).is_some_and(|it| it == MEMBER) {
        return [("variable-member_name", "zoe")].into_response();
    }
    let challenge = [(WWW_AUTHENTICATE, "Basic realm=\"members\"")];
    (StatusCode::UNAUTHORIZED, challenge, "members only\n").into_response()
}
