//! What applications do besides answering: they print, and they start other programs.

use std::process::{Command, Stdio};

use actix_web::Error;
use actix_web::web::{self, Path, ServiceConfig};

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .route("/print/{message}", web::get().to(print))
        .route(
            "/print-by-a-child/{message}",
            web::get().to(print_by_a_child),
        )
        .route("/leave-a-child", web::get().to(leave_a_child));
}

#[expect(clippy::print_stdout, reason = "it is what this page is about")]
async fn print(message: Path<String>) -> &'static str {
    println!("{message}");
    "see the log of the web server\n"
}

async fn print_by_a_child(message: Path<String>) -> Result<&'static str, Error> {
    Command::new("echo").arg(message.as_str()).status()?;
    Ok("see the log of the web server\n")
}

/// It lives longer than the request. With the standard error of this process, it would keep its log open.
async fn leave_a_child() -> Result<&'static str, Error> {
    Command::new("sleep")
        .arg("10")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    Ok("a child lives on for ten seconds\n")
}
