//! Bodies, and what cannot be had over FastCGI.

use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, Multipart, WebSocketUpgrade},
    response::Response,
    routing::{any, post},
};
use tokio::io::AsyncWriteExt;

use crate::support::{Server, get, post as post_request, reply, stdin};

#[tokio::test]
async fn extractors_read_bodies() {
    async fn field(mut form: Multipart) -> String {
        let field = form.next_field().await.expect("a form").expect("a field");
        format!(
            "{:?}={}",
            field.name().map(str::to_owned),
            field.text().await.expect("text")
        )
    }
    let app = Router::new()
        .route(
            "/json",
            post(async |Json(number): Json<u32>| (number + 1).to_string()),
        )
        .route("/multipart", post(field));
    let server = Server::start(app);

    let request = [
        post_request("/json", "application/json", 2),
        stdin(b"41"),
        stdin(b""),
    ];
    assert_eq!(server.ask(request.concat()).await.body, "42");
    let request = [
        post_request("/json", "text/plain", 2),
        stdin(b"41"),
        stdin(b""),
    ];
    assert_eq!(server.ask(request.concat()).await.status, 415);

    let form = b"--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n--x--\r\n";
    let request = [
        post_request("/multipart", "multipart/form-data; boundary=x", form.len()),
        stdin(form),
        stdin(b""),
    ];
    assert_eq!(server.ask(request.concat()).await.body, "Some(\"a\")=b");
}

/// 413, although the web server goes on sending what nobody reads; and the connection can be used again.
#[tokio::test]
async fn a_body_over_the_limit_is_413() {
    let app = Router::new()
        .route(
            "/",
            post(async |_: Bytes| "taken").get(async || "still here"),
        )
        .layer(DefaultBodyLimit::max(1000));
    let server = Server::start(app);
    let mut io = server.connect().await;
    let body = [b'x'; 60_000];
    io.write_all(&post_request("/", "text/plain", 20 * body.len()))
        .await
        .expect("a connection");
    let (mut from, mut to) = io.split();
    let sent = async {
        for _ in 0..20 {
            to.write_all(&stdin(&body)).await.expect("a connection");
        }
        to.write_all(&stdin(b"")).await.expect("a connection");
    };
    let ((), refused) = tokio::join!(sent, reply(&mut from));
    assert_eq!(refused.status, 413);
    io.write_all(&get("/", &[])).await.expect("a connection");
    assert_eq!(reply(&mut io).await.body, "still here");
}

#[tokio::test]
async fn a_body_goes_back_as_it_comes() {
    let app = Router::new().route("/", post(async |body: Body| body));
    let server = Server::start(app);
    let mut io = server.connect().await;
    let request = [post_request("/", "text/plain", 10), stdin(b"12345")];
    io.write_all(&request.concat()).await.expect("a connection");
    io.write_all(&[stdin(b"67890"), stdin(b"")].concat())
        .await
        .expect("a connection");
    assert_eq!(reply(&mut io).await.body, "1234567890");
}

/// there is nothing to upgrade; axum says so itself.
#[tokio::test]
async fn a_web_socket_is_refused() {
    async fn upgrade(upgrade: WebSocketUpgrade) -> Response {
        upgrade.on_upgrade(async |_| unreachable!("there is no such connection"))
    }
    let server = Server::start(Router::new().route("/", any(upgrade)));
    let headers = [
        ("HTTP_CONNECTION", "Upgrade"),
        ("HTTP_UPGRADE", "websocket"),
        ("HTTP_SEC_WEBSOCKET_VERSION", "13"),
        ("HTTP_SEC_WEBSOCKET_KEY", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    let reply = server.ask(get("/", &headers)).await;
    assert!(matches!(reply.status, 400 | 426), "{reply:?}");
}
