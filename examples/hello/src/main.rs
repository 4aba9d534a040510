//! A page, a form, JSON, and what the web server knows about the request.
//!
//! ```sh
//! cargo run -p hello                               # HTTP for development
//! curl http://127.0.0.1:3000/
//!
//! FCGI_LISTEN=127.0.0.1:9000 cargo run -p hello    # FastCGI: with the nginx.conf or the Caddyfile beside this folder's src
//! curl http://127.0.0.1:8080/                      # through that web server
//! ```

use std::net::SocketAddr;

use axum::extract::ConnectInfo;
use axum::response::Html;
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use axum_fastcgi::{Params, RunError};
use serde::{Deserialize, Serialize};

#[derive(Debug, Deserialize, Serialize)]
struct Visitor {
    name: String,
}

#[tokio::main]
async fn main() -> Result<(), RunError> {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .init();
    let app = Router::new()
        .route("/", get(Html("<h1>Hello from axum over FastCGI</h1>\n")))
        .route("/form", post(form))
        .route("/json", post(json))
        .route("/whoami", get(whoami));

    // On the socket that a web server hands over, or on the address in FCGI_LISTEN; by hand, HTTP for development.
    axum_fastcgi::run(app).await
}

async fn form(Form(visitor): Form<Visitor>) -> String {
    format!("Hello {}\n", visitor.name)
}

async fn json(Json(visitor): Json<Visitor>) -> Json<Visitor> {
    Json(visitor)
}

/// REMOTE_ADDR arrives as axum's `ConnectInfo`; any other parameter is in `Params`.
async fn whoami(ConnectInfo(client): ConnectInfo<SocketAddr>, params: Params) -> String {
    let software = params.get("SERVER_SOFTWARE").unwrap_or_default();
    let software = String::from_utf8_lossy(software);
    format!("{} through {software}\n", client.ip())
}
