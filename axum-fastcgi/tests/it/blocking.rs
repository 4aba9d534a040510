//! Blocking handlers behind axum's router.

use std::io::{self, Read};

use axum::{Router, routing::get};
use fastcgi_tower::blocking::{Request, Response, service_fn};

use crate::support::{Server, get as get_request};

fn answer(request: &mut Request) -> io::Result<Response> {
    if request.uri().path() == "/blocking/panic" {
        panic!("it panics");
    }
    let mut text = String::new();
    request.read_to_string(&mut text)?;
    let user = request.params().remote_user().unwrap_or_default();
    Ok(format!("{} {}", request.uri(), user.escape_ascii()).into())
}

#[tokio::test]
async fn axum_routes_to_blocking_handlers() {
    let service = service_fn(answer).max_workers(1);
    let app = Router::new()
        .route("/", get(async || "async"))
        .route_service("/blocking/{*rest}", service.clone())
        .fallback_service(service);
    let server = Server::start(app);
    for (path, status, body) in [
        ("/", 200, "async"),
        ("/blocking/x", 200, "/blocking/x ann"),
        ("/blocking/panic", 500, "500 Internal Server Error\n"),
        ("/other", 200, "/other ann"),
    ] {
        let reply = server
            .ask(get_request(path, &[("REMOTE_USER", "ann")]))
            .await;
        assert_eq!(
            (reply.status, reply.body.as_str()),
            (status, body),
            "{path}"
        );
    }
}
