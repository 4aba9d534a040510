//! What a handler can do besides answering.

use std::convert::Infallible;

use fastcgi_tower::{BoxError, Incoming, RequestHandle};
use http::{Request, Response};
use tower::service_fn;

use crate::support::{
    Call, END_REQUEST, Fed, STDERR, STDOUT, Script, Step, WebServer, abort, full, get, held,
    record, until_idle,
};

fn handle(call: &Call) -> RequestHandle {
    call.request
        .extensions()
        .get::<RequestHandle>()
        .expect("a handle")
        .clone()
}

/// nginx counts what comes before the head against the buffer for the head.
#[tokio::test(start_paused = true)]
async fn stderr_comes_after_the_head() {
    let (service, mut calls) = held();
    let mut web_server = WebServer::connect(service);
    web_server.send(get(1, "/")).await;
    let call = calls.recv().await.expect("a call");
    handle(&call).stderr("one\n");
    handle(&call).stderr("two\n");
    until_idle().await;
    call.answer(full("hello"));
    let expected = [
        record(STDOUT, 1, b"Status: 200 OK\r\ncontent-length: 5\r\n\r\n"),
        record(STDERR, 1, b"one\n"),
        record(STDERR, 1, b"two\n"),
        record(STDOUT, 1, b"hello"),
        record(STDOUT, 1, b""),
        record(STDERR, 1, b""),
        record(END_REQUEST, 1, &[0; 8]),
    ];
    let expected = expected.concat();
    assert_eq!(web_server.bytes(expected.len()).await, expected);
}

#[tokio::test(start_paused = true)]
async fn stderr_is_sent_while_the_body_waits() {
    let (service, mut calls) = held();
    let mut web_server = WebServer::connect(service);
    web_server.send(get(1, "/")).await;
    let call = calls.recv().await.expect("a call");
    let handle = handle(&call);
    let (feed, body) = Fed::new();
    call.answer(body);
    assert_eq!(
        web_server.record().await.expect("the head").record_type,
        STDOUT
    );
    for message in ["one", "two", "three"] {
        until_idle().await;
        handle.stderr(message);
        let record = web_server.record().await.expect("a message");
        assert_eq!(
            (record.record_type, record.content.as_slice()),
            (STDERR, message.as_bytes())
        );
    }
    // At the end, too, and not after it.
    handle.stderr("last");
    drop(feed);
    let reply = web_server.reply(1).await;
    assert_eq!(reply.stderr, b"last");
    handle.stderr("too late");
    web_server
        .silent_for(std::time::Duration::from_secs(60))
        .await;
}

#[tokio::test(start_paused = true)]
async fn stderr_of_a_handler_that_fails_is_sent() {
    let service = service_fn(|request: Request<Incoming>| async move {
        let handle = request
            .extensions()
            .get::<RequestHandle>()
            .expect("a handle");
        handle.stderr("this is why\n");
        handle.set_app_status(9);
        Err::<Response<String>, _>(BoxError::from("no"))
    });
    let mut web_server = WebServer::connect(service);
    web_server.send(get(1, "/")).await;
    let reply = web_server.reply(1).await;
    assert_eq!((reply.status(), reply.app_status), ("500", 9));
    assert_eq!(reply.stderr, b"this is why\n");
}

/// An empty STDERR record would be its end.
#[tokio::test(start_paused = true)]
async fn empty_messages_are_not_sent() {
    let (service, mut calls) = held();
    let mut web_server = WebServer::connect(service);
    web_server.send(get(1, "/")).await;
    let call = calls.recv().await.expect("a call");
    handle(&call).stderr("");
    call.answer(full(""));
    let expected = [
        record(STDOUT, 1, b"Status: 200 OK\r\ncontent-length: 0\r\n\r\n"),
        record(STDOUT, 1, b""),
        record(END_REQUEST, 1, &[0; 8]),
    ];
    let expected = expected.concat();
    assert_eq!(web_server.bytes(expected.len()).await, expected);
}

#[tokio::test(start_paused = true)]
async fn messages_that_wait_have_a_limit() {
    let (service, mut calls) = held();
    let mut web_server = WebServer::connect(service);
    web_server.send(get(1, "/")).await;
    let call = calls.recv().await.expect("a call");
    let handle = handle(&call);
    for _ in 0..1000 {
        handle.stderr(vec![b'x'; 1024]);
    }
    call.answer(full("done"));
    // Each but the first costs 40 bytes more than it has.
    let most = 1024 + (RequestHandle::MAX_STDERR - 1024) / (1024 + 40) * 1024;
    assert_eq!(web_server.reply(1).await.stderr.len(), most);
}

/// What is too long itself leaves room for others.
#[tokio::test(start_paused = true)]
async fn a_message_that_is_too_long_silences_no_later_one() {
    let (service, mut calls) = held();
    let mut web_server = WebServer::connect(service);
    web_server.send(get(1, "/")).await;
    let call = calls.recv().await.expect("a call");
    let handle = handle(&call);
    handle.stderr(vec![b'x'; RequestHandle::MAX_STDERR + 1]);
    let (pieces, body) = Fed::new();
    call.answer(body);
    pieces.send("first".into()).expect("a reader");
    until_idle().await;
    handle.stderr("after it");
    drop(pieces);
    assert_eq!(web_server.reply(1).await.stderr, b"after it");
}

/// 5.5
#[tokio::test(start_paused = true)]
async fn app_status_is_in_end_request() {
    let service = service_fn(|request: Request<Incoming>| async move {
        let handle = request
            .extensions()
            .get::<RequestHandle>()
            .expect("a handle");
        handle.set_app_status(0x0102_0304);
        Ok::<_, Infallible>(Response::new(String::new()))
    });
    let mut web_server = WebServer::connect(service);
    web_server.send(get(1, "/")).await;
    while let Some(record) = web_server.record().await {
        if record.record_type == END_REQUEST {
            assert_eq!(record.content, [1, 2, 3, 4, 0, 0, 0, 0]);
            break;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn app_status_is_as_it_stands_at_the_end_of_the_response() {
    let (service, mut calls) = held();
    let mut web_server = WebServer::connect(service);
    web_server.send(get(1, "/")).await;
    let call = calls.recv().await.expect("a call");
    let handle = handle(&call);
    call.answer(Script::new([Step::Data("some"), Step::Yield]));
    handle.set_app_status(3);
    assert_eq!(web_server.reply(1).await.app_status, 3);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_answered_was_not_aborted() {
    let (service, mut calls) = held();
    let mut web_server = WebServer::connect(service);
    web_server.send(get(1, "/")).await;
    let call = calls.recv().await.expect("a call");
    let handle = handle(&call);
    call.answer(full("done"));
    web_server.reply(1).await;
    web_server.disconnect().await.expect("a good end");
    assert!(!handle.is_aborted());
}

/// Requests of a kept connection have a handle each, also one that somebody still has.
#[tokio::test(start_paused = true)]
async fn a_handle_that_outlives_its_request_says_nothing_on_the_next() {
    let (service, mut calls) = held();
    let mut web_server = WebServer::connect(service);
    web_server.send(get(1, "/first")).await;
    let call = calls.recv().await.expect("a call");
    let first = handle(&call);
    call.answer(full("first"));
    web_server.reply(1).await;
    web_server.send(get(1, "/second")).await;
    let call = calls.recv().await.expect("a call");
    assert_eq!(handle(&call).connection_id(), first.connection_id());
    first.stderr("too late");
    first.set_app_status(9);
    call.answer(full("second"));
    let reply = web_server.reply(1).await;
    assert_eq!((reply.stderr.as_slice(), reply.app_status), (&b""[..], 0));
    web_server.disconnect().await.expect("a good end");
    assert!(!first.is_aborted());
}

#[tokio::test(start_paused = true)]
async fn what_a_handler_says_last_is_not_said_of_the_next_request() {
    let service = service_fn(|request: Request<Incoming>| async move {
        let handle = request
            .extensions()
            .get::<RequestHandle>()
            .expect("a handle");
        if request.uri().path() == "/fails" {
            handle.stderr("this is why");
            handle.set_app_status(9);
        }
        Ok::<_, Infallible>(Response::new(String::new()))
    });
    let mut web_server = WebServer::connect(service);
    for (path, stderr, app_status) in [("/fails", "this is why", 9), ("/", "", 0)] {
        web_server.send(get(1, path)).await;
        let reply = web_server.reply(1).await;
        assert_eq!(reply.stderr, stderr.as_bytes(), "{path}");
        assert_eq!(reply.app_status, app_status, "{path}");
    }
}

/// What a request that was aborted leaves behind is not the next one's.
#[tokio::test(start_paused = true)]
async fn the_request_after_an_aborted_one_is_not_aborted() {
    let (service, mut calls) = held();
    let mut web_server = WebServer::connect(service);
    web_server.send(get(1, "/first")).await;
    drop(calls.recv().await.expect("a call"));
    web_server.send(abort(1)).await;
    web_server.reply(1).await;
    web_server.send(get(1, "/second")).await;
    let call = calls.recv().await.expect("a call");
    assert!(!handle(&call).is_aborted());
    call.answer(full("second"));
    assert_eq!(web_server.reply(1).await.body(), b"second");
}
