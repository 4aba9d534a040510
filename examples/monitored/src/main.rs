//! An application that shows what it does: counters for Prometheus at `/metrics`, and a line of log for each request.
//!
//! ```sh
//! cargo run -p fastcgi-front -- cargo run -p monitored
//! ```

use std::fmt::Write;

use axum::{
    Router,
    extract::State,
    http::header::CONTENT_TYPE,
    response::{Html, IntoResponse},
    routing::get,
};
use axum_fastcgi::{Counters, RunError};
use tower_http::trace::{DefaultOnResponse, TraceLayer};
use tracing::Level;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), RunError> {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_max_level(Level::DEBUG)
        .init();
    let counters = Counters::default();
    let app = Router::new()
        .route("/", get(async || Html("<h1>Hello</h1>\n")))
        .route("/metrics", get(metrics))
        .with_state(counters.clone())
        .layer(TraceLayer::new_for_http().on_response(DefaultOnResponse::new().level(Level::INFO)));
    axum_fastcgi::run(app)
        .configure(|server| server.counters(counters))
        .await
}

/// The text format of Prometheus. The web server should let nobody see it but the one that collects.
async fn metrics(State(counters): State<Counters>) -> impl IntoResponse {
    let mut page = String::new();
    for (name, value) in counters.read().iter() {
        let _ = writeln!(page, "fastcgi_{name} {value}");
    }
    ([(CONTENT_TYPE, "text/plain; version=0.0.4")], page)
}
