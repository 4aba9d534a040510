//! What applications do besides answering: they print, and they start other programs.

use std::process::{Command, Stdio};

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::get;

pub(crate) fn router() -> Router {
    Router::new()
        .route("/print/{message}", get(print))
        .route("/print-by-a-child/{message}", get(print_by_a_child))
        .route("/leave-a-child", get(leave_a_child))
}

#[expect(clippy::print_stdout, reason = "it is what this page is about")]
async fn print(Path(message): Path<String>) -> &'static str {
    println!("{message}");
    "see the log of the web server\n"
}

async fn print_by_a_child(Path(message): Path<String>) -> Result<&'static str, StatusCode> {
    let child = Command::new("echo").arg(message).status();
    child.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok("see the log of the web server\n")
}

/// It lives longer than the request. With the standard error of this process, it would keep its log open.
async fn leave_a_child() -> Result<&'static str, StatusCode> {
    let child = Command::new("sleep")
        .arg("10")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    child.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok("a child lives on for ten seconds\n")
}
