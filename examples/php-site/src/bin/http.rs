//! The site without a web server in front: this program speaks HTTP.
//!
//! ```sh
//! SITE_ROOT=$PWD/examples/php-site/site cargo run -p php-site --bin php-site-http
//! ```

use std::net::SocketAddr;

use axum::BoxError;
use php_site::{ServerInfo, app};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .init();
    let port = std::env::var("PORT").map_or(Ok(3000), |port| port.parse())?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let addr = listener.local_addr()?;
    // Where TLS ends in front of this program, also `.https(true).port(443)`.
    let server = ServerInfo::default()
        .name("www.example.org")
        .local_addr(addr);
    let service = app(server)?.into_make_service_with_connect_info::<SocketAddr>();
    tracing::info!("listening on http://{addr}/");
    Ok(axum::serve(listener, service).await?)
}
