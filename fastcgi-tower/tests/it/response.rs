//! What a response becomes.

use std::{convert::Infallible, sync::Arc, time::Duration};

use bytes::Bytes;
use fastcgi_tower::{BoxError, ConnectionBuilder, HttpService, Incoming};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty, Full};
use tower::service_fn;
use tower_service::Service;

use crate::support::{
    AnyBody, CLOSE, Counted, Counts, Fed, KEEP_CONN, RESPONDER, STDOUT, Script, Step, WebServer,
    full, get, get_close, head, head_as, held, hello, hello_bytes, pattern, post, record, records,
    show, stdin, until_idle,
};

/// what no web server takes for the end of a response.
const BROKEN: &[u8] = b"\x00\x06\x00\x01\x00\x08\x00\x00";

/// A service that gives the same kind of response to every request.
fn respond<F>(
    response: F,
) -> impl Service<Request<Incoming>, Response = Response<AnyBody>, Error = BoxError, Future: Send>
+ Clone
+ Send
+ 'static
where
    F: Fn() -> Response<AnyBody> + Clone + Send + 'static,
{
    service_fn(move |_| std::future::ready(Ok(response())))
}

fn script(steps: impl IntoIterator<Item = Step>) -> AnyBody {
    Script::new(steps).boxed_unsync()
}

fn any(body: &'static str) -> AnyBody {
    full(body).map_err(Into::into).boxed_unsync()
}

///
#[tokio::test(start_paused = true)]
async fn status_comes_first_and_content_length_is_added() {
    let service = respond(|| {
        let response = Response::builder()
            .status(404)
            .header("set-cookie", "a=1")
            .header("set-cookie", "b=2");
        response.body(any("not here")).expect("a response")
    });
    let mut web_server = WebServer::connect(service);
    web_server.send(get(1, "/")).await;
    let expected = "Status: 404 Not Found\r\n\
                    set-cookie: a=1\r\n\
                    set-cookie: b=2\r\n\
                    content-length: 8\r\n\
                    \r\n\
                    not here";
    assert_eq!(web_server.reply(1).await.text(), expected);
}

#[tokio::test(start_paused = true)]
async fn a_body_of_unknown_size_has_no_content_length() {
    let service = respond(|| Response::new(script([Step::Data("one"), Step::Data("two")])));
    let mut web_server = WebServer::connect(service);
    web_server.send(get(1, "/")).await;
    assert_eq!(
        web_server.reply(1).await.text(),
        "Status: 200 OK\r\n\r\nonetwo"
    );
}

///
#[tokio::test(start_paused = true)]
async fn bodies_that_may_not_be_sent_are_not_polled() {
    for (method, status) in [("HEAD", 200), ("GET", 204), ("GET", 205), ("GET", 304)] {
        let service = respond(move || {
            let mut response = Response::new(script([Step::Panic]));
            *response.status_mut() = StatusCode::from_u16(status).expect("a status");
            response
        });
        let mut web_server = WebServer::connect(service);
        web_server
            .send([head(1, method, "/", &[]), stdin(1, b"")].concat())
            .await;
        let reply = web_server.reply(1).await;
        assert_eq!(reply.status(), status.to_string());
        assert_eq!(reply.body(), b"", "{method} {status}");
    }
}

///
#[tokio::test(start_paused = true)]
async fn head_keeps_the_length_of_what_get_would_have() {
    let service = respond(|| {
        let response = Response::builder().header("content-length", "100");
        response.body(any("")).expect("a response")
    });
    let mut web_server = WebServer::connect(service);
    web_server
        .send([head(1, "HEAD", "/", &[]), stdin(1, b"")].concat())
        .await;
    let reply = web_server.reply(1).await;
    assert_eq!(
        reply.text(),
        "Status: 200 OK\r\ncontent-length: 100\r\n\r\n"
    );
}

/// mod_fcgid would take it for the next response.
#[tokio::test(start_paused = true)]
async fn a_body_longer_than_its_content_length_is_cut() {
    let bodies: [fn() -> AnyBody; 3] = [
        || any("hello world"),
        || script([Step::Data("hel"), Step::Data("lo wor"), Step::Data("ld")]),
        || script([Step::Data("hello"), Step::Panic]),
    ];
    for body in bodies {
        let service = respond(move || {
            let response = Response::builder().header("content-length", "5");
            response.body(body()).expect("a response")
        });
        let mut web_server = WebServer::connect(service);
        web_server.send(get(1, "/")).await;
        assert_eq!(web_server.reply(1).await.body(), b"hello");
    }
}

fn short_bodies() -> [fn() -> AnyBody; 5] {
    [
        || any("hello"),
        || script([Step::Data("hello")]),
        || {
            script([
                Step::Data("hel"),
                Step::Yield,
                Step::Data("lo"),
                Step::Yield,
            ])
        },
        || script([Step::Data("hello"), Step::Fail]),
        || script([Step::Data("hello"), Step::Panic]),
    ]
}

/// a proper end would leave clients waiting behind mod_fcgid and lighttpd.
#[tokio::test(start_paused = true)]
async fn a_body_shorter_than_its_content_length_is_truncated() {
    for flags in [CLOSE, KEEP_CONN] {
        for body in short_bodies() {
            let service = respond(move || {
                let response = Response::builder().header("content-length", "10");
                response.body(body()).expect("a response")
            });
            let mut web_server = WebServer::connect(service);
            let head = head_as(1, RESPONDER, flags, "GET", "/", &[]);
            web_server.send([head, stdin(1, b"")].concat()).await;
            let rest = web_server.rest().await;
            let whole = rest.strip_suffix(BROKEN).expect("a broken record");
            let stdout: Vec<u8> = records(whole).into_iter().flat_map(|r| r.content).collect();
            assert!(
                stdout.ends_with(b"content-length: 10\r\n\r\nhello"),
                "{stdout:?}"
            );
            assert!(
                web_server
                    .result()
                    .await
                    .is_err_and(|error| error.is_truncated())
            );
        }
    }
}

/// nothing has left yet, so there is still a status to give.
#[tokio::test(start_paused = true)]
async fn an_empty_body_with_a_content_length_is_an_error_of_the_service() {
    let service = respond(|| {
        let response = Response::builder().header("content-length", "10");
        response
            .body(Empty::new().map_err(Into::into).boxed_unsync())
            .expect("a response")
    });
    let mut web_server = WebServer::connect(service);
    web_server.send(get(1, "/")).await;
    assert_eq!(web_server.reply(1).await.status(), "500");
    web_server.send(get(1, "/")).await;
    assert_eq!(web_server.reply(1).await.status(), "500");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_fails_before_the_head_has_left_is_answered_with_500() {
    let service = respond(|| Response::new(script([Step::Fail])));
    let mut web_server = WebServer::connect(service);
    web_server.send(get(1, "/")).await;
    let reply = web_server.reply(1).await;
    let expected = "Status: 500 Internal Server Error\r\n\
                    content-type: text/plain; charset=utf-8\r\n\
                    content-length: 26\r\n\
                    \r\n\
                    500 Internal Server Error\n";
    assert_eq!((reply.text(), reply.app_status), (expected, 0));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_fails_after_the_head_has_left_is_truncated() {
    let service = respond(|| Response::new(script([Step::Yield, Step::Fail])));
    let mut web_server = WebServer::connect(service);
    web_server.send(get(1, "/")).await;
    let rest = web_server.rest().await;
    let head = record(STDOUT, 1, b"Status: 200 OK\r\n\r\n");
    assert_eq!(rest, [&head, BROKEN].concat());
    assert!(
        web_server
            .result()
            .await
            .is_err_and(|error| error.is_truncated())
    );
}

/// the other requests are worth more.
#[tokio::test(start_paused = true)]
async fn with_others_on_the_connection_a_broken_response_ends_with_app_status_1() {
    let (service, mut calls) = held();
    let mut web_server = WebServer::connect_multiplexed(service);
    web_server.send([get(1, "/"), get(2, "/")].concat()).await;
    let first = calls.recv().await.expect("a call");
    let second = calls.recv().await.expect("a call");
    first.answer(Script::new([Step::Data("some"), Step::Fail]));
    let reply = web_server.reply(1).await;
    assert_eq!((reply.body(), reply.app_status), (&b"some"[..], 1));
    second.answer(full("two"));
    assert_eq!(web_server.reply(2).await.body(), b"two");
}

///
#[tokio::test(start_paused = true)]
async fn an_error_of_the_service_is_answered_with_500() {
    let service = service_fn(|_: Request<Incoming>| async {
        Err::<Response<String>, _>(BoxError::from("no"))
    });
    let mut web_server = WebServer::connect(service);
    for _ in 0..2 {
        web_server.send(get(1, "/")).await;
        let reply = web_server.reply(1).await;
        assert_eq!((reply.status(), reply.app_status), ("500", 0));
        assert!(
            !reply.text().contains("no\n"),
            "causes are not for the client"
        );
    }
}

///
#[tokio::test(start_paused = true)]
async fn an_error_of_the_service_gives_a_head_request_no_body() {
    let service = service_fn(|_: Request<Incoming>| async {
        Err::<Response<String>, _>(BoxError::from("no"))
    });
    let mut web_server = WebServer::connect(service);
    web_server
        .send([head(1, "HEAD", "/", &[]), stdin(1, b"")].concat())
        .await;
    let reply = web_server.reply(1).await;
    assert_eq!((reply.status(), reply.body()), ("500", &b""[..]));
}

///
#[tokio::test(start_paused = true)]
async fn an_upgrade_is_answered_with_501() {
    let service = respond(|| {
        let mut response = Response::new(any(""));
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        response
    });
    let mut web_server = WebServer::connect(service);
    web_server.send(get(1, "/")).await;
    assert_eq!(web_server.reply(1).await.status(), "501");
}

///
#[tokio::test(start_paused = true)]
async fn location_leaves_a_200() {
    let mut web_server = WebServer::connect(respond(|| {
        let response = Response::builder().header("location", "/other");
        response.body(any("")).expect("a response")
    }));
    web_server.send(get(1, "/")).await;
    let reply = web_server.reply(1).await;
    assert!(!reply.head().contains("location"), "{}", reply.head());
}

///
#[tokio::test(start_paused = true)]
async fn trailers_are_dropped() {
    for steps in [
        || vec![Step::Data("hello"), Step::Trailers],
        || vec![Step::Trailers, Step::Data("hello")],
    ] {
        let service = respond(move || Response::new(script(steps())));
        let mut web_server = WebServer::connect(service);
        web_server.send(get(1, "/")).await;
        assert_eq!(web_server.reply(1).await.body(), b"hello");
    }
}

/// an empty STDOUT record is the end of the stream.
#[tokio::test(start_paused = true)]
async fn empty_frames_do_not_end_the_response() {
    let service = respond(|| {
        let steps = ["", "he", "", "", "llo", ""].map(Step::Data);
        Response::new(script(steps))
    });
    let mut web_server = WebServer::connect(service);
    web_server.send(get(1, "/")).await;
    // The support fails on STDOUT after its end.
    assert_eq!(web_server.reply(1).await.body(), b"hello");
}

/// R-12, and the hot path: one read and one write.
#[tokio::test(start_paused = true)]
async fn a_small_request_takes_one_read_and_one_write() {
    for request in [get, get_close] {
        let (near, far, counts) = Counted::duplex(64 * 1024);
        let connection =
            ConnectionBuilder::new().serve_connection(far, HttpService::new(service_fn(hello)));
        let mut web_server = WebServer::over(near, connection);
        for count in 1..=2 {
            web_server.send(request(1, "/")).await;
            assert_eq!(web_server.reply(1).await.body(), b"hello");
            assert_eq!(Counts::read(&counts.reads), count);
            assert_eq!(Counts::read(&counts.writes), count);
            if request(1, "/") == get_close(1, "/") {
                break;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_small_post_takes_one_read_and_one_write() {
    let (near, far, counts) = Counted::duplex(64 * 1024);
    let mut web_server = WebServer::over(
        near,
        ConnectionBuilder::new().serve_connection(far, HttpService::new(service_fn(show))),
    );
    let wire = [post(1, "/", 5), stdin(1, b"hello"), stdin(1, b"")].concat();
    web_server.send(wire).await;
    assert_eq!(web_server.reply(1).await.body(), b"POST / hello");
    assert_eq!(
        (Counts::read(&counts.reads), Counts::read(&counts.writes)),
        (1, 1)
    );
}

/// too large to copy, and still one write.
#[tokio::test(start_paused = true)]
async fn a_medium_response_takes_one_write() {
    let service = service_fn(|_: Request<Incoming>| async {
        let body = Full::new(Bytes::from(vec![b'x'; 50_000]));
        Ok::<_, Infallible>(Response::new(body))
    });
    let (near, far, counts) = Counted::duplex(64 * 1024);
    let mut web_server = WebServer::over(
        near,
        ConnectionBuilder::new().serve_connection(far, HttpService::new(service)),
    );
    web_server.send(get(1, "/")).await;
    assert_eq!(web_server.reply(1).await.body().len(), 50_000);
    assert_eq!(Counts::read(&counts.writes), 1);
}

/// what is ready is gathered.
#[tokio::test(start_paused = true)]
async fn frames_that_are_ready_leave_together() {
    let service = respond(|| Response::new(script((0..100).map(|_| Step::Data("piece")))));
    let (near, far, counts) = Counted::duplex(64 * 1024);
    let mut web_server = WebServer::over(
        near,
        ConnectionBuilder::new().serve_connection(far, HttpService::new(service)),
    );
    web_server.send(get(1, "/")).await;
    assert_eq!(web_server.reply(1).await.body().len(), 500);
    assert_eq!(Counts::read(&counts.writes), 1);
}

///
#[tokio::test(start_paused = true)]
async fn a_streaming_body_is_sent_piece_by_piece() {
    let (service, mut calls) = held();
    let mut web_server = WebServer::connect(service);
    web_server.send(get(1, "/events")).await;
    let (feed, body) = Fed::new();
    calls.recv().await.expect("a call").answer(body);
    // The head does not wait for the first piece.
    let head = web_server.record().await.expect("the head");
    assert_eq!(head.content, b"Status: 200 OK\r\n\r\n");
    for piece in ["one", "two", "three"] {
        web_server.silent_for(Duration::from_secs(3600)).await;
        feed.send(piece.into()).expect("the body lives");
        let record = web_server.record().await.expect("a piece");
        assert_eq!(record.content, piece.as_bytes());
    }
    drop(feed);
    assert_eq!(
        web_server
            .record()
            .await
            .expect("the end of STDOUT")
            .content,
        b""
    );
    assert_eq!(
        web_server.record().await.expect("END_REQUEST").content,
        [0; 8]
    );
}

///
#[tokio::test(start_paused = true)]
async fn a_large_frame_is_split_into_aligned_records() {
    let data = pattern(1 << 20);
    let body = Bytes::from(data.clone());
    let service = service_fn(move |_: Request<Incoming>| {
        let response = Response::new(Full::new(body.clone()));
        std::future::ready(Ok::<_, Infallible>(response))
    });
    let mut web_server = WebServer::connect_with(ConnectionBuilder::new(), 1000, service);
    web_server.send(get_close(1, "/")).await;
    let rest = web_server.rest().await;
    let (head, rest) = rest.split_at(8 + "Status: 200 OK\r\ncontent-length: 1048576\r\n\r\n".len());
    assert_eq!(records(head).len(), 1);
    let records = records(rest);
    let lengths: Vec<_> = records.iter().map(|record| record.content.len()).collect();
    // 16 * 65 528 + 128 = 2^20, the end of STDOUT, END_REQUEST.
    let mut expected = vec![65_528; 16];
    expected.extend([128, 0, 8]);
    assert_eq!(lengths, expected);
    assert_eq!(
        records[..17]
            .iter()
            .flat_map(|record| record.content.clone())
            .collect::<Vec<_>>(),
        data
    );
}

/// heads of any size.
#[tokio::test(start_paused = true)]
async fn a_head_larger_than_a_record_is_split() {
    let value = "v".repeat(100_000);
    let service = respond(move || {
        let response = Response::builder().header("x-long", value.clone());
        response.body(any("hello")).expect("a response")
    });
    let mut web_server = WebServer::connect(service);
    web_server.send(get(1, "/")).await;
    let reply = web_server.reply(1).await;
    assert_eq!(
        reply.head().len(),
        "Status: 200 OK\r\nx-long: \r\ncontent-length: 5".len() + 100_000
    );
    assert_eq!(reply.body(), b"hello");
}

/// B-9: the deadlock of an early answer that does not fit the pipe, in front of a web server that reads last.
#[tokio::test(start_paused = true)]
async fn a_large_early_answer_reaches_a_web_server_that_writes_first() {
    let page = Bytes::from(pattern(1 << 20));
    let expected = page.clone();
    let service = service_fn(move |_: Request<Incoming>| {
        let response = Response::new(Full::new(page.clone()));
        std::future::ready(Ok::<_, Infallible>(response))
    });
    for flags in [CLOSE, KEEP_CONN] {
        let mut web_server =
            WebServer::connect_with(ConnectionBuilder::new(), 4096, service.clone());
        let head = head_as(
            1,
            RESPONDER,
            flags,
            "POST",
            "/",
            &[("CONTENT_LENGTH", "4000000")],
        );
        web_server.send(head).await;
        web_server
            .send(crate::support::stdin_all(1, &pattern(4_000_000)))
            .await;
        assert_eq!(web_server.reply(1).await.body(), &expected[..]);
    }
}

/// the body is left alone while nobody reads.
#[tokio::test(start_paused = true)]
async fn a_response_that_nobody_reads_is_not_taken_from_its_body() {
    let produced = Arc::<std::sync::atomic::AtomicUsize>::default();
    let counter = Arc::clone(&produced);
    let service = service_fn(move |_: Request<Incoming>| {
        let counter = Arc::clone(&counter);
        std::future::ready(Ok::<_, Infallible>(Response::new(Endless(counter))))
    });
    let mut web_server = WebServer::connect_with(ConnectionBuilder::new(), 4096, service);
    web_server.send(get(1, "/")).await;
    until_idle().await;
    let taken = Counts::read(&produced);
    assert!(taken <= 256 * 1024 + 64 * 1024, "{taken} bytes taken");
    // And goes on as soon as somebody reads.
    web_server.bytes(1 << 20).await;
    assert!(Counts::read(&produced) > 1 << 20);
}

/// A body of zeros without an end that counts what was asked of it.
struct Endless(Arc<std::sync::atomic::AtomicUsize>);

impl http_body::Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, Infallible>>> {
        const ZEROS: &[u8] = &[0; 16 * 1024];
        self.0
            .fetch_add(ZEROS.len(), std::sync::atomic::Ordering::Relaxed);
        let frame = http_body::Frame::data(Bytes::from_static(ZEROS));
        std::task::Poll::Ready(Some(Ok(frame)))
    }
}

#[tokio::test(start_paused = true)]
async fn a_response_survives_a_pipe_of_one_byte() {
    let mut web_server = WebServer::connect_with(ConnectionBuilder::new(), 1, service_fn(hello));
    web_server.send(get_close(1, "/")).await;
    assert_eq!(web_server.rest().await, hello_bytes());
}
