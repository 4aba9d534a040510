//! The graceful end of a connection.

use std::{
    pin::{Pin, pin},
    time::Duration,
};

use fastcgi_tower::{ConnectionBuilder, HttpService};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    sync::oneshot,
    time::Instant,
};
use tower::service_fn;

use crate::support::{
    CANT_MPX_CONN, Call, END_REQUEST, KEEP_CONN, PIPE, RESPONDER, WebServer, begin, full, get,
    head, held, hello, params, post, records, stdin, until_idle,
};

/// A connection that begins to shut down when told to.
fn connect() -> (
    WebServer,
    tokio::sync::mpsc::UnboundedReceiver<Call>,
    oneshot::Sender<()>,
) {
    let (service, calls) = held();
    let (near, far) = duplex(PIPE);
    let (shutdown, signal) = oneshot::channel();
    let connection = ConnectionBuilder::new().serve_connection(far, HttpService::new(service));
    let driven = tokio::spawn(async move {
        let mut connection = pin!(connection);
        tokio::select! {
            biased;
            result = &mut connection => return result,
            _ = signal => connection.as_mut().graceful_shutdown(),
        }
        connection.await
    });
    (WebServer::beside(near, driven), calls, shutdown)
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_closes_at_once() {
    let (mut web_server, mut calls, shutdown) = connect();
    web_server.send(get(1, "/")).await;
    calls.recv().await.expect("a call").answer(full("done"));
    web_server.reply(1).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let start = Instant::now();
    shutdown.send(()).expect("the connection lives");
    web_server.closed().await;
    web_server.result().await.expect("a good end");
    assert_eq!(start.elapsed(), Duration::ZERO);
}

/// B-19: the web server may be sending its next request.
#[tokio::test(start_paused = true)]
async fn a_connection_in_use_has_1500_ms_for_its_next_request() {
    let (mut web_server, mut calls, shutdown) = connect();
    web_server.send(get(1, "/")).await;
    calls.recv().await.expect("a call").answer(full("done"));
    web_server.reply(1).await;
    let start = Instant::now();
    shutdown.send(()).expect("the connection lives");
    web_server.closed().await;
    web_server.result().await.expect("a good end");
    assert_eq!(start.elapsed().as_millis(), 1500);
}

/// B-19: to nginx, in the same write as END_REQUEST, or it would keep the connection.
#[tokio::test(start_paused = true)]
async fn the_last_answer_to_nginx_ends_with_an_empty_record_in_one_write() {
    let nginx = [("SERVER_SOFTWARE", "nginx/1.22.1")];
    let request = [head(1, "POST", "/", &nginx), stdin(1, b"")].concat();
    let (mut web_server, mut calls, shutdown) = connect();
    web_server.send(&request).await;
    calls.recv().await.expect("a call").answer(full("done"));
    web_server.reply(1).await;
    shutdown.send(()).expect("the connection lives");
    until_idle().await;
    web_server.send(&request).await;
    calls.recv().await.expect("a call").answer(full("done"));
    let mut written = vec![0; PIPE];
    let length = web_server.io.read(&mut written).await.expect("a pipe");
    let records = records(&written[..length]);
    let types: Vec<_> = records.iter().map(|it| (it.record_type, it.id)).collect();
    assert_eq!(types[types.len() - 2..], [(END_REQUEST, 1), (10, 0)]);
    assert!(records.last().is_some_and(|it| it.content.is_empty()));
    web_server.closed().await;
}

#[tokio::test(start_paused = true)]
async fn a_request_in_progress_finishes() {
    let (mut web_server, mut calls, shutdown) = connect();
    web_server.send(post(1, "/", 3)).await;
    let call = calls.recv().await.expect("a call");
    shutdown.send(()).expect("the connection lives");
    web_server.silent_for(Duration::from_secs(100)).await;
    web_server.send(stdin(1, b"abc")).await;
    call.answer(full("done"));
    assert_eq!(web_server.reply(1).await.body(), b"done");
    web_server.closed().await;
}

#[tokio::test(start_paused = true)]
async fn a_request_in_the_middle_of_its_params_is_served() {
    for fresh in [true, false] {
        let (mut web_server, mut calls, shutdown) = connect();
        if !fresh {
            web_server.send(get(1, "/")).await;
            calls.recv().await.expect("a call").answer(full("first"));
            web_server.reply(1).await;
        }
        web_server.send(begin(1, RESPONDER, KEEP_CONN)).await;
        until_idle().await;
        shutdown.send(()).expect("the connection lives");
        tokio::time::sleep(Duration::from_secs(10)).await;
        let pairs = [("REQUEST_METHOD", "GET"), ("REQUEST_URI", "/")];
        web_server
            .send([params(1, &pairs), stdin(1, b"")].concat())
            .await;
        calls.recv().await.expect("a call").answer(full("done"));
        assert_eq!(web_server.reply(1).await.body(), b"done", "fresh: {fresh}");
        web_server.closed().await;
    }
}

/// A web server that has just connected is about to send a request.
#[tokio::test(start_paused = true)]
async fn a_fresh_connection_has_250_ms_for_its_first_request() {
    let (mut web_server, mut calls, shutdown) = connect();
    shutdown.send(()).expect("the connection lives");
    tokio::time::sleep(Duration::from_millis(249)).await;
    web_server.send(get(1, "/")).await;
    calls.recv().await.expect("a call").answer(full("done"));
    assert_eq!(web_server.reply(1).await.body(), b"done");
    web_server.closed().await;

    let (mut web_server, _calls, shutdown) = connect();
    until_idle().await;
    let start = Instant::now();
    shutdown.send(()).expect("the connection lives");
    web_server.closed().await;
    web_server.result().await.expect("a good end");
    assert_eq!(start.elapsed().as_millis(), 250);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_comes_after_the_shutdown_is_refused() {
    let (mut web_server, mut calls, shutdown) = connect();
    web_server.send(get(1, "/")).await;
    let call = calls.recv().await.expect("a call");
    shutdown.send(()).expect("the connection lives");
    until_idle().await;
    web_server.send(get(2, "/")).await;
    let refusal = web_server.reply(2).await;
    assert_eq!(
        (refusal.status(), refusal.protocol_status),
        ("503", CANT_MPX_CONN)
    );
    call.answer(full("done"));
    assert_eq!(web_server.reply(1).await.body(), b"done");
    web_server.closed().await;
}

#[tokio::test(start_paused = true)]
async fn a_connection_can_be_shut_down_before_it_is_polled_and_twice() {
    let (near, far): (DuplexStream, _) = duplex(PIPE);
    let mut connection =
        ConnectionBuilder::new().serve_connection(far, HttpService::new(service_fn(hello)));
    Pin::new(&mut connection).graceful_shutdown();
    Pin::new(&mut connection).graceful_shutdown();
    let mut web_server = WebServer::over(near, connection);
    web_server.send(get(1, "/")).await;
    assert_eq!(web_server.reply(1).await.body(), b"hello");
    web_server.closed().await;
}

#[tokio::test(start_paused = true)]
async fn the_socket_can_be_had_back() {
    let (near, far) = duplex(PIPE);
    let mut connection =
        ConnectionBuilder::new().serve_connection(far, HttpService::new(service_fn(hello)));
    let mut rest = near;
    rest.write_all(b"\x02 rubbish").await.expect("a pipe");
    let error = (&mut connection).await.expect_err("a protocol error");
    assert!(error.is_protocol());
    let mut io = connection.into_io();
    io.write_all(b"bye").await.expect("a pipe");
}
