//! poem: an endpoint, called with the parts of each request.

use std::{convert::Infallible, io, sync::Arc};

use fastcgi_tower::{Incoming, Params};
use http_body_util::BodyExt;
use poem::http::{self, uri::Scheme};
use poem::web::{LocalAddr, Path, RemoteAddr};
use poem::{Addr, Endpoint, Request, Route, get, handler};

#[handler]
fn hello(Path(name): Path<String>, client: &RemoteAddr) -> String {
    format!("Hello, {name} at {client}!")
}

#[tokio::main]
async fn main() -> Result<(), fastcgi_tower::RunError> {
    let app = Arc::new(Route::new().at("/hello/:name", get(hello)));
    let service = tower::service_fn(move |request: http::Request<Incoming>| {
        let app = Arc::clone(&app);
        async move {
            let (parts, body) = request.into_parts();
            let client = parts
                .extensions
                .get::<Params>()
                .and_then(Params::remote_addr);
            let client = RemoteAddr(client.map_or(Addr::custom("client", "unknown"), Addr::from));
            let parts = (parts, LocalAddr::default(), client, Scheme::HTTP).into();
            let body = body.map_err(io::Error::other).boxed();
            let response = app
                .get_response(Request::from_parts(parts, body.into()))
                .await;
            Ok::<_, Infallible>(http::Response::from(response))
        }
    });
    fastcgi_tower::run(service).await
}
