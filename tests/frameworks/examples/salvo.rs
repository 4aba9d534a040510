//! salvo: a handler for each request, as salvo's own server makes one for each connection.

use std::{convert::Infallible, sync::Arc};

use fastcgi_tower::{Incoming, Params};
use http_body_util::BodyExt;
use salvo::conn::{ConnCtrl, SocketAddr};
use salvo::http::{ReqBody, uri::Scheme};
use salvo::prelude::{Request, Router, Service, handler};

#[handler]
async fn hello(request: &mut Request) -> String {
    let name: String = request.param("name").unwrap_or_default();
    format!("Hello, {name} at {}!", request.remote_addr())
}

#[tokio::main]
async fn main() -> Result<(), fastcgi_tower::RunError> {
    let app = Arc::new(Service::new(Router::with_path("hello/{name}").get(hello)));
    let service = tower::service_fn(move |request: http::Request<Incoming>| {
        let client = request
            .extensions()
            .get::<Params>()
            .and_then(Params::remote_addr);
        let client = client.map_or(SocketAddr::Unknown, SocketAddr::from);
        let (local, control) = (SocketAddr::Unknown, ConnCtrl::new());
        let handler = app.hyper_handler(local, client, Scheme::HTTP, None, control, None);
        let request = request.map(|body| ReqBody::Boxed {
            inner: Box::pin(body.map_err(Into::into)),
            fuse_config: None,
        });
        async move {
            let response = handler
                .handle(Request::from_hyper(request, Scheme::HTTP))
                .await;
            Ok::<_, Infallible>(response.into_hyper())
        }
    });
    fastcgi_tower::run(service).await
}
