//! Bodies of any size, both ways, in constant memory.
//!
//! ```sh
//! FCGI_LISTEN=127.0.0.1:9000 cargo run --release -p upload    # with the nginx.conf beside this folder's src
//! curl -T a-large-file http://127.0.0.1:8080/upload
//! curl -o /dev/null http://127.0.0.1:8080/download/1000000000
//! ```

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Path;
use axum::http::StatusCode;
use axum::http::header::CONTENT_LENGTH;
use axum::response::{AppendHeaders, IntoResponse};
use axum::routing::{get, put};
use futures_util::stream;
use http_body_util::BodyExt;

static BLOCK: [u8; 64 * 1024] = [b'.'; 64 * 1024];

#[tokio::main]
async fn main() -> Result<(), axum_fastcgi::RunError> {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .init();
    let app = Router::new()
        .route("/upload", put(upload).post(upload))
        .route("/download/{bytes}", get(download));

    axum_fastcgi::run(app).await
}

/// Counts as the pieces arrive: the web server waits while this function is busy with one.
async fn upload(mut body: Body) -> Result<String, StatusCode> {
    let mut count = 0;
    while let Some(frame) = body.frame().await {
        // The client left, or sent less than it promised.
        let frame = frame.map_err(|_| StatusCode::BAD_REQUEST)?;
        count += frame.data_ref().map_or(0, Bytes::len);
    }
    Ok(format!("{count} bytes\n"))
}

/// Makes a block only when the web server has taken the one before.
async fn download(Path(bytes): Path<usize>) -> impl IntoResponse {
    let blocks = stream::unfold(bytes, |left| async move {
        let size = left.min(BLOCK.len());
        let block = BLOCK.get(..size).filter(|block| !block.is_empty())?;
        Some((
            Ok::<_, std::io::Error>(Bytes::from_static(block)),
            left - size,
        ))
    });
    (
        AppendHeaders([(CONTENT_LENGTH, bytes)]),
        Body::from_stream(blocks),
    )
}
