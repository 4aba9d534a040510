//! How long the web server may take (B-15), on a clock that is paused.

use std::time::Duration;

use fastcgi_tower::{ConnectionBuilder, Limits, Timeouts};
use http_body_util::BodyExt;
use tokio::time::{Instant, advance, sleep};
use tower::service_fn;

use crate::support::{
    KEEP_CONN, PIPE, RESPONDER, Script, Step, WebServer, begin, full, get, head, held, hello, pair,
    post, record, show, stdin, tell_failure,
};

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[tokio::test(start_paused = true)]
async fn params_have_30_s_from_the_opening_of_the_connection() {
    let beginnings = [
        vec![],
        b"\x01\x01\x00".to_vec(),
        begin(1, RESPONDER, KEEP_CONN),
        [begin(1, RESPONDER, KEEP_CONN), record(4, 1, b"\x01\x01ab")].concat(),
    ];
    for beginning in beginnings {
        let mut web_server = WebServer::connect(service_fn(show));
        let start = Instant::now();
        web_server.send(&beginning).await;
        assert_eq!(web_server.rest().await, b"");
        assert_eq!(start.elapsed().as_secs(), 30, "{beginning:02x?}");
        assert!(
            web_server
                .result()
                .await
                .is_err_and(|error| error.is_timeout())
        );
    }
}

#[tokio::test(start_paused = true)]
async fn params_that_drip_do_not_prolong_their_time() {
    let builder = ConnectionBuilder::new().timeouts(Timeouts::default().params(seconds(5)));
    let mut web_server = WebServer::connect_with(builder, PIPE, service_fn(show));
    let start = Instant::now();
    web_server.send(begin(1, RESPONDER, KEEP_CONN)).await;
    for _ in 0..4 {
        sleep(seconds(1)).await;
        web_server
            .send(record(4, 1, &pair(b"NAME", b"value")))
            .await;
    }
    assert_eq!(web_server.rest().await, b"");
    assert_eq!(start.elapsed().as_secs(), 5);
}

#[tokio::test(start_paused = true)]
async fn params_of_a_later_request_have_their_time_from_its_first_byte() {
    let mut web_server = WebServer::connect(service_fn(hello));
    web_server.send(get(1, "/")).await;
    web_server.reply(1).await;
    sleep(seconds(1000)).await;
    let start = Instant::now();
    web_server.send(begin(1, RESPONDER, KEEP_CONN)).await;
    assert_eq!(web_server.rest().await, b"");
    assert_eq!(start.elapsed().as_secs(), 30);
}

/// Each has its own time, although the connection is always in the middle of one.
#[tokio::test(start_paused = true)]
async fn params_of_requests_close_upon_each_other_have_their_time() {
    let mut web_server = WebServer::connect_multiplexed(service_fn(hello));
    let mut front = get(1, "/");
    let mut back = front.split_off(30);
    web_server.send(&front).await;
    for id in 1..6 {
        sleep(seconds(20)).await;
        front = get(id + 1, "/");
        let next_back = front.split_off(30);
        web_server.send([back, front].concat()).await;
        back = next_back;
        assert_eq!(web_server.reply(id).await.body(), b"hello");
    }
}

/// B-14: the web server owns its pool.
#[tokio::test(start_paused = true)]
async fn an_idle_connection_has_no_limit_unless_it_is_given_one() {
    let mut web_server = WebServer::connect(service_fn(hello));
    web_server.send(get(1, "/")).await;
    web_server.reply(1).await;
    web_server.silent_for(seconds(36_000)).await;

    let builder = ConnectionBuilder::new().timeouts(Timeouts::default().idle(Some(seconds(60))));
    let mut web_server = WebServer::connect_with(builder, PIPE, service_fn(hello));
    for _ in 0..3 {
        web_server.send(get(1, "/")).await;
        web_server.reply(1).await;
        sleep(seconds(59)).await;
    }
    web_server.closed().await;
    web_server.result().await.expect("a good end");
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_takes_its_time_is_not_idle() {
    let (service, mut calls) = held();
    let builder = ConnectionBuilder::new()
        .timeouts(Timeouts::default().idle(Some(seconds(60))))
        .timeouts(Timeouts::default().read(Some(seconds(60))));
    let mut web_server = WebServer::connect_with(builder, PIPE, service);
    web_server.send(get(1, "/")).await;
    let call = calls.recv().await.expect("a call");
    web_server.silent_for(seconds(10_000)).await;
    call.answer(full("at last"));
    assert_eq!(web_server.reply(1).await.body(), b"at last");
}

/// A connection that has brought only what was refused is idle, not fresh.
#[tokio::test(start_paused = true)]
async fn a_connection_lives_on_after_a_refused_request() {
    let mut web_server = WebServer::connect(service_fn(hello));
    let apache = vec![("SERVER_SOFTWARE", "Apache/2.4.62")];
    let request = head(1, "GET", "/", &[apache, vec![("A", "1"); 1000]].concat());
    web_server
        .send([&request[..], &stdin(1, b"")].concat())
        .await;
    assert_eq!(web_server.reply(1).await.status(), "431");
    web_server.silent_for(seconds(3600)).await;
    web_server.send([request, stdin(1, b"")].concat()).await;
    assert_eq!(web_server.reply(1).await.status(), "431");
}

#[tokio::test(start_paused = true)]
async fn a_web_server_that_does_not_read_has_60_s() {
    let (service, mut calls) = held();
    let mut web_server = WebServer::connect_with(ConnectionBuilder::new(), 1000, service);
    web_server.send(get(1, "/")).await;
    calls.recv().await.expect("a call").answer(full(SOMETHING));
    let start = Instant::now();
    assert!(
        web_server
            .result()
            .await
            .is_err_and(|error| error.is_timeout())
    );
    assert_eq!(start.elapsed().as_secs(), 60);
}

#[tokio::test(start_paused = true)]
async fn a_web_server_that_reads_slowly_is_waited_for() {
    let (service, mut calls) = held();
    let builder = ConnectionBuilder::new().timeouts(Timeouts::default().write(seconds(10)));
    let mut web_server = WebServer::connect_with(builder, 100, service);
    web_server.send(get(1, "/")).await;
    calls.recv().await.expect("a call").answer(full(SOMETHING));
    for _ in 0..20 {
        sleep(seconds(9)).await;
        web_server.bytes(100).await;
    }
    assert!(!web_server.is_finished());
}

/// Neither does what went wrong before make it wait for ever.
#[tokio::test(start_paused = true)]
async fn a_failed_connection_does_not_wait_longer_for_its_reader() {
    let (service, mut calls) = held();
    let mut web_server = WebServer::connect_with(ConnectionBuilder::new(), 1000, service);
    web_server.send(get(1, "/")).await;
    let call = calls.recv().await.expect("a call");
    call.answer(Script::new([Step::Data(SOMETHING), Step::Fail]));
    let start = Instant::now();
    assert!(web_server.result().await.is_err());
    assert_eq!(start.elapsed().as_secs(), 60);
}

/// As above: a web server that asks and asks and does not read.
#[tokio::test(start_paused = true)]
async fn a_flood_of_questions_ends_the_connection() {
    let mut web_server = WebServer::connect_with(ConnectionBuilder::new(), 100, service_fn(hello));
    // Of a type that does not exist.
    let question = record(99, 0, b"");
    for _ in 0..2000 {
        let sent = tokio::io::AsyncWriteExt::write_all(&mut web_server.io, &question);
        match tokio::time::timeout(seconds(1), sent).await {
            Ok(Ok(())) => {}
            // Not taken any more, or closed.
            Ok(Err(_)) | Err(_) => break,
        }
    }
    let start = Instant::now();
    assert!(web_server.result().await.is_err());
    assert!(start.elapsed() <= seconds(60));
}

#[tokio::test(start_paused = true)]
async fn a_body_has_no_time_limit_unless_it_is_given_one() {
    let mut web_server = WebServer::connect(service_fn(tell_failure));
    web_server
        .send([post(1, "/", 6), stdin(1, b"abc")].concat())
        .await;
    web_server.silent_for(seconds(36_000)).await;
    web_server.send(stdin(1, b"def")).await;
    assert_eq!(web_server.reply(1).await.body(), b"whole abcdef");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_stalls_fails_after_the_read_timeout() {
    for length in [&[("CONTENT_LENGTH", "100")][..], &[]] {
        let builder =
            ConnectionBuilder::new().timeouts(Timeouts::default().read(Some(seconds(20))));
        let mut web_server = WebServer::connect_with(builder, PIPE, service_fn(tell_failure));
        web_server.send(head(1, "POST", "/", length)).await;
        for _ in 0..3 {
            web_server.send(stdin(1, b"drip")).await;
            sleep(seconds(19)).await;
        }
        let start = Instant::now();
        assert_eq!(web_server.reply(1).await.body(), b"incomplete");
        assert_eq!(start.elapsed().as_secs(), 1);
    }
}

/// The time is the web server's, not the service's.
#[tokio::test(start_paused = true)]
async fn a_service_that_reads_slowly_does_not_run_into_the_read_timeout() {
    // Held back by the window, and not.
    for window in [1, 64 * 1024] {
        let (service, mut calls) = held();
        let builder = ConnectionBuilder::new()
            .timeouts(Timeouts::default().read(Some(seconds(20))))
            .limits(Limits::default().body_window(window));
        let mut web_server = WebServer::connect_with(builder, PIPE, service);
        web_server
            .send([post(1, "/", 6), stdin(1, b"abc")].concat())
            .await;
        let mut call = calls.recv().await.expect("a call");
        sleep(seconds(100)).await;
        web_server.send(stdin(1, b"def")).await;
        let body = std::mem::take(call.request.body_mut());
        assert_eq!(
            body.collect().await.expect("a whole body").to_bytes(),
            "abcdef"
        );
        call.answer(full("done"));
        assert_eq!(web_server.reply(1).await.body(), b"done");
    }
}

/// The clock goes on within one turn of the connection here: the handler blocks its thread.
#[tokio::test(start_paused = true)]
async fn the_read_timeout_begins_when_a_handler_that_blocks_has_come_back() {
    let service = service_fn(async |request| {
        advance(seconds(6)).await;
        tell_failure(request).await
    });
    let builder = ConnectionBuilder::new().timeouts(Timeouts::default().read(Some(seconds(5))));
    let mut web_server = WebServer::connect_with(builder, PIPE, service);
    web_server.send(post(1, "/", 5)).await;
    sleep(seconds(8)).await;
    web_server
        .send([stdin(1, b"hello"), stdin(1, b"")].concat())
        .await;
    assert_eq!(web_server.reply(1).await.body(), b"whole hello");
}

/// While we hold it back, the web server could not have sent more.
#[tokio::test(start_paused = true)]
async fn the_read_timeout_begins_when_the_web_server_may_send() {
    let (service, mut calls) = held();
    let builder = ConnectionBuilder::new()
        .timeouts(Timeouts::default().read(Some(seconds(20))))
        .limits(Limits::default().body_window(1).max_spill(1));
    let mut web_server = WebServer::connect_with(builder, PIPE, service);
    web_server
        .send([post(1, "/", 6), stdin(1, b"abc")].concat())
        .await;
    let mut call = calls.recv().await.expect("a call");
    sleep(seconds(39)).await;
    let body = std::mem::take(call.request.body_mut());
    let collected = tokio::spawn(body.collect());
    sleep(seconds(19)).await;
    web_server.send(stdin(1, b"def")).await;
    let body = collected.await.expect("no panic").expect("a whole body");
    assert_eq!(body.to_bytes(), "abcdef");
}

#[tokio::test(start_paused = true)]
async fn timeouts_too_long_for_the_clock_are_none() {
    let builder = ConnectionBuilder::new()
        .timeouts(Timeouts::default().params(Duration::MAX))
        .timeouts(Timeouts::default().idle(Some(Duration::MAX)))
        .timeouts(Timeouts::default().read(Some(Duration::MAX)))
        .timeouts(Timeouts::default().write(Duration::MAX));
    let mut web_server = WebServer::connect_with(builder, 16, service_fn(show));
    web_server
        .send([post(1, "/", 6), stdin(1, b"abc")].concat())
        .await;
    web_server.silent_for(seconds(10)).await;
    web_server.send(stdin(1, b"def")).await;
    assert_eq!(web_server.reply(1).await.body(), b"POST / abcdef");
}

/// More than fits the small pipes above.
const SOMETHING: &str = include_str!("timeouts.rs");

/// B-5: a request waits for the first of a body of unknown length, but not for ever.
#[tokio::test(start_paused = true)]
async fn a_body_of_unknown_length_has_30_s_to_begin() {
    let mut web_server = WebServer::connect(service_fn(tell_failure));
    let start = Instant::now();
    web_server.send(head(1, "POST", "/", &[])).await;
    assert_eq!(web_server.reply(1).await.body(), b"incomplete");
    assert_eq!(start.elapsed().as_secs(), 30);
}
