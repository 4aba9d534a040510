//! With axum.

use axum::Router;
use axum::extract::Path;
use axum::http::{StatusCode, Uri};
use axum::routing::get;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), axum_fastcgi::RunError> {
    starts::begin();
    let app = Router::new()
        .route("/", get(|| async { "axum\n" }))
        .route("/print/{message}", get(print))
        // Where it is mounted is in its own routes.
        .route("/app/inside/{*rest}", get(inside));
    let run = axum_fastcgi::run(app);
    let run = starts::addresses()
        .into_iter()
        .fold(run, |run, it| run.bind(it));
    run.await
}

async fn inside(uri: Uri) -> String {
    format!("{uri}\n")
}

async fn print(Path(message): Path<String>) -> Result<&'static str, StatusCode> {
    starts::print(&message).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok("printed\n")
}
