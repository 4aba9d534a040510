//! Connections that are kept for another request, and messages and statuses that belong to one.

use std::{
    net::Shutdown,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use fastcgi_tower::client::OnStderr;
use http::Request;
use http_body_util::{BodyExt, Full};
use tokio::{io::AsyncReadExt, join};
use tower::ServiceExt;

use crate::client::{App, COMPLETE, Link, STDIN_END, exchange, get, stderr, stdin, stdout};

/// Closes the half that the client sends to. The client cannot see it before it sends.
fn close_for_reading(link: Link) -> std::os::unix::net::UnixStream {
    let io = link.0.into_std().expect("a descriptor");
    io.shutdown(Shutdown::Read).expect("a connection");
    io
}

fn post() -> Request<Full<Bytes>> {
    let body = Full::new(Bytes::from_static(b"hello"));
    Request::post("/").body(body).expect("a valid request")
}

#[tokio::test]
async fn a_kept_connection_on_which_nothing_can_be_sent_is_replaced() {
    let app = App::listen();
    let client = app.client();
    let call = tokio::spawn(exchange(client.clone(), get()));
    let mut link = app.accept().await;
    link.expect_get().await;
    link.send([stdout(b"\nfirst"), COMPLETE.into()].concat())
        .await;
    assert_eq!(call.await.unwrap().unwrap().into_body(), "first");
    let _half = close_for_reading(link);

    let call = tokio::spawn(exchange(client, post()));
    let mut link = app.accept().await;
    link.send([stdout(b"\nsecond"), COMPLETE.into()].concat())
        .await;
    let response = call.await.unwrap().unwrap();
    assert_eq!(response.into_body(), "second");
    let mut request = Vec::new();
    while !request.ends_with(STDIN_END) {
        link.0.read_buf(&mut request).await.expect("a connection");
    }
    let body = stdin(b"hello");
    let is_whole = request.windows(body.len()).any(|window| window == body);
    assert!(is_whole, "{}", request.escape_ascii());
}

#[tokio::test]
async fn a_new_connection_on_which_nothing_can_be_sent_is_an_error() {
    let app = App::listen();
    let serve = async {
        let link = app.accept().await;
        drop(link);
    };
    let (response, ()) = join!(exchange(app.client(), get()), serve);
    let error = response.unwrap_err();
    assert!(error.is_incomplete_response(), "{error:?}");
}

#[tokio::test]
async fn a_request_of_which_something_was_sent_is_not_sent_again() {
    let app = App::listen();
    let client = app.client();
    let call = tokio::spawn(exchange(client.clone(), get()));
    let mut link = app.accept().await;
    link.expect_get().await;
    link.send([stdout(b"\nfirst"), COMPLETE.into()].concat())
        .await;
    call.await.unwrap().unwrap();

    let call = tokio::spawn(exchange(client.clone(), get()));
    link.expect_get().await;
    drop(link);
    let error = call.await.unwrap().unwrap_err();
    assert!(error.is_incomplete_response(), "{error:?}");

    // What comes next is a request of its own.
    let call = tokio::spawn(exchange(client, get()));
    let mut link = app.accept().await;
    link.expect_get().await;
    link.send([stdout(b"\nthird"), COMPLETE.into()].concat())
        .await;
    assert_eq!(call.await.unwrap().unwrap().into_body(), "third");
}

/// Collects messages.
#[derive(Clone, Default)]
struct Messages(Arc<Mutex<Vec<u8>>>);

impl Messages {
    fn function(&self) -> impl Fn(&[u8]) + Send + Sync + 'static {
        let all = Arc::clone(&self.0);
        move |message| all.lock().expect("no panic").extend_from_slice(message)
    }

    fn all(&self) -> String {
        let all = self.0.lock().expect("no panic");
        all.escape_ascii().to_string()
    }
}

#[tokio::test]
async fn messages_of_a_request_go_to_its_function() {
    let app = App::listen();
    let (of_all, of_one) = (Messages::default(), Messages::default());
    let client = app.client().on_stderr(of_all.function());
    let answer = [
        stderr(b"before the head, "),
        stdout(b"\n"),
        stderr(b"after it, "),
        stdout(b"body"),
        stderr(b"and at the end"),
        COMPLETE.into(),
    ]
    .concat();
    let mut request = get();
    request
        .extensions_mut()
        .insert(OnStderr::new(of_one.function()));
    let serve = async {
        let mut link = app.accept().await;
        for _ in 0..2 {
            link.expect_get().await;
            link.send(&answer).await;
        }
    };
    let ask = async {
        exchange(client.clone(), request).await.unwrap();
        assert_eq!(of_all.all(), "");
        exchange(client, get()).await.unwrap();
    };
    join!(ask, serve);
    let expected = "before the head, after it, and at the end";
    assert_eq!(of_one.all(), expected);
    assert_eq!(of_all.all(), expected);
}

#[tokio::test]
async fn the_status_of_the_application_is_there_after_the_end() {
    let app = App::listen();
    let call = tokio::spawn(app.client().oneshot(get()));
    let mut link = app.accept().await;
    link.expect_get().await;
    link.send(stdout(b"\nbody")).await;
    let mut body = call.await.unwrap().unwrap().into_body();
    assert_eq!(body.app_status(), None);
    // END_REQUEST (5.5): appStatus 259, FCGI_REQUEST_COMPLETE.
    link.send(b"\x01\x03\x00\x01\x00\x08\x00\x00\x00\x00\x01\x03\x00\x00\x00\x00")
        .await;
    while let Some(frame) = body.frame().await {
        frame.unwrap();
    }
    assert_eq!(body.app_status(), Some(259));
}
