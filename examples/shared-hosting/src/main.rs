//! One small process that Apache mod_fcgid starts, on a host where you may only upload files.
//!
//! The steps are in the README beside this folder's src. On your own machine, without Apache:
//!
//! ```sh
//! spawn-fcgi -n -a 127.0.0.1 -p 9000 -- target/release/shared-hosting
//! ```

use axum::Router;
use axum::response::Html;
use axum::routing::get;
use tokio::signal::unix::{SignalKind, signal};

// mod_fcgid gives each process one request at a time: a pool of threads would only sleep.
#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let app = Router::new().route("/", get(Html("<h1>Hello from a shared host</h1>\n")));

    // mod_fcgid ends an idle process with SIGTERM; three seconds later it is killed.
    let mut terminated = signal(SignalKind::terminate())?;
    let shutdown = async move {
        terminated.recv().await;
    };

    let listener = axum_fastcgi::AnyListener::from_env().await?;
    axum_fastcgi::serve(listener, app)
        .with_graceful_shutdown(shutdown)
        .await
}
