//! The web server gives a request up (B-11).

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use fastcgi_tower::{ConnectionBuilder, RequestHandle};
use http_body_util::BodyExt;
use tokio::{sync::oneshot, time::timeout};
use tower::{Service, service_fn};

use crate::support::{
    CLOSE, END_REQUEST, Fed, KEEP_CONN, RESPONDER, STDOUT, WebServer, abort, begin, echo, full,
    get, get_close, head, head_as, held, pair, params, post, record, show, stdin, stdin_all,
    tell_failure, until_idle,
};

/// What ends a request that was given up: STDOUT's end, and END_REQUEST with app_status 1.
fn aborted(id: u8) -> Vec<u8> {
    let mut bytes = vec![1, 6, 0, id, 0, 0, 0, 0];
    bytes.extend([1, 3, 0, id, 0, 8, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]);
    bytes
}

#[tokio::test(start_paused = true)]
async fn an_abort_drops_the_handler_and_ends_the_request_once() {
    let (service, mut calls) = held();
    let mut web_server = WebServer::connect(service);
    web_server
        .send([post(1, "/", 10), stdin(1, b"abc")].concat())
        .await;
    let mut call = calls.recv().await.expect("a call");
    web_server.send(abort(1)).await;
    call.answer.closed().await;
    assert_eq!(web_server.bytes(24).await, aborted(1));

    // A second abort, and what was on its way, are ignored; the id is free.
    web_server
        .send([abort(1), stdin(1, b"late"), stdin(1, b"")].concat())
        .await;
    web_server.silent_for(Duration::from_secs(60)).await;
    web_server.send(get(1, "/again")).await;
    let call = calls.recv().await.expect("a call");
    assert_eq!(call.path(), "/again");
    call.answer(full("done"));
    assert_eq!(web_server.reply(1).await.body(), b"done");
}

#[tokio::test(start_paused = true)]
async fn an_abort_fails_the_body_wherever_it_is() {
    let (service, mut calls) = held();
    let mut web_server = WebServer::connect(service);
    web_server
        .send([post(1, "/", 10), stdin(1, b"abc")].concat())
        .await;
    let call = calls.recv().await.expect("a call");
    let handle = call
        .request
        .extensions()
        .get::<RequestHandle>()
        .expect("a handle")
        .clone();
    let body = tokio::spawn(call.request.into_body().collect());
    until_idle().await;
    assert!(!handle.is_aborted());
    web_server.send(abort(1)).await;
    let error = body.await.expect("no panic").expect_err("a failure");
    assert!(error.is_aborted());
    handle.aborted().await;
    assert!(handle.is_aborted());
    assert_eq!(web_server.bytes(24).await, aborted(1));
}

#[tokio::test(start_paused = true)]
async fn a_task_can_wait_for_the_abort() {
    let (service, mut calls) = held();
    let mut web_server = WebServer::connect(service);
    web_server.send(get(1, "/")).await;
    let call = calls.recv().await.expect("a call");
    let handle = call
        .request
        .extensions()
        .get::<RequestHandle>()
        .expect("a handle")
        .clone();
    let waiting = tokio::spawn(async move { handle.aborted().await });
    until_idle().await;
    assert!(!waiting.is_finished());
    drop(web_server);
    waiting.await.expect("no panic");
}

#[tokio::test(start_paused = true)]
async fn an_abort_during_the_response_ends_it() {
    let (service, mut calls) = held();
    let mut web_server = WebServer::connect(service);
    web_server.send(get(1, "/")).await;
    let (feed, body) = Fed::new();
    calls.recv().await.expect("a call").answer(body);
    feed.send("some".into()).expect("the body lives");
    let head = web_server.record().await.expect("a record");
    assert_eq!((head.record_type, head.id), (STDOUT, 1));
    assert_eq!(
        web_server.record().await.expect("a record").content,
        b"some"
    );
    web_server.send(abort(1)).await;
    feed.closed().await;
    assert_eq!(web_server.bytes(24).await, aborted(1));
}

#[tokio::test(start_paused = true)]
async fn an_abort_before_the_end_of_the_params_ends_the_request() {
    let mut web_server = WebServer::connect(service_fn(show));
    let wire = [
        begin(1, RESPONDER, KEEP_CONN),
        record(4, 1, &pair(b"REQUEST_METHOD", b"GET")),
        abort(1),
        // What was on its way.
        record(4, 1, b""),
        stdin(1, b""),
    ];
    web_server.send(wire.concat()).await;
    assert_eq!(web_server.bytes(24).await, aborted(1));
    web_server.send(get(1, "/next")).await;
    assert_eq!(web_server.reply(1).await.body(), b"GET /next ");
}

#[tokio::test(start_paused = true)]
async fn an_abort_before_the_first_stdin_record_ends_the_request() {
    let mut web_server = WebServer::connect(service_fn(show));
    web_server
        .send([head(1, "GET", "/", &[]), abort(1)].concat())
        .await;
    assert_eq!(web_server.bytes(24).await, aborted(1));
}

#[tokio::test(start_paused = true)]
async fn an_abort_after_the_response_is_ignored() {
    let mut web_server = WebServer::connect(service_fn(show));
    web_server.send(get(1, "/")).await;
    web_server.reply(1).await;
    web_server.send([abort(1), get(2, "/next")].concat()).await;
    assert_eq!(web_server.reply(2).await.body(), b"GET /next ");
}

#[tokio::test(start_paused = true)]
async fn an_abort_without_keep_conn_closes_the_connection() {
    let mut web_server = WebServer::connect(service_fn(tell_failure));
    let head = head_as(
        1,
        RESPONDER,
        CLOSE,
        "POST",
        "/",
        &[("CONTENT_LENGTH", "10")],
    );
    web_server.send([head, stdin(1, b"abc")].concat()).await;
    until_idle().await;
    web_server.send(abort(1)).await;
    assert_eq!(web_server.rest().await, aborted(1));
    web_server.disconnect().await.expect("a good end");
}

#[tokio::test(start_paused = true)]
async fn an_abort_of_one_request_leaves_the_other_alone() {
    let (service, mut calls) = held();
    let mut web_server = WebServer::connect_multiplexed(service);
    web_server
        .send([post(1, "/1", 10), post(2, "/2", 4)].concat())
        .await;
    let mut first = calls.recv().await.expect("a call");
    let second = calls.recv().await.expect("a call");
    assert_eq!((first.path(), second.path()), ("/1", "/2"));
    web_server.send(abort(1)).await;
    first.answer.closed().await;
    assert_eq!(web_server.bytes(24).await, aborted(1));
    web_server.send(stdin(2, b"data")).await;
    second.answer(full("two"));
    assert_eq!(web_server.reply(2).await.body(), b"two");
}

/// nginx closes the connection when its client has gone, and so do most.
#[tokio::test(start_paused = true)]
async fn the_end_of_the_connection_drops_the_handler_in_every_phase() {
    let requests = [
        // in the middle of the body, at its end without and with the end of STDIN, and without a length
        [post(1, "/", 10), stdin(1, b"abc")].concat(),
        [post(1, "/", 3), stdin(1, b"abc")].concat(),
        [post(1, "/", 3), stdin(1, b"abc"), stdin(1, b"")].concat(),
        [head(1, "POST", "/", &[]), stdin(1, b"abc")].concat(),
        get(1, "/"),
        get_close(1, "/"),
    ];
    for request in requests {
        let (service, mut calls) = held();
        let mut web_server = WebServer::connect(service);
        web_server.send(&request).await;
        let mut call = calls.recv().await.expect("a call");
        let handle = call
            .request
            .extensions()
            .get::<RequestHandle>()
            .expect("a handle")
            .clone();
        let result = web_server.disconnect().await;
        assert!(result.is_ok(), "{result:?}");
        call.answer.closed().await;
        assert!(handle.is_aborted());
    }
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_connection_drops_the_body_of_the_response() {
    let (service, mut calls) = held();
    let mut web_server = WebServer::connect(service);
    web_server.send(get(1, "/")).await;
    let (feed, body) = Fed::new();
    calls.recv().await.expect("a call").answer(body);
    feed.send("some".into()).expect("the body lives");
    web_server.record().await.expect("a record");
    web_server.disconnect().await.expect("a good end");
    assert!(feed.is_closed());
}

#[tokio::test(start_paused = true)]
async fn a_web_server_that_leaves_a_stalled_response_ends_it() {
    let (service, mut calls) = held();
    let mut web_server = WebServer::connect_with(ConnectionBuilder::new(), 1024, service);
    web_server.send(get(1, "/")).await;
    let (feed, body) = Fed::new();
    calls.recv().await.expect("a call").answer(body);
    feed.send(vec![b'x'; 1 << 20].into())
        .expect("the body lives");
    until_idle().await;
    // What we wrote could not be delivered: whether that is an error is for the log only.
    let _ = web_server.disconnect().await;
    assert!(feed.is_closed());
}

/// 100 % CPU after connect and close, in a peer.
#[tokio::test(start_paused = true)]
async fn a_connection_that_closes_in_the_middle_of_anything_ends() {
    let wire = [post(1, "/", 5), stdin(1, b"hello"), stdin(1, b"")].concat();
    for cut in 0..=wire.len() {
        let (service, _calls) = held();
        let mut web_server = WebServer::connect(service);
        web_server.send(&wire[..cut]).await;
        let result = web_server.disconnect().await;
        assert!(result.is_ok(), "cut at {cut}: {result:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_half_closed_connection_gets_nothing() {
    use tokio::io::AsyncWriteExt;

    let (service, mut calls) = held();
    let mut web_server = WebServer::connect(service);
    web_server.send(get(1, "/")).await;
    let mut call = calls.recv().await.expect("a call");
    web_server.io.shutdown().await.expect("a pipe");
    call.answer.closed().await;
    assert_eq!(web_server.rest().await, b"");
    web_server.result().await.expect("a good end");
}

#[tokio::test(start_paused = true)]
async fn half_of_a_body_is_not_all_of_it() {
    use tokio::io::AsyncWriteExt;

    let mut web_server = WebServer::connect(service_fn(echo));
    web_server
        .send([post(1, "/", 10), stdin(1, b"abc")].concat())
        .await;
    web_server.io.shutdown().await.expect("a pipe");
    // The head, what was echoed, and no END_REQUEST.
    let rest = web_server.rest().await;
    let end = record(END_REQUEST, 1, &[0; 8]);
    assert!(!rest.windows(2).any(|two| two == &end[..2]), "{rest:02x?}");
    web_server.result().await.expect("a good end");
}

/// B-13
#[tokio::test(start_paused = true)]
async fn an_id_in_use_cannot_be_begun_again() {
    let (service, mut calls) = held();
    let mut web_server = WebServer::connect(service);
    web_server.send(get(1, "/")).await;
    let mut call = calls.recv().await.expect("a call");
    web_server.send(begin(1, RESPONDER, KEEP_CONN)).await;
    call.answer.closed().await;
    let error = web_server.result().await.expect_err("a protocol error");
    assert!(error.is_protocol());
    assert_eq!(web_server.rest().await, b"");
}

/// 3.3: everybody uses 1.
#[tokio::test(start_paused = true)]
async fn an_id_can_be_used_again_after_its_end() {
    let mut web_server = WebServer::connect(service_fn(show));
    for id in [1, 1, 65_535, 2, 2, 1] {
        web_server.send(get(id, "/")).await;
        assert_eq!(web_server.reply(id).await.body(), b"GET / ");
    }
}

/// 3.3
#[tokio::test(start_paused = true)]
async fn records_of_unknown_requests_are_ignored() {
    let mut web_server = WebServer::connect(service_fn(show));
    let wire = [
        stdin(9, b"data"),
        params(9, &[("A", "B")]),
        abort(9),
        record(8, 9, b"data"),
        get(1, "/"),
    ];
    web_server.send(wire.concat()).await;
    assert_eq!(web_server.reply(1).await.body(), b"GET / ");
}

/// For tasks that the handler has spawned: the connection may be dropped at the end of the grace period.
#[tokio::test(start_paused = true)]
async fn a_connection_that_is_dropped_gives_its_requests_up() {
    let (service, mut calls) = held();
    let mut web_server = WebServer::connect(service);
    web_server.send(get(1, "/")).await;
    let call = calls.recv().await.expect("a call");
    let handle = call.request.extensions().get::<RequestHandle>();
    let handle = handle.expect("a handle").clone();
    assert!(!handle.is_aborted());
    web_server.drop_connection().await;
    assert!(handle.is_aborted());
    handle.aborted().await;
}

/// A service that is ready once it is let.
struct Gated<S> {
    gate: Option<oneshot::Receiver<()>>,
    service: S,
}

impl<R, S: Service<R>> Service<R> for Gated<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        if let Some(gate) = &mut self.gate {
            ready!(Pin::new(gate).poll(cx)).expect("a gate");
            self.gate = None;
        }
        self.service.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> S::Future {
        self.service.call(request)
    }
}

/// Meanwhile more of the body was held than is read at a time; once it is the service's, the socket is read again.
#[tokio::test(start_paused = true)]
async fn an_abort_is_seen_behind_a_large_body_that_waited_for_the_service() {
    let (service, mut calls) = held();
    let (open, gate) = oneshot::channel();
    let gate = Some(gate);
    let mut web_server = WebServer::connect(Gated { gate, service });
    let body = [b'x'; 80_000];
    let upload = [post(1, "/", body.len()), stdin_all(1, &body)];
    web_server.send(upload.concat()).await;
    until_idle().await;
    open.send(()).expect("it waits");
    let mut call = calls.recv().await.expect("a call");
    web_server.send(abort(1)).await;
    let dropped = timeout(Duration::from_secs(1), call.answer.closed());
    dropped.await.expect("the handler is dropped");
    assert_eq!(web_server.bytes(24).await, aborted(1));
}
