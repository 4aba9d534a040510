//! One small process that Apache mod_fcgid starts, on a host where you may only upload files.
//!
//! The steps are in `docs/shared-hosts.md`. On your own machine, without Apache:
//!
//! ```sh
//! spawn-fcgi -n -a 127.0.0.1 -p 9000 -- target/release/shared-hosting
//! ```

mod log;

use axum::Router;
use axum::response::Html;
use axum::routing::get;

// mod_fcgid gives each process one request at a time: a pool of threads would only sleep.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), axum_fastcgi::RunError> {
    log::start();
    let app = Router::new().route("/", get(Html("<h1>Hello from a shared host</h1>\n")));

    // Ends within the three seconds that mod_fcgid gives it, and when a new program is uploaded.
    let ended = axum_fastcgi::run(app).await;
    ended.inspect_err(|error| tracing::error!("{error:?}"))
}
