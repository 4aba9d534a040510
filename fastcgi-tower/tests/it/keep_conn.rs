//! How long a connection goes on (B-14), and the records that belong to it and to no request (4).

use std::time::Duration;

use fastcgi_tower::{ConnectionBuilder, Limits};
use tokio::time::Instant;
use tower::service_fn;

use crate::support::{
    KEEP_CONN, PIPE, RESPONDER, WebServer, abort, begin, get, get_close, hello, hello_bytes, pair,
    record, show, until_idle,
};

#[tokio::test(start_paused = true)]
async fn without_keep_conn_the_connection_is_closed_after_the_response() {
    let mut web_server = WebServer::connect(service_fn(hello));
    let start = Instant::now();
    web_server.send(get_close(1, "/")).await;
    assert_eq!(web_server.rest().await, hello_bytes());
    // The request is all there and nothing can be lost, so our end does not matter.
    web_server.result().await.expect("a good end");
    assert_eq!(start.elapsed(), Duration::ZERO);
}

/// B-14: it would meet a closed socket, whose reset can overtake the response.
#[tokio::test(start_paused = true)]
async fn the_rest_of_a_record_is_awaited_before_the_connection_is_closed() {
    let mut web_server = WebServer::connect(service_fn(hello));
    let last = abort(1);
    let (begun, rest) = last.split_at(3);
    web_server
        .send([&get_close(1, "/")[..], begun].concat())
        .await;
    assert_eq!(web_server.rest().await, hello_bytes());
    until_idle().await;
    assert!(!web_server.is_finished());
    web_server.send(rest).await;
    web_server.disconnect().await.expect("a good end");
}

#[tokio::test(start_paused = true)]
async fn with_keep_conn_the_connection_stays() {
    let mut web_server = WebServer::connect(service_fn(show));
    for path in ["/1", "/2", "/3"] {
        web_server.send(get(1, path)).await;
        let reply = web_server.reply(1).await;
        assert_eq!(reply.body(), format!("GET {path} ").as_bytes());
        web_server.silent_for(Duration::from_secs(3600)).await;
    }
    web_server.disconnect().await.expect("a good end");
}

#[tokio::test(start_paused = true)]
async fn the_last_request_closes_a_connection_that_was_kept() {
    let mut web_server = WebServer::connect(service_fn(show));
    web_server.send(get(1, "/1")).await;
    web_server.reply(1).await;
    web_server.send(get_close(1, "/2")).await;
    assert_eq!(web_server.reply(1).await.body(), b"GET /2 ");
    web_server.closed().await;
}

#[tokio::test(start_paused = true)]
async fn requests_sent_ahead_are_all_answered() {
    let mut web_server = WebServer::connect_multiplexed(service_fn(show));
    let wire: Vec<u8> = (1..=20).flat_map(|id| get(id, &format!("/{id}"))).collect();
    web_server.send(wire).await;
    for (id, reply) in web_server.replies(20).await {
        assert_eq!(reply.body(), format!("GET /{id} ").as_bytes());
    }
}

/// 4.1: HAProxy asks with `option get-values`, and it is answered whatever else goes on.
#[tokio::test(start_paused = true)]
async fn get_values_is_answered_at_once() {
    let builder = ConnectionBuilder::new().limits(Limits::default().max_reqs(3));
    let mut web_server = WebServer::connect_with(builder, PIPE, service_fn(show));
    let names = [
        pair(b"FCGI_MAX_CONNS", b""),
        pair(b"FCGI_MAX_REQS", b""),
        pair(b"FCGI_MPXS_CONNS", b""),
    ];
    web_server.send(record(9, 0, &names.concat())).await;
    let answer = web_server.record().await.expect("an answer");
    assert_eq!((answer.record_type, answer.id), (10, 0));
    let values = [pair(b"FCGI_MAX_REQS", b"3"), pair(b"FCGI_MPXS_CONNS", b"1")];
    assert_eq!(answer.content, values.concat());
    // The request on the same connection is served as usual.
    web_server.send(get(1, "/")).await;
    assert_eq!(web_server.reply(1).await.body(), b"GET / ");
}

/// 4.2
#[tokio::test(start_paused = true)]
async fn an_unknown_management_record_is_named_in_the_answer() {
    let mut web_server = WebServer::connect(service_fn(show));
    web_server.send(record(99, 0, b"what")).await;
    let answer = web_server.record().await.expect("an answer");
    assert_eq!((answer.record_type, answer.id), (11, 0));
    assert_eq!(answer.content, [99, 0, 0, 0, 0, 0, 0, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_protocol_error_closes_the_connection() {
    let wires: [&[u8]; 5] = [
        // version 2
        b"\x02\x01\x00\x01\x00\x08\x00\x00",
        // BEGIN_REQUEST of 7 bytes
        b"\x01\x01\x00\x01\x00\x07\x00\x00\x00\x01\x00\x00\x00\x00\x00",
        // BEGIN_REQUEST without an id
        b"\x01\x01\x00\x00\x00\x08\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00",
        // STDIN in the middle of the params
        b"\x01\x01\x00\x01\x00\x08\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x01\x05\x00\x01\x00\x00\x00\x00",
        // a pair longer than its stream
        b"\x01\x01\x00\x01\x00\x08\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\
          \x01\x04\x00\x01\x00\x04\x00\x00\xff\xff\xff\xff\x01\x04\x00\x01\x00\x00\x00\x00",
    ];
    for wire in wires {
        let mut web_server = WebServer::connect(service_fn(show));
        web_server.send(wire).await;
        let error = web_server.result().await.expect_err("a protocol error");
        assert!(error.is_protocol(), "{error:?}");
        assert_eq!(web_server.rest().await, b"");
    }
}

/// The web server gets what was said before the error.
#[tokio::test(start_paused = true)]
async fn responses_before_a_protocol_error_are_delivered() {
    let mut web_server = WebServer::connect(service_fn(hello));
    web_server.send(get(1, "/")).await;
    web_server.reply(1).await;
    let wire = [record(99, 0, b""), b"\x02 rubbish".to_vec()].concat();
    web_server.send(wire).await;
    assert_eq!(
        web_server.record().await.expect("an answer").record_type,
        11
    );
    web_server.closed().await;
    assert!(
        web_server
            .result()
            .await
            .is_err_and(|error| error.is_protocol())
    );
}

#[tokio::test(start_paused = true)]
async fn a_begun_request_may_be_the_last_thing_that_is_said() {
    let mut web_server = WebServer::connect(service_fn(hello));
    web_server.send(begin(1, RESPONDER, KEEP_CONN)).await;
    web_server.disconnect().await.expect("a good end");
}
