//! What an answer to HEAD says of its length is what `axum::serve` says.

use std::future::IntoFuture;

use axum::{
    Router,
    body::Body,
    handler::HandlerWithoutStateExt,
    http::{StatusCode, header::CONTENT_LENGTH},
    response::{IntoResponse, Response},
    routing::{get, head},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::support::{Server, get as get_request};

fn router() -> Router {
    let streamed =
        || Body::from_stream(futures_util::stream::empty::<Result<&str, std::io::Error>>());
    Router::new()
        .route("/empty", get(""))
        .route("/nothing", get(()))
        .route("/text", get("hello"))
        .route("/stream", get(async move || streamed()))
        .route("/no-content", get(StatusCode::NO_CONTENT))
        .route("/not-modified", get(StatusCode::NOT_MODIFIED))
        .route("/head", head(""))
        .route("/head-text", head("hello"))
        .route("/announced", head([(CONTENT_LENGTH, "5")]))
        .route("/failed", get(StatusCode::INTERNAL_SERVER_ERROR))
        .route_service("/service", empty.into_service())
}

async fn empty() -> Response {
    ().into_response()
}

/// The status and the `content-length` that HTTP gives.
async fn over_http(server: std::net::SocketAddr, path: &str) -> (u16, Option<String>) {
    let mut io = TcpStream::connect(server).await.expect("a connection");
    let request = format!("HEAD {path} HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n\r\n");
    io.write_all(request.as_bytes())
        .await
        .expect("a connection");
    let mut answer = String::new();
    io.read_to_string(&mut answer).await.expect("an answer");
    let status = answer.strip_prefix("HTTP/1.1 ").expect("a status line");
    let mut fields = answer.lines().filter_map(|line| line.split_once(": "));
    let length = fields.find(|(name, _)| *name == "content-length");
    (
        status[..3].parse().expect("three digits"),
        length.map(|(_, value)| value.to_owned()),
    )
}

#[tokio::test]
async fn an_answer_to_head_has_the_length_of_axum() {
    let http = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let addr = http.local_addr().expect("an address");
    let http = tokio::spawn(axum::serve(http, router()).into_future());
    let fastcgi = Server::start(router());
    let mut lengths = Vec::new();
    for path in [
        "/empty",
        "/nothing",
        "/text",
        "/stream",
        "/not-modified",
        "/head",
        "/head-text",
        "/announced",
        "/failed",
        "/service",
        "/nowhere",
    ] {
        // Of two params with one name the last counts.
        let reply = fastcgi
            .ask(get_request(path, &[("REQUEST_METHOD", "HEAD")]))
            .await;
        let length = reply.fields("content-length").last().map(str::to_owned);
        assert_eq!(
            (reply.status, length.clone()),
            over_http(addr, path).await,
            "{path}"
        );
        assert_eq!(reply.body, "", "{path}");
        lengths.push(format!("{path} {}", length.as_deref().unwrap_or("–")));
    }
    let expected = [
        "/empty 0",
        "/nothing 0",
        "/text 5",
        "/stream –",
        "/not-modified 0",
        "/head 0",
        "/head-text 5",
        "/announced 5",
        "/failed 0",
        "/service –",
        "/nowhere –",
    ];
    assert_eq!(lengths, expected);

    // RFC 9110, 8.6 forbids the field with 204, where axum has it.
    let head = get_request("/no-content", &[("REQUEST_METHOD", "HEAD")]);
    let reply = fastcgi.ask(head).await;
    assert_eq!(reply.fields("content-length").count(), 0);
    let zero = Some("0".to_owned());
    assert_eq!(over_http(addr, "/no-content").await, (204, zero));
    http.abort();
}

/// Without a router, which takes the size of a body before it drops that.
#[tokio::test]
async fn so_has_one_of_a_handler_alone() {
    let http = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let addr = http.local_addr().expect("an address");
    let app = || HandlerWithoutStateExt::into_make_service(empty);
    let http = tokio::spawn(axum::serve(http, app()).into_future());
    let fastcgi = Server::start_with(app(), |server| server);
    let reply = fastcgi
        .ask(get_request("/", &[("REQUEST_METHOD", "HEAD")]))
        .await;
    let length = reply.fields("content-length").last().map(str::to_owned);
    assert_eq!((reply.status, length), over_http(addr, "/").await);
    http.abort();
}
