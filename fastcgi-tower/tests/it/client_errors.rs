//! What the errors of the client say, and what else it meets: applications on TCP, and those that know no values.

use std::{
    error::Error,
    time::{Duration, Instant},
};

use bytes::Bytes;
use fastcgi_tower::client::{Client, ClientError};
use http::Request;
use http_body_util::Empty;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    join,
    net::TcpListener,
};

use crate::{
    blocking::within,
    client::{App, COMPLETE, answer_to_get, exchange, get, stdout},
    support::{Script, Step},
};

/// What it says, and whether there is a cause.
fn facts(error: ClientError) -> (String, bool) {
    (error.to_string(), error.source().is_some())
}

#[tokio::test]
async fn an_answer_that_is_none_says_what_it_is() {
    let table: [(Vec<u8>, &str, bool); 5] = [
        (
            b"HTTP/1.1 200 OK\r\n\r\n".to_vec(),
            "the application speaks HTTP, not FastCGI",
            false,
        ),
        (
            b"SSH-2.0-OpenSSH_9.2\r\n".to_vec(),
            "the application broke the protocol",
            true,
        ),
        (
            [&stdout(b"what?\n\n"), COMPLETE].concat(),
            "the application's answer is not a CGI response",
            true,
        ),
        (
            COMPLETE.to_vec(),
            "the application's answer has no header block",
            false,
        ),
        (
            stdout(b"Status: 200\n\nbody"),
            "the application's answer broke off",
            false,
        ),
    ];
    for (answer, text, has_cause) in table {
        let answer = within(answer_to_get(&answer)).await;
        let error = answer.expect_err("no response");
        assert_eq!(facts(error), (text.to_owned(), has_cause));
    }
}

/// A head of 60 000 bytes, each in a record of its own, takes as long as a body of as many: it is not read again for each byte.
#[tokio::test]
async fn a_head_that_comes_byte_by_byte_takes_no_longer_than_a_body() {
    let many = stdout(b"b").repeat(60_000);
    let head = [&stdout(b"X-A: ")[..], &many, &stdout(b"\n\n"), COMPLETE].concat();
    let body = [&stdout(b"X-A: b\n\n")[..], &many, COMPLETE].concat();
    let mut took = Vec::new();
    for answer in [body, head] {
        let start = Instant::now();
        let response = within(answer_to_get(&answer)).await.expect("a response");
        took.push(start.elapsed());
        let length = response.headers()["x-a"].len() + response.body().len();
        assert_eq!(length, 60_001 - usize::from(response.body().is_empty()));
    }
    assert!(took[1] < Duration::from_secs(1) + 10 * took[0], "{took:?}");
}

#[tokio::test]
async fn an_application_that_cannot_be_reached_or_asked_says_so() {
    let app = App::listen();
    let client = app.client();
    let name = "X".repeat(70_000);
    let error = within(client.get_values(&[&name])).await;
    let error = error.expect_err("one record does not hold it");
    let text = "the application cannot be asked for these values".to_owned();
    assert_eq!(facts(error), (text, true));

    drop(app);
    let error = within(exchange(client, get())).await;
    let text = "the application cannot be reached".to_owned();
    assert_eq!(facts(error.expect_err("nobody")), (text, true));
}

#[tokio::test]
async fn the_failure_of_a_body_is_the_cause() {
    let app = App::listen();
    let request = Request::post("/").body(Script::new([Step::Data("some"), Step::Fail]));
    let request = request.expect("a valid request");
    let error = within(exchange(app.client(), request)).await;
    let error = error.expect_err("the body fails");
    let cause = error.source().map(ToString::to_string);
    assert_eq!(cause.as_deref(), Some("the body is told to fail"));
    let text = "the body of the request failed".to_owned();
    assert_eq!(facts(error), (text, true));
}

#[tokio::test]
async fn an_application_may_be_on_tcp() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a socket");
    let addr = listener.local_addr().expect("an address");
    let client = Client::new(addr);
    assert_eq!(client.address().to_string(), addr.to_string());
    let serve = async {
        let (mut io, _) = listener.accept().await.expect("a connection");
        // The end of STDIN is the last record.
        let mut request = Vec::new();
        while !request.ends_with(b"\x01\x05\x00\x01\x00\x00\x00\x00") {
            io.read_buf(&mut request).await.expect("a connection");
        }
        let answer = [&stdout(b"Status: 201\n\nhello"), COMPLETE].concat();
        io.write_all(&answer).await.expect("a connection");
        // Another request comes on the same connection.
        request.clear();
        while !request.ends_with(b"\x01\x05\x00\x01\x00\x00\x00\x00") {
            io.read_buf(&mut request).await.expect("a connection");
        }
        io.write_all(&answer).await.expect("a connection");
    };
    let ask = async {
        for _ in 0..2 {
            let response = exchange(client.clone(), get()).await;
            let response = response.expect("a response");
            assert_eq!(response.status(), 201);
            assert_eq!(response.into_body(), "hello");
        }
    };
    within(async { join!(ask, serve) }).await;
}

/// 4.2: an application that does not know the question says so.
#[tokio::test]
async fn an_application_that_knows_no_values_has_none() {
    let app = App::listen();
    let client = app.client();
    let serve = async {
        let mut link = app.accept().await;
        link.expect(b"\x01\x09\x00\x00\x00\x11\x00\x00\x0f\x00FCGI_MPXS_CONNS")
            .await;
        // FCGI_UNKNOWN_TYPE, of type 9.
        link.send(b"\x01\x0b\x00\x00\x00\x08\x00\x00\x09\x00\x00\x00\x00\x00\x00\x00")
            .await;
    };
    let ask = client.get_values(&["FCGI_MPXS_CONNS"]);
    let (values, ()) = within(async { join!(ask, serve) }).await;
    assert_eq!(values.expect("an answer").iter().count(), 0);

    let serve = async {
        let mut link = app.accept().await;
        link.expect(b"\x01\x09\x00\x00").await;
    };
    let fresh = app.client();
    let ask = fresh.get_values(&["FCGI_MPXS_CONNS"]);
    let (values, ()) = within(async { join!(ask, serve) }).await;
    let error = values.expect_err("it has left");
    assert!(error.is_incomplete_response(), "{error:?}");
}

/// Its length and its method, and nothing that was sent.
#[tokio::test]
async fn a_response_is_shown_without_what_is_in_it() {
    let app = App::listen();
    let mut client = app.client();
    let request = Request::get("/hidden").header("cookie", "hidden");
    let request = request.body(Empty::<Bytes>::new()).expect("a request");
    let call = tower_service::Service::call(&mut client, request);
    let shown = format!("{call:?}");
    assert!(
        shown.contains("GET") && !shown.contains("hidden"),
        "{shown}"
    );
    let serve = async {
        let mut link = app.accept().await;
        let answer = stdout(b"Content-Length: 6\n\nhidden");
        link.send([answer, COMPLETE.into()].concat()).await;
        link
    };
    let (response, _link) = within(async { join!(call, serve) }).await;
    let shown = format!("{:?}", response.expect("a response").into_body());
    assert!(shown.contains("ClientBody"), "{shown}");
    assert!(!shown.contains("hidden"), "{shown}");
}
