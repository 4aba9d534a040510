//! What `Debug` shows: names and numbers, never what a client has sent.

use std::{
    convert::Infallible,
    io::{self, Write},
};

use fastcgi_tower::{
    CgiIo, ConnectionBuilder, Exchange, HttpService, Incoming, Reply, async_cgi_fn,
    blocking::{self, WhenFull},
    cgi_fn, serve,
};
use http::{Request, Response};
use tokio::{io::AsyncWriteExt, io::duplex, net::TcpListener};
use tower::service_fn;

use crate::{
    blocking::within,
    support::{PIPE, WebServer, head, hello, stdin},
};

/// A request with a secret in its head and in its body.
fn secret() -> Vec<u8> {
    let params = [("HTTP_COOKIE", "hidden"), ("CONTENT_LENGTH", "6")];
    [head(1, "POST", "/", &params), stdin(1, b"hidden")].concat()
}

/// What a handler has shown of the request.
fn check(shown: &[u8], names: &[&str]) {
    let shown = String::from_utf8_lossy(shown);
    for name in names {
        assert!(shown.contains(name), "{name} in {shown}");
    }
    assert!(!shown.contains("hidden"), "{shown}");
}

#[tokio::test]
async fn a_request_is_shown_without_values() {
    let service = blocking::service_fn(|request: &mut blocking::Request| {
        let shown = format!("{request:?}");
        let mut body = request.start(Response::new(()))?;
        let shown = format!("{shown} {body:?}");
        body.write_all(shown.as_bytes())?;
        body.finish()
    });
    let mut web_server = WebServer::connect(service);
    web_server.send(secret()).await;
    let reply = within(web_server.reply(1)).await;
    check(reply.body(), &["Request", "POST", "HTTP_COOKIE", "Writer"]);

    let service = service_fn(|request: Request<Incoming>| async move {
        let shown = format!("{:?}", request.body());
        Ok::<_, Infallible>(Response::new(shown))
    });
    let mut web_server = WebServer::connect(service);
    web_server.send(secret()).await;
    let reply = within(web_server.reply(1)).await;
    check(reply.body(), &["Incoming", "6"]);
}

#[tokio::test]
async fn an_exchange_is_shown_without_values() {
    let service = service_fn(|exchange: Exchange| async move {
        Ok::<_, Infallible>(Reply::streaming(|mut stdout| async move {
            let shown = format!("\r\n{exchange:?} {stdout:?}");
            stdout.write_all(shown.as_bytes()).await
        }))
    });
    let mut web_server = WebServer::connect_exchanges(ConnectionBuilder::new(), service);
    web_server.send(secret()).await;
    let reply = within(web_server.reply(1)).await;
    check(
        &reply.stdout,
        &["Exchange", "HTTP_COOKIE", "Stdout { waiting: 0 }"],
    );
}

#[tokio::test]
async fn the_streams_of_a_cgi_function_are_shown_without_values() {
    let function = cgi_fn(|io: &mut CgiIo| {
        let shown = format!("{io:?}");
        writeln!(io, "X: y\n\n{shown}")
    });
    let mut web_server = WebServer::connect_exchanges(ConnectionBuilder::new(), function);
    web_server.send(secret()).await;
    let reply = within(web_server.reply(1)).await;
    let names = ["CgiIo", "HTTP_COOKIE", "CgiStdout", "CgiStderr"];
    check(reply.body(), &names);

    let function = async_cgi_fn(|mut io| async move {
        let shown = format!("X: y\n\n{io:?}");
        io.write_all(shown.as_bytes()).await
    });
    let mut web_server = WebServer::connect_exchanges(ConnectionBuilder::new(), function);
    web_server.send(secret()).await;
    let reply = within(web_server.reply(1)).await;
    check(
        reply.body(),
        &["AsyncCgiIo", "HTTP_COOKIE", "Stdout { waiting: 0 }"],
    );
}

#[tokio::test]
async fn services_and_servers_show_their_settings() {
    let service = blocking::service_fn(|_: &mut blocking::Request| Ok::<_, io::Error>("hello"))
        .max_workers(3)
        .max_queue(5);
    let shown = format!("{service:?}");
    assert!(shown.contains("max_workers: 3"), "{shown}");
    assert!(shown.contains("max_queue: 5"), "{shown}");

    let function = cgi_fn(|_: &mut CgiIo| Ok::<_, io::Error>(()))
        .max_workers(3)
        .when_full(WhenFull::Wait);
    let shown = format!("{function:?}");
    assert!(shown.contains("max_workers: 3"), "{shown}");
    assert!(shown.contains("when_full: Wait"), "{shown}");

    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a socket");
    let server = serve(listener, service_fn(hello)).max_requests(7);
    let shown = format!("{server:?}");
    assert!(shown.contains("max_requests: Some(7)"), "{shown}");
}

#[tokio::test]
async fn a_connection_shows_how_far_it_has_come() {
    let (_near, far) = duplex(PIPE);
    let service = HttpService::new(service_fn(hello));
    let connection = ConnectionBuilder::new().serve_connection(far, service);
    let shown = format!("{connection:?}");
    assert!(shown.contains("life: Open"), "{shown}");
    assert!(shown.contains("requests: 0"), "{shown}");
}
