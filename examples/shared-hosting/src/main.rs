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

// mod_fcgid gives each process one request at a time: a pool of threads would only sleep.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), axum_fastcgi::RunError> {
    let app = Router::new().route("/", get(Html("<h1>Hello from a shared host</h1>\n")));

    // Ends within the three seconds that mod_fcgid gives it, and when a new program is uploaded.
    axum_fastcgi::run(app).await
}
