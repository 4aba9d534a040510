//! The site behind a web server that speaks FastCGI: nginx, Apache, or another.
//!
//! ```sh
//! SITE_ROOT=$PWD/examples/php-site/site FCGI_LISTEN=/run/site/site.sock cargo run -p php-site --bin php-site
//! ```

use axum::BoxError;
use php_site::{ServerInfo, app};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .init();
    // The name of the server, HTTPS and the client's address are what the web server says.
    axum_fastcgi::run(app(ServerInfo::default())?).await?;
    Ok(())
}
