//! Server-sent events: one every second, until the reader leaves.
//!
//! ```sh
//! FCGI_LISTEN=127.0.0.1:9000 cargo run -p actix-streaming    # with the nginx.conf or the Caddyfile of ../streaming
//! curl -N http://127.0.0.1:8080/events
//! ```

use std::time::Duration;

use actix_web::http::header::CONTENT_TYPE;
use actix_web::rt::time::sleep;
use actix_web::web::{self, Bytes, Html};
use actix_web::{App, Error, HttpResponse, Responder};
use futures_util::stream;

const PAGE: &str = "<!doctype html><h1 id=n>...</h1><script>
new EventSource('events').onmessage = event => document.getElementById('n').textContent = event.data
</script>\n";

#[actix_web::main]
async fn main() -> Result<(), fastcgi_actix::RunError> {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .init();
    let app = || {
        App::new()
            .route("/", web::get().to(|| async { Html::new(PAGE) }))
            .route("/events", web::get().to(events))
    };
    fastcgi_actix::run(app).await
}

async fn events() -> impl Responder {
    let seconds = stream::unfold(0, |n| async move {
        if n > 0 {
            sleep(Duration::from_secs(1)).await;
        }
        Some((Ok::<_, Error>(Bytes::from(format!("data: {n}\n\n"))), n + 1))
    });
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/event-stream"))
        .streaming(seconds)
}
