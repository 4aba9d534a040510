//! A program for the tests of fastcgi-actix: it serves an echo on descriptor 0, or runs in whichever way it was started.

use actix_web::{App, HttpRequest, web};
use fastcgi_actix::FastCgiServer;

#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let echo = async |request: HttpRequest, body: String| format!("{} {body}", request.uri());
    let factory = move || App::new().default_service(web::to(echo));
    match std::env::args().nth(1).as_deref() {
        Some("listen_stdin") => FastCgiServer::new(factory).listen_stdin()?.run().await?,
        Some("run_signalled") => fastcgi_actix::run_when_ready(signalled(factory)).await?,
        Some("run_with_a_signal_more") => {
            let never = std::future::pending();
            let run = fastcgi_actix::run(factory);
            run.configure(|server| server.shutdown_signal(never))
                .await?;
        }
        Some("run") => fastcgi_actix::run(factory).await?,
        _ => return Err("only a test starts this".into()),
    }
    Ok(())
}

/// A startup at whose very end this process is asked to stop.
async fn signalled<F>(factory: F) -> std::io::Result<F> {
    let id = std::process::id().to_string();
    std::process::Command::new("kill").arg(id).status()?;
    Ok(factory)
}
