//! How long a client waits, on a clock that is paused.

use std::{
    os::unix::net::UnixStream,
    path::PathBuf,
    sync::{Arc, atomic::AtomicUsize},
    time::Duration,
};

use bytes::Bytes;
use fastcgi_tower::client::{Client, ClientError};
use http::Request;
use http_body_util::BodyExt;
use socket2::{Domain, SockAddr, Socket, Type};
use tempfile::TempDir;
use tokio::{
    io::AsyncReadExt,
    join,
    net::UnixListener,
    time::{Instant, advance, sleep},
};
use tower::ServiceExt;

use crate::client::{
    App, COMPLETE, Endless, POST, STDIN_END, Upload, exchange, get, params, stderr, stdin, stdout,
};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// What an error says, after which it is asserted to be about time.
fn late(error: &ClientError) -> String {
    assert!(error.is_timeout(), "{error:?}");
    error.to_string()
}

/// A socket on which one connection may wait to be accepted, and that one.
struct Full {
    listener: Socket,
    path: PathBuf,
    _first: UnixStream,
    _dir: TempDir,
}

impl Full {
    fn listen() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("app.sock");
        let listener = Socket::new(Domain::UNIX, Type::STREAM, None).expect("a socket");
        let addr = SockAddr::unix(&path).expect("a short path");
        listener.bind(&addr).expect("a free path");
        listener.listen(0).expect("a socket that is bound");
        let first = UnixStream::connect(&path).expect("a place for one");
        Self {
            listener,
            path,
            _first: first,
            _dir: dir,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_waited_for_for_ten_seconds() {
    let full = Full::listen();
    let start = Instant::now();
    let call = exchange(Client::new(full.path.as_path()), get());
    let error = call.await.expect_err("nobody accepts");
    assert_eq!(late(&error), "the application cannot be reached within 10s");
    assert!(error.is_connect());
    assert_eq!(start.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_place_in_the_backlog_of_a_unix_socket_is_waited_for() {
    let full = Full::listen();
    let client = Client::new(full.path.as_path());
    let serve = async {
        sleep(SECOND).await;
        full.listener.set_nonblocking(true).expect("a socket");
        let listener = full.listener.try_clone().expect("a descriptor");
        let listener = UnixListener::from_std(listener.into()).expect("a socket");
        _ = listener.accept().await.expect("the first");
        let (mut io, _) = listener.accept().await.expect("the client");
        let mut request = Vec::new();
        while !request.ends_with(STDIN_END) {
            io.read_buf(&mut request).await.expect("a connection");
        }
        let answer = [&stdout(b"\nhello"), COMPLETE].concat();
        tokio::io::AsyncWriteExt::write_all(&mut io, &answer)
            .await
            .expect("a connection");
        io
    };
    let (response, _io) = join!(exchange(client, get()), serve);
    assert_eq!(response.expect("a response").into_body(), "hello");
}

#[tokio::test(start_paused = true)]
async fn the_first_byte_is_waited_for_for_a_minute() {
    let app = App::listen();
    let start = Instant::now();
    let serve = async {
        let mut link = app.accept().await;
        link.expect_get().await;
        link.expect_closed().await;
    };
    let (response, ()) = join!(exchange(app.client(), get()), serve);
    let error = response.expect_err("nothing is sent");
    assert_eq!(late(&error), "the application sent nothing within 60s");
    assert!(!error.is_connect());
    assert_eq!(start.elapsed().as_secs(), 60);
}

#[tokio::test(start_paused = true)]
async fn a_pause_in_the_answer_may_be_a_minute() {
    let app = App::listen();
    let client = app.client().first_byte_timeout(Some(SECOND));
    let start = Instant::now();
    let serve = async {
        let mut link = app.accept().await;
        link.expect_get().await;
        // A message is a sign of life, and a record of its own.
        link.send(stderr(b"wait")).await;
        sleep(59 * SECOND).await;
        link.send(stdout(b"\none")).await;
        sleep(59 * SECOND).await;
        link.send(stdout(b"two")).await;
        link.expect_closed().await;
    };
    let (response, ()) = join!(exchange(client, get()), serve);
    let error = response.expect_err("the end is missing");
    assert_eq!(late(&error), "the application's answer paused for 60s");
    assert_eq!(start.elapsed().as_secs(), 2 * 59 + 60);
}

#[tokio::test(start_paused = true)]
async fn the_whole_may_have_a_limit() {
    let app = App::listen();
    let client = app.client().timeout(Some(2 * MINUTE));
    let start = Instant::now();
    let serve = async {
        let mut link = app.accept().await;
        link.expect_get().await;
        link.send(stdout(b"\n")).await;
        for _ in 0..3 {
            sleep(50 * SECOND).await;
            if link.0.try_write(&stdout(b"more")).is_err() {
                break;
            }
        }
        link.expect_closed().await;
    };
    let (response, ()) = join!(exchange(client, get()), serve);
    let error = response.expect_err("the end is missing");
    assert_eq!(
        late(&error),
        "the application's answer was not whole within 120s"
    );
    assert_eq!(
        start.elapsed().as_secs(),
        150,
        "the application looked last"
    );
}

/// An application that always has something to read is never waited for.
#[tokio::test(start_paused = true)]
async fn an_answer_without_a_pause_has_the_limit_of_the_whole() {
    let app = App::listen();
    let client = app.client().timeout(Some(MINUTE));
    let call = tokio::spawn(exchange(client, get()));
    let mut link = app.accept().await;
    link.expect_get().await;
    // All of it is there when the client looks next, and that is too late.
    link.send([stdout(b"\nmore"), COMPLETE.into()].concat())
        .await;
    advance(MINUTE).await;
    let error = call.await.expect("no panic").expect_err("it is late");
    assert_eq!(
        late(&error),
        "the application's answer was not whole within 60s"
    );
}

#[tokio::test(start_paused = true)]
async fn waiting_for_a_place_counts_for_the_whole() {
    let app = App::listen();
    let client = app.client().max_connections(1);
    let first = tokio::spawn(exchange(client.clone(), get()));
    let mut link = app.accept().await;
    link.expect_get().await;
    let start = Instant::now();
    let second = exchange(client.timeout(Some(5 * SECOND)), get());
    let error = second.await.expect_err("there is no place");
    assert_eq!(late(&error), "the application did not answer within 5s");
    assert_eq!(start.elapsed().as_secs(), 5);
    link.send([stdout(b"\n"), COMPLETE.into()].concat()).await;
    first.await.expect("no panic").expect("a response");
}

#[tokio::test(start_paused = true)]
async fn the_body_of_a_request_may_take_its_time() {
    let app = App::listen();
    let (upload, request) = Upload::new();
    let call = tokio::spawn(exchange(app.client(), request));
    let mut link = app.accept().await;
    link.expect([crate::client::BEGIN, &params(POST)].concat())
        .await;
    for _ in 0..3 {
        sleep(10 * MINUTE).await;
        upload.send(Ok(Bytes::from_static(b"x"))).expect("a reader");
        link.expect(stdin(b"x")).await;
    }
    drop(upload);
    link.expect(STDIN_END).await;
    link.send([stdout(b"\n"), COMPLETE.into()].concat()).await;
    call.await.expect("no panic").expect("a response");
}

#[tokio::test(start_paused = true)]
async fn an_application_that_does_not_read_is_waited_for_for_a_minute() {
    let app = App::listen();
    let body = Endless(Arc::new(AtomicUsize::new(0)));
    let request = Request::post("/").body(body).expect("a valid request");
    let start = Instant::now();
    let (response, _link) = join!(exchange(app.client(), request), app.accept());
    let error = response.expect_err("nothing is read");
    assert_eq!(late(&error), "the application sent nothing within 60s");
    assert_eq!(start.elapsed().as_secs(), 60);
}

#[tokio::test(start_paused = true)]
async fn time_in_which_nobody_reads_the_response_does_not_count() {
    let app = App::listen();
    let call = tokio::spawn(app.client().oneshot(get()));
    let mut link = app.accept().await;
    link.expect_get().await;
    link.send(stdout(b"\none")).await;
    let mut response = call.await.expect("no panic").expect("a response");
    let frame = response.body_mut().frame().await.expect("a frame");
    assert_eq!(
        frame.expect("data").into_data().expect("data"),
        Bytes::from("one")
    );
    sleep(60 * MINUTE).await;
    link.send([stdout(b"two"), COMPLETE.into()].concat()).await;
    let rest = response.into_body().collect().await;
    assert_eq!(rest.expect("the rest").to_bytes(), "two");
}

#[tokio::test(start_paused = true)]
async fn values_are_waited_for_as_long_as_a_first_byte() {
    let app = App::listen();
    let client = app.client();
    let start = Instant::now();
    let (values, _link) = join!(client.get_values(&["FCGI_MPXS_CONNS"]), app.accept());
    let error = values.expect_err("nothing is sent");
    assert_eq!(late(&error), "the application sent nothing within 60s");
    assert_eq!(start.elapsed().as_secs(), 60);
}

#[tokio::test(start_paused = true)]
async fn without_limits_everything_is_waited_for() {
    let app = App::listen();
    let client = app.client().connect_timeout(None);
    let client = client.first_byte_timeout(None).read_timeout(None);
    let serve = async {
        let mut link = app.accept().await;
        link.expect_get().await;
        sleep(24 * 60 * MINUTE).await;
        link.send(stdout(b"\none")).await;
        sleep(24 * 60 * MINUTE).await;
        link.send(COMPLETE).await;
    };
    let (response, ()) = join!(exchange(client, get()), serve);
    assert_eq!(response.expect("a response").into_body(), "one");
}
