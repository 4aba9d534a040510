//! Server-sent events: one every second, until the reader leaves.
//!
//! ```sh
//! FCGI_LISTEN=127.0.0.1:9000 cargo run -p streaming    # with the nginx.conf or the Caddyfile beside this folder's src
//! curl -N http://127.0.0.1:8080/events
//! ```

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::response::sse::{Event, Sse};
use axum::response::{Html, IntoResponse};
use axum::routing::get;
use futures_util::stream;

const PAGE: &str = "<!doctype html><h1 id=n>...</h1><script>
new EventSource('events').onmessage = event => document.getElementById('n').textContent = event.data
</script>\n";

#[tokio::main]
async fn main() -> Result<(), axum_fastcgi::RunError> {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .init();
    let app = Router::new()
        .route("/", get(Html(PAGE)))
        .route("/events", get(events));

    axum_fastcgi::run(app).await
}

async fn events() -> impl IntoResponse {
    let seconds = stream::unfold(0, |n| async move {
        if n > 0 {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        Some((
            Ok::<_, Infallible>(Event::default().data(n.to_string())),
            n + 1,
        ))
    });
    Sse::new(seconds)
}
