//! Memory that many connections share: who may borrow how much, and that all come to their end.

use std::{convert::Infallible, time::Duration};

use bytes::Bytes;
use fastcgi_tower::{
    BoxError, Budget, ConnectionBuilder, Counters, Exchange, Incoming, Limits, Reply, serve,
};
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use tokio::{io::AsyncWriteExt, task::JoinSet, time::timeout};
use tower::service_fn;

use crate::support::{
    AUTHORIZER, CLOSE, DATA, FILTER, PIPE, RESPONDER, WebServer, echo, full, get, head_as, held,
    hello, pattern, post, record, stdin, stdin_all, until_idle,
};

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;
/// No request takes that long here, not even behind all others.
const PATIENCE: Duration = Duration::from_secs(24 * 60 * 60);

fn builder(budget: &Budget) -> ConnectionBuilder {
    let limits = Limits::default().max_spill(MIB);
    ConnectionBuilder::new()
        .limits(limits)
        .budget(budget.clone())
}

/// As Caddy: writes all of a body, and then reads.
async fn upload(builder: ConnectionBuilder, length: usize, pause: Duration) {
    let mut web_server = WebServer::connect_with(builder, PIPE, service_fn(echo));
    let data = pattern(length);
    let length = length.to_string();
    let more = [("CONTENT_LENGTH", length.as_str())];
    let head = head_as(1, RESPONDER, CLOSE, "POST", "/", &more);
    web_server.io.write_all(&head).await.expect("taken");
    let body = stdin_all(1, &data);
    let written = timeout(PATIENCE, web_server.io.write_all(&body)).await;
    written.expect("all comes to an end").expect("taken");
    tokio::time::sleep(pause).await;
    let reply = web_server.reply(1).await;
    assert!(reply.body() == data, "the same bytes");
}

/// Uploads at once, many more than fit. Each web server takes its time before it reads.
async fn crowd(pause: Duration) {
    let budget = Budget::new(24, 8 * MIB);
    let counters = Counters::default();
    let mut uploads = JoinSet::new();
    for _ in 0..24 {
        let builder = builder(&budget).counters(counters.clone());
        uploads.spawn(upload(builder, MIB, pause));
    }
    let mut most = 0;
    while let Some(finished) = uploads.join_next().await {
        finished.expect("an upload that is answered");
        most = most.max(budget.borrowed());
    }
    assert!(most > 4 * MIB, "{most} bytes: it was not short");
    let waits = counters.read().waits_for_memory;
    assert!(waits > 0, "{waits} connections had to wait");
    until_idle().await;
    assert_eq!(budget.borrowed(), 0);
}

/// B-8, one floor up: each could hold a part, and all wait for the rest.
#[tokio::test(start_paused = true)]
async fn uploads_that_need_more_than_there_is_finish_one_after_the_other() {
    crowd(Duration::ZERO).await;
}

/// The time that a web server has to read does not run while it is others who keep it waiting: here for minutes.
#[tokio::test(start_paused = true)]
async fn who_waits_for_memory_is_not_late() {
    crowd(Duration::from_secs(50)).await;
}

#[tokio::test(start_paused = true)]
async fn no_connection_gets_more_than_a_quarter() {
    let budget = Budget::new(4, 4 * MIB);
    let limits = Limits::default().max_spill(16 * MIB);
    let builder = ConnectionBuilder::new()
        .limits(limits)
        .budget(budget.clone());
    let mut web_server = WebServer::connect_with(builder, PIPE, service_fn(echo));
    web_server.send(post(1, "/", 8 * MIB)).await;
    let body = stdin_all(1, &pattern(8 * MIB));
    let writing = timeout(Duration::from_secs(30), web_server.io.write_all(&body)).await;
    assert!(writing.is_err(), "all of it was taken");
    let borrowed = budget.borrowed();
    assert!((MIB / 2..=MIB).contains(&borrowed), "{borrowed} bytes");
}

/// Takes all there is to lend, with uploads that nobody reads back.
async fn exhaust(budget: &Budget) -> Vec<WebServer> {
    let mut web_servers = Vec::new();
    for _ in 0..16 {
        let mut web_server = WebServer::connect_with(builder(budget), PIPE, service_fn(echo));
        web_server.send(post(1, "/", 4 * MIB)).await;
        let body = stdin_all(1, &pattern(4 * MIB));
        let writing = timeout(Duration::from_secs(1), web_server.io.write_all(&body)).await;
        assert!(writing.is_err(), "all of it was taken");
        web_servers.push(web_server);
    }
    web_servers
}

#[tokio::test(start_paused = true)]
async fn what_a_connection_owns_is_enough_when_nothing_is_left() {
    let budget = Budget::new(20, 8 * MIB);
    let others = exhaust(&budget).await;
    assert!(budget.borrowed() > 4 * MIB);
    let mut web_server = WebServer::connect_with(builder(&budget), PIPE, service_fn(hello));
    for _ in 0..3 {
        web_server.send(get(1, "/")).await;
        assert_eq!(web_server.reply(1).await.status(), "200");
    }
    // A body of any length, as long as it is read.
    let count = service_fn(async |request: Request<Incoming>| {
        let body = request.into_body().collect().await.expect("a whole body");
        Ok::<_, Infallible>(Response::new(body.to_bytes().len().to_string()))
    });
    let mut web_server = WebServer::connect_with(builder(&budget), PIPE, count);
    web_server.send(post(1, "/", MIB)).await;
    web_server.send(stdin_all(1, &pattern(MIB))).await;
    assert_eq!(web_server.reply(1).await.body(), b"1048576");
    // A response of any length, as long as it is read.
    let flood = service_fn(async |_: Request<Incoming>| {
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(pattern(MIB)))))
    });
    let mut web_server = WebServer::connect_with(builder(&budget), PIPE, flood);
    web_server.send(get(1, "/")).await;
    assert_eq!(web_server.reply(1).await.body().len(), MIB);
    drop(others);
    until_idle().await;
}

#[tokio::test(start_paused = true)]
async fn large_params_wait_until_there_is_memory() {
    let budget = Budget::new(20, 8 * MIB);
    let others = exhaust(&budget).await;
    let mut web_server = WebServer::connect_with(builder(&budget), PIPE, service_fn(hello));
    let cookie = "c".repeat(100 * KIB);
    let head = head_as(1, RESPONDER, CLOSE, "GET", "/", &[("HTTP_COOKIE", &cookie)]);
    let request = [head, stdin_all(1, b"")].concat();
    let (mut reader, mut writer) = tokio::io::split(web_server.io);
    let written = tokio::spawn(async move { writer.write_all(&request).await.map(|()| writer) });
    tokio::time::sleep(Duration::from_secs(5)).await;
    let has_waited = !written.is_finished();
    drop(others);
    let mut answer = Vec::new();
    let read = tokio::io::AsyncReadExt::read_to_end(&mut reader, &mut answer);
    let read = timeout(PATIENCE, read).await;
    read.expect("an answer").expect("a pipe");
    assert!(has_waited, "there was memory");
    assert!(answer.windows(8).any(|it| it == b"Status: "), "{answer:?}");
    web_server = WebServer::connect_with(builder(&budget), PIPE, service_fn(hello));
    web_server.send(get(1, "/")).await;
    assert_eq!(web_server.reply(1).await.status(), "200");
}

/// What it waited for is not kept for it: nobody would need it.
#[tokio::test(start_paused = true)]
async fn a_connection_whose_body_was_read_waits_no_longer() {
    let budget = Budget::new(20, 8 * MIB);
    let others = exhaust(&budget).await;
    let (service, mut calls) = held();
    let web_server = WebServer::connect_with(builder(&budget), PIPE, service);
    let (_reader, mut writer) = tokio::io::split(web_server.io);
    let request = [post(1, "/", MIB), stdin(1, &pattern(32 * KIB))].concat();
    let more = (0..8)
        .map(|_| stdin(1, &pattern(32 * KIB)))
        .collect::<Vec<_>>();
    let written = tokio::spawn(async move {
        writer.write_all(&request).await.expect("taken");
        writer.write_all(&more.concat()).await.expect("taken");
        writer
    });
    let mut call = calls.recv().await.expect("a call");
    until_idle().await;
    assert!(!written.is_finished(), "there was memory");
    let body = call.request.body_mut();
    while timeout(Duration::from_millis(10), body.frame())
        .await
        .is_ok()
    {}
    let _writer = timeout(PATIENCE, written).await.expect("all was read");
    drop(others);
    until_idle().await;
    assert_eq!(budget.borrowed(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_was_lent_comes_back_when_a_connection_is_quiet() {
    let budget = Budget::new(20, 64 * MIB);
    let (service, mut calls) = held();
    let mut web_server = WebServer::connect_with(builder(&budget), PIPE, service);
    web_server.send(post(1, "/", 64 * KIB)).await;
    web_server.send(stdin_all(1, &pattern(64 * KIB))).await;
    let call = calls.recv().await.expect("a call");
    until_idle().await;
    assert!(budget.borrowed() > 0, "it holds more than it owns");
    call.answer(full("done"));
    assert_eq!(web_server.reply(1).await.body(), b"done");
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(budget.borrowed(), 0);
}

/// A service of exchanges that never reads what it is sent.
async fn ignore(exchange: Exchange) -> Result<Reply<Full<Bytes>>, BoxError> {
    let _kept = (exchange.stdin, exchange.data);
    std::future::pending().await
}

/// Both streams of a Filter are under the budget.
#[tokio::test(start_paused = true)]
async fn a_filter_borrows() {
    let budget = Budget::new(4, 8 * MIB);
    let builder = builder(&budget).filter(true);
    let mut web_server = WebServer::connect_exchanges(builder, service_fn(ignore));
    let more = [
        ("CONTENT_LENGTH", "1000000"),
        ("FCGI_DATA_LENGTH", "1000000"),
    ];
    web_server
        .send(head_as(1, FILTER, CLOSE, "POST", "/", &more))
        .await;
    let file = record(DATA, 1, &[0; 32 * KIB]).repeat(30);
    let writing = timeout(Duration::from_secs(1), web_server.io.write_all(&file)).await;
    assert!(writing.is_err(), "all of it was taken");
    let borrowed = budget.borrowed();
    assert!((1..=MIB).contains(&borrowed), "{borrowed} bytes");
}

/// An Authorizer's params are, and its answer is what its connection owns.
#[tokio::test(start_paused = true)]
async fn an_authorizer_borrows() {
    let budget = Budget::new(4, 8 * MIB);
    let builder = builder(&budget).authorizer(true);
    let mut web_server = WebServer::connect_exchanges(builder, service_fn(ignore));
    let cookie = "c".repeat(120 * KIB);
    let head = head_as(
        1,
        AUTHORIZER,
        CLOSE,
        "GET",
        "/",
        &[("HTTP_COOKIE", &cookie)],
    );
    web_server.send(head).await;
    until_idle().await;
    let borrowed = budget.borrowed();
    assert!((1..=MIB).contains(&borrowed), "{borrowed} bytes");
}

/// Plain CGI is FastCGI over a pipe, and under the budget of its server.
#[tokio::test(start_paused = true)]
async fn plain_cgi_borrows() {
    let budget = Budget::new(1, 8 * MIB);
    let length = (4 * MIB).to_string();
    let params = [
        ("REQUEST_METHOD", "POST"),
        ("REQUEST_URI", "/"),
        ("CONTENT_LENGTH", &length),
    ];
    let body = std::io::Cursor::new(pattern(4 * MIB));
    let (output, mut response) = tokio::io::duplex(512);
    let params = params.into_iter().collect();
    let (listener, gateway) = fastcgi_tower::process::cgi(&params, body, output);
    let server = serve(listener, service_fn(echo))
        .budget(budget.clone())
        .with_graceful_shutdown(async {
            gateway.await.expect("a gateway that reads in the end");
        });
    let server = tokio::spawn(server.into_future());
    tokio::time::sleep(Duration::from_secs(1)).await;
    let borrowed = budget.borrowed();
    assert!((1..=2 * MIB).contains(&borrowed), "{borrowed} bytes");
    let mut bytes = Vec::new();
    let read = tokio::io::AsyncReadExt::read_to_end(&mut response, &mut bytes);
    timeout(PATIENCE, read)
        .await
        .expect("an end")
        .expect("a pipe");
    assert!(bytes.ends_with(&pattern(4 * MIB)), "the same bytes");
    let served = timeout(PATIENCE, server).await;
    served
        .expect("an end")
        .expect("no panic")
        .expect("no failure");
    assert_eq!(budget.borrowed(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_server_needs_enough_for_one_request() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let server = serve(listener, service_fn(hello)).max_memory(MIB);
    let error = server.await.expect_err("too little");
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
    assert!(
        error.to_string().starts_with("max_memory is 1048576"),
        "{error}"
    );
}
