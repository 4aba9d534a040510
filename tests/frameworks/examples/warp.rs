//! warp: a filter is a tower service.

use fastcgi_tower::Params;
use warp::Filter;

#[tokio::main]
async fn main() -> Result<(), fastcgi_tower::RunError> {
    let hello = warp::path!("hello" / String)
        .and(warp::ext::get::<Params>())
        .map(|name, params: Params| match params.remote_addr() {
            Some(client) => format!("Hello, {name} at {client}!"),
            None => format!("Hello, {name}!"),
        });
    fastcgi_tower::run(warp::service(hello)).await
}
