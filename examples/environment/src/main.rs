//! What a web server sends with a request, as JSON: a program for looking into a configuration, and not for the public, as it
//! shows credentials.
//!
//! ```sh
//! cargo run -p fastcgi-front -- cargo run -p environment
//! ```

use axum::{Json, Router};
use axum_fastcgi::{Params, RunError};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), RunError> {
    let app = Router::new().fallback(async |params: Params| Json(params));
    axum_fastcgi::run(app).await
}
