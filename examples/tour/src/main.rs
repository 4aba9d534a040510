//! Everything a web server can do to an application, one small handler each.
//!
//! The tests run this program behind every web server, with the configuration files beside it.
//!
//! ```sh
//! FCGI_LISTEN=127.0.0.1:9000 cargo run -p tour    # with any configuration beside this folder's src
//! curl http://127.0.0.1:8080/request/a%2Fb?q=1
//! ```

mod body;
mod life;
mod page;
mod request;

use axum::Router;
use axum_fastcgi::AnyListener;
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let app = Router::new()
        .merge(page::router())
        .merge(request::router())
        .merge(body::router())
        .merge(life::router());

    let mut terminated = signal(SignalKind::terminate())?;
    let shutdown = async move {
        terminated.recv().await;
    };

    let listener = AnyListener::from_env().await?;
    let mut server = axum_fastcgi::serve(listener, app).with_graceful_shutdown(shutdown);
    // For web servers that cannot say where the application is mounted.
    if let Ok(mount) = std::env::var("TOUR_MOUNT") {
        server = server.script_name(mount);
    }
    server.await
}
