//! Where a request body ends (B-1 to B-5), and what is known of it before (B-2).

use std::{
    convert::Infallible,
    future::{Ready, ready},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use fastcgi_tower::{ConnectionBuilder, Error, HttpService, Incoming};
use http::{Request, Response};
use http_body::Body;
use http_body_util::BodyExt;
use tokio::time::Instant;
use tower::service_fn;
use tower_service::Service;

use crate::support::{
    CLOSE, KEEP_CONN, PIPE, RESPONDER, WebServer, chunk, echo, full, get, head, head_as, held,
    hello, hello_bytes, pattern, post, show, stdin, stdin_all, tell_failure, until_idle,
};

/// The head of a POST as mod_fcgid sends it: the only web server that may send an end before it sends the body.
fn post_of_mod_fcgid(id: u16, path: &str, length: usize) -> Vec<u8> {
    let length = length.to_string();
    let more = [
        ("CONTENT_LENGTH", &*length),
        ("SERVER_SOFTWARE", "Apache/2.4.66 (Debian) mod_fcgid/2.3.9"),
        ("SCRIPT_FILENAME", "/srv/www/index.fcgi"),
    ];
    head(id, "POST", path, &more)
}

/// B-1: nginx's `auth_request` and `error_page` send the client's `CONTENT_LENGTH`, and no body.
#[tokio::test(start_paused = true)]
async fn a_length_without_a_body_is_a_short_body_at_once() {
    let lengths = [
        ("nginx", post(1, "/", 13)),
        (
            "mod_proxy_fcgi",
            head(
                1,
                "POST",
                "/",
                &[
                    ("CONTENT_LENGTH", "13"),
                    ("SERVER_SOFTWARE", "Apache/2.4.66"),
                    ("SCRIPT_FILENAME", "proxy:fcgi://127.0.0.1:9000/"),
                ],
            ),
        ),
    ];
    for (web_server, head) in lengths {
        for body in [&b""[..], b"hello"] {
            let mut connection = WebServer::connect(service_fn(tell_failure));
            let mut request = head.clone();
            if !body.is_empty() {
                request.extend(stdin(1, body));
            }
            request.extend(stdin(1, b""));
            connection.send(request).await;
            let start = Instant::now();
            assert_eq!(
                connection.reply(1).await.body(),
                b"incomplete",
                "{web_server}"
            );
            assert_eq!(start.elapsed(), Duration::ZERO, "{web_server}");
            // The connection lives on.
            connection.send(get(1, "/")).await;
            assert_eq!(connection.reply(1).await.body(), b"whole ");
        }
    }
}

/// The same, for a handler that does not ask for the body, and with the end in a read of its own.
#[tokio::test(start_paused = true)]
async fn a_handler_that_does_not_read_never_notices_a_missing_body() {
    let mut web_server = WebServer::connect(service_fn(hello));
    web_server.send(post(1, "/", 13)).await;
    until_idle().await;
    web_server.send(stdin(1, b"")).await;
    let start = Instant::now();
    assert_eq!(web_server.reply(1).await.status(), "200");
    web_server
        .send([post(1, "/", 13), stdin(1, b"")].concat())
        .await;
    assert_eq!(web_server.reply(1).await.status(), "200");
    assert_eq!(start.elapsed(), Duration::ZERO);
}

/// B-1: what mod_fcgid sends over HTTP/2.
#[tokio::test(start_paused = true)]
async fn an_empty_stdin_record_before_the_announced_bytes_is_not_the_end() {
    let mut web_server = WebServer::connect(service_fn(show));
    web_server.send(post_of_mod_fcgid(1, "/", 13)).await;
    web_server.send(stdin(1, b"")).await;
    web_server.send(stdin(1, b"hello, ")).await;
    web_server.send(stdin(1, b"")).await;
    web_server.send(stdin(1, b"world!")).await;
    web_server.send(stdin(1, b"")).await;
    assert_eq!(web_server.reply(1).await.body(), b"POST / hello, world!");
}

/// B-1
#[tokio::test(start_paused = true)]
async fn a_body_that_ends_early_fails_after_10_s_without_data() {
    let mut web_server = WebServer::connect(service_fn(tell_failure));
    web_server
        .send(
            [
                post_of_mod_fcgid(1, "/", 13),
                stdin(1, b"hello"),
                stdin(1, b""),
            ]
            .concat(),
        )
        .await;
    let start = Instant::now();
    assert_eq!(web_server.reply(1).await.body(), b"incomplete");
    assert_eq!(start.elapsed().as_secs(), 10);
    // The connection lives on.
    web_server.send(get(1, "/")).await;
    assert_eq!(web_server.reply(1).await.body(), b"whole ");
}

/// B-1: the time counts from the last early end that followed data.
#[tokio::test(start_paused = true)]
async fn data_after_an_early_end_begins_the_10_s_anew() {
    let mut web_server = WebServer::connect(service_fn(tell_failure));
    web_server
        .send([post_of_mod_fcgid(1, "/", 13), stdin(1, b"")].concat())
        .await;
    for piece in [b"abc", b"def", b"ghi"] {
        web_server.silent_for(Duration::from_secs(9)).await;
        web_server
            .send([stdin(1, piece), stdin(1, b"")].concat())
            .await;
    }
    let start = Instant::now();
    assert_eq!(web_server.reply(1).await.body(), b"incomplete");
    assert_eq!(start.elapsed().as_secs(), 10);
}

/// B-15: empty records are no progress.
#[tokio::test(start_paused = true)]
async fn empty_records_after_an_early_end_do_not_prolong_the_10_s() {
    let mut web_server = WebServer::connect(service_fn(tell_failure));
    web_server
        .send([post_of_mod_fcgid(1, "/", 13), stdin(1, b"")].concat())
        .await;
    for _ in 0..3 {
        web_server.silent_for(Duration::from_secs(3)).await;
        web_server.send(stdin(1, b"")).await;
    }
    let start = Instant::now();
    assert_eq!(web_server.reply(1).await.body(), b"incomplete");
    assert_eq!(start.elapsed().as_secs(), 1);
}

/// B-4
#[tokio::test(start_paused = true)]
async fn what_follows_a_body_that_failed_is_discarded() {
    let (service, mut calls) = held();
    let mut web_server = WebServer::connect(service);
    web_server
        .send([post_of_mod_fcgid(1, "/", 13), stdin(1, b"")].concat())
        .await;
    let mut call = calls.recv().await.expect("a call");
    let body = call.request.body_mut();
    let failure = chunk(body).await.expect("a failure");
    assert!(failure.is_err_and(|error| error.is_incomplete_body()));

    web_server
        .send([stdin(1, b""), stdin(1, b"hello, world!"), stdin(1, b"")].concat())
        .await;
    until_idle().await;
    assert!(chunk(body).await.is_none(), "the failure was the end");
    assert!(body.is_end_stream());
    call.answer(full("done"));
    assert_eq!(web_server.reply(1).await.body(), b"done");
}

/// B-4: as above, with the failure not seen yet.
#[tokio::test(start_paused = true)]
async fn a_body_that_failed_unread_stays_failed() {
    let (service, mut calls) = held();
    let mut web_server = WebServer::connect(service);
    web_server
        .send(
            [
                post_of_mod_fcgid(1, "/", 13),
                stdin(1, b"abc"),
                stdin(1, b""),
            ]
            .concat(),
        )
        .await;
    let mut call = calls.recv().await.expect("a call");
    web_server.silent_for(Duration::from_secs(11)).await;
    web_server
        .send([stdin(1, b""), stdin(1, b"0123456789"), stdin(1, b"")].concat())
        .await;
    until_idle().await;

    let body = call.request.body_mut();
    assert_eq!(chunk(body).await.expect("data").expect("good data"), "abc");
    let failure = chunk(body).await.expect("a failure");
    assert!(failure.is_err_and(|error| error.is_incomplete_body()));
    assert!(chunk(body).await.is_none());
}

/// B-4: never a clean end, even if the service comes late.
#[tokio::test(start_paused = true)]
async fn a_body_that_failed_before_the_call_is_handed_out_as_failed() {
    struct Late(Pin<Box<tokio::time::Sleep>>);

    impl Service<Request<Incoming>> for Late {
        type Response = Response<Incoming>;
        type Error = Infallible;
        type Future = Ready<Result<Response<Incoming>, Infallible>>;

        fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            self.0.as_mut().poll(cx).map(Ok)
        }

        fn call(&mut self, request: Request<Incoming>) -> Self::Future {
            let body = request.body();
            assert_eq!(body.size_hint().exact(), Some(13));
            assert!(!body.is_end_stream());
            ready(Ok(Response::new(request.into_body())))
        }
    }

    let late = Late(Box::pin(tokio::time::sleep(Duration::from_secs(20))));
    let mut web_server = WebServer::connect(late);
    web_server
        .send(
            [
                post_of_mod_fcgid(1, "/", 13),
                stdin(1, b"abc"),
                stdin(1, b""),
            ]
            .concat(),
        )
        .await;
    assert!(
        web_server
            .result()
            .await
            .is_err_and(|error| error.is_truncated())
    );
}

/// B-1 and B-12: the others on the connection have nothing to do with it.
#[tokio::test(start_paused = true)]
async fn a_body_that_ends_early_takes_no_other_body_with_it() {
    let mut web_server = WebServer::connect_multiplexed(service_fn(tell_failure));
    web_server
        .send([post_of_mod_fcgid(1, "/", 13), stdin(1, b"")].concat())
        .await;
    web_server
        .send([post(2, "/", 6), stdin(2, b"abc")].concat())
        .await;
    assert_eq!(web_server.reply(1).await.body(), b"incomplete");
    web_server
        .send([stdin(2, b"def"), stdin(2, b"")].concat())
        .await;
    assert_eq!(web_server.reply(2).await.body(), b"whole abcdef");
}

/// B-2
#[tokio::test(start_paused = true)]
async fn the_size_of_an_announced_body_is_exact_at_every_point() {
    let (service, mut calls) = held();
    let mut web_server = WebServer::connect(service);
    web_server
        .send([post(1, "/", 10), stdin(1, b"abc")].concat())
        .await;
    let mut call = calls.recv().await.expect("a call");
    let body = call.request.body_mut();
    let mut seen = vec![(body.size_hint().exact(), body.is_end_stream())];
    for piece in [&b"defg"[..], b"hij"] {
        chunk(body).await.expect("data").expect("good data");
        seen.push((body.size_hint().exact(), body.is_end_stream()));
        web_server.send(stdin(1, piece)).await;
    }
    chunk(body).await.expect("data").expect("good data");
    seen.push((body.size_hint().exact(), body.is_end_stream()));
    let left = [(10, false), (7, false), (3, false), (0, true)];
    assert_eq!(seen, left.map(|(left, end)| (Some(left), end)));
    // The end of STDIN has not come, and is not waited for.
    assert!(chunk(body).await.is_none());
}

/// B-2
#[tokio::test(start_paused = true)]
async fn the_size_of_a_body_that_is_all_there_is_exact_too() {
    let (service, mut calls) = held();
    let mut web_server = WebServer::connect(service);
    web_server
        .send(
            [
                post(1, "/", 5),
                stdin(1, b"ab"),
                stdin(1, b"cde"),
                stdin(1, b""),
            ]
            .concat(),
        )
        .await;
    let mut call = calls.recv().await.expect("a call");
    let body = call.request.body_mut();
    assert_eq!(
        (body.size_hint().exact(), body.is_end_stream()),
        (Some(5), false)
    );
    chunk(body).await.expect("data").expect("good data");
    assert_eq!(
        (body.size_hint().exact(), body.is_end_stream()),
        (Some(3), false)
    );
    chunk(body).await.expect("data").expect("good data");
    assert_eq!(
        (body.size_hint().exact(), body.is_end_stream()),
        (Some(0), true)
    );
    assert!(chunk(body).await.is_none());
    assert!(chunk(body).await.is_none(), "and so it stays");
}

/// B-2
#[tokio::test(start_paused = true)]
async fn the_size_of_an_unknown_body_is_told_when_it_has_ended() {
    let (service, mut calls) = held();
    let mut web_server = WebServer::connect(service);
    web_server
        .send([head(1, "POST", "/", &[]), stdin(1, b"abc")].concat())
        .await;
    let mut call = calls.recv().await.expect("a call");
    let body = call.request.body_mut();
    assert_eq!(
        (body.size_hint().lower(), body.size_hint().upper()),
        (0, None)
    );
    assert!(!body.is_end_stream());
    web_server
        .send([stdin(1, b"de"), stdin(1, b"")].concat())
        .await;
    until_idle().await;
    assert_eq!(body.size_hint().exact(), Some(5));
    chunk(body).await.expect("data").expect("good data");
    chunk(body).await.expect("data").expect("good data");
    assert_eq!(
        (body.size_hint().exact(), body.is_end_stream()),
        (Some(0), true)
    );
}

/// B-3
#[tokio::test(start_paused = true)]
async fn surplus_bytes_are_cut_off() {
    for pieces in [
        &[&b"helloXYZ"[..]][..],
        &[b"hel", b"loXY", b"Z"],
        &[b"hello", b"X", b"YZ"],
    ] {
        let mut web_server = WebServer::connect(service_fn(show));
        web_server.send(post(1, "/", 5)).await;
        for piece in pieces {
            web_server.send(stdin(1, piece)).await;
        }
        web_server.send(stdin(1, b"")).await;
        assert_eq!(
            web_server.reply(1).await.body(),
            b"POST / hello",
            "{pieces:?}"
        );
        // They are no part of the next request either.
        web_server.send(get(1, "/next")).await;
        assert_eq!(web_server.reply(1).await.body(), b"GET /next ");
    }
}

/// B-3: some minimal clients never send the end of STDIN.
#[tokio::test(start_paused = true)]
async fn a_body_ends_with_its_last_announced_byte() {
    let mut web_server = WebServer::connect(service_fn(show));
    for _ in 0..2 {
        web_server
            .send([post(1, "/", 5), stdin(1, b"hello")].concat())
            .await;
        assert_eq!(web_server.reply(1).await.body(), b"POST / hello");
    }
}

/// B-4
#[tokio::test(start_paused = true)]
async fn a_body_cut_off_by_the_end_of_the_connection_fails() {
    for length in [&[("CONTENT_LENGTH", "10")][..], &[]] {
        for early_end in [false, true] {
            let (service, mut calls) = held();
            let mut web_server = WebServer::connect(service);
            web_server
                .send([head(1, "POST", "/", length), stdin(1, b"abc")].concat())
                .await;
            if early_end && !length.is_empty() {
                web_server.send(stdin(1, b"")).await;
            }
            let call = calls.recv().await.expect("a call");
            let collected = tokio::spawn(call.request.into_body().collect());
            web_server.disconnect().await.expect("no error of ours");
            let error = collected.await.expect("no panic").expect_err("a failure");
            assert!(error.is_aborted() || error.is_incomplete_body(), "{error}");
        }
    }
}

/// What had arrived is told before the failure is.
#[tokio::test(start_paused = true)]
async fn data_comes_before_the_failure() {
    let (service, mut calls) = held();
    let mut web_server = WebServer::connect(service);
    web_server
        .send([post(1, "/", 10), stdin(1, b"abc")].concat())
        .await;
    let mut call = calls.recv().await.expect("a call");
    web_server.disconnect().await.expect("no error of ours");
    let body = call.request.body_mut();
    assert_eq!(chunk(body).await.expect("data").expect("good data"), "abc");
    let error: Error = chunk(body)
        .await
        .expect("a failure")
        .expect_err("a failure");
    assert!(error.is_aborted());
    assert!(chunk(body).await.is_none());
}

/// A body that is all there outlives its connection.
#[tokio::test(start_paused = true)]
async fn a_whole_body_can_be_read_after_the_connection() {
    let (service, mut calls) = held();
    let mut web_server = WebServer::connect(service);
    web_server.send(post(1, "/", 6)).await;
    let call = calls.recv().await.expect("a call");
    web_server
        .send([stdin(1, b"abc"), stdin(1, b"def")].concat())
        .await;
    until_idle().await;
    web_server.disconnect().await.expect("no error of ours");
    let body = call.request.into_body().collect().await;
    assert_eq!(body.expect("a whole body").to_bytes(), "abcdef");
}

/// B-9: on every connection the answer does not wait for the body.
#[tokio::test(start_paused = true)]
async fn an_early_answer_is_sent_at_once_and_the_late_body_is_ignored() {
    let mut web_server = WebServer::connect(service_fn(hello));
    let body = pattern(100_000);
    web_server.send(post(1, "/", body.len())).await;
    assert_eq!(web_server.reply(1).await.body(), b"hello");
    web_server.send(stdin_all(1, &body)).await;
    web_server.send(get(1, "/")).await;
    assert_eq!(web_server.reply(1).await.body(), b"hello");
}

/// B-9: h2o aborts at an END_REQUEST that it reads before it has noticed that the body is written, if it keeps the
/// connection.
#[tokio::test(start_paused = true)]
async fn an_early_answer_to_h2o_ends_with_the_connection() {
    let h2o = [("SERVER_SOFTWARE", "h2o/2.2.5"), ("CONTENT_LENGTH", "6")];
    let response = hello_bytes();
    let without_end_request = &response[..response.len() - 16];
    let mut web_server = WebServer::connect(service_fn(hello));
    web_server.send(head(1, "POST", "/", &h2o)).await;
    assert_eq!(web_server.rest().await, without_end_request);
    web_server
        .send([stdin(1, b"abcdef"), stdin(1, b"")].concat())
        .await;
    web_server.disconnect().await.expect("a good end");
}

/// B-9: nor does the end of the body help an answer that began before it.
#[tokio::test(start_paused = true)]
async fn an_answer_to_h2o_that_began_early_ends_with_the_connection() {
    let h2o = [("SERVER_SOFTWARE", "h2o/2.2.5"), ("CONTENT_LENGTH", "6")];
    let mut web_server = WebServer::connect(service_fn(echo));
    web_server.send(head(1, "POST", "/", &h2o)).await;
    web_server.send(stdin(1, b"abc")).await;
    until_idle().await;
    web_server
        .send([stdin(1, b"def"), stdin(1, b"")].concat())
        .await;
    let records = web_server.rest().await;
    assert_eq!(records[records.len() - 8..], [1, 6, 0, 1, 0, 0, 0, 0]);
    web_server.disconnect().await.expect("a good end");
}

/// B-9: an answer that waited for the body leaves h2o its connection.
#[tokio::test(start_paused = true)]
async fn an_answer_to_h2o_that_waits_for_the_body_keeps_the_connection() {
    let h2o = [("SERVER_SOFTWARE", "h2o/2.2.5"), ("CONTENT_LENGTH", "6")];
    let mut web_server = WebServer::connect(service_fn(hello));
    for _ in 0..2 {
        web_server
            .send([head(1, "POST", "/", &h2o), stdin_all(1, b"abcdef")].concat())
            .await;
        let response = hello_bytes();
        assert_eq!(web_server.bytes(response.len()).await, response);
    }
}

/// B-9: as Caddy and mod_fcgid write, all before the first read.
#[tokio::test(start_paused = true)]
async fn after_an_early_answer_our_side_is_closed_and_the_body_is_drained() {
    let length = 1 << 20;
    let lengths = length.to_string();
    let request = head_as(
        1,
        RESPONDER,
        CLOSE,
        "POST",
        "/",
        &[("CONTENT_LENGTH", &lengths)],
    );
    let mut web_server = WebServer::connect(service_fn(hello));
    web_server.send(request).await;
    web_server.send(stdin_all(1, &pattern(length))).await;
    assert_eq!(web_server.rest().await, hello_bytes());
    assert!(!web_server.is_finished(), "it waits for us to close");
    web_server.disconnect().await.expect("a good end");
}

/// B-9
#[tokio::test(start_paused = true)]
async fn the_body_of_an_early_answer_is_drained_for_30_s() {
    let request = head_as(
        1,
        RESPONDER,
        CLOSE,
        "POST",
        "/",
        &[("CONTENT_LENGTH", "1000000")],
    );
    let mut web_server = WebServer::connect(service_fn(hello));
    let start = Instant::now();
    web_server.send(request).await;
    assert_eq!(web_server.rest().await, hello_bytes());
    assert_eq!(start.elapsed().as_secs(), 0);
    for _ in 0..29 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        web_server.send(stdin(1, b"drip")).await;
    }
    web_server.result().await.expect("a good end");
    assert_eq!(start.elapsed().as_secs(), 30);
}

/// B-9
#[tokio::test(start_paused = true)]
async fn at_most_100_mib_of_an_early_answered_body_are_drained() {
    let request = head_as(
        1,
        RESPONDER,
        CLOSE,
        "POST",
        "/",
        &[("CONTENT_LENGTH", "1000000000")],
    );
    let mut web_server = WebServer::connect(service_fn(hello));
    web_server.send(request).await;
    assert_eq!(web_server.rest().await, hello_bytes());
    let data = stdin(1, &[b'x'; 32 * 1024 - 8]);
    let mut sent = 0;
    use tokio::io::AsyncWriteExt;
    while web_server.io.write_all(&data).await.is_ok() {
        sent += data.len();
        assert!(sent < 110 << 20, "{sent} bytes taken");
    }
    assert!(sent >= 100 << 20, "only {sent} bytes taken");
    web_server.result().await.expect("a good end");
}

/// B-14: libfcgi waits that long for the end of the stream, too.
#[tokio::test(start_paused = true)]
async fn the_end_of_a_stream_is_waited_for_for_2_s() {
    let request = head_as(1, RESPONDER, CLOSE, "POST", "/", &[("CONTENT_LENGTH", "5")]);
    let mut web_server = WebServer::connect(service_fn(show));
    let start = Instant::now();
    web_server
        .send([request, stdin(1, b"hello")].concat())
        .await;
    assert!(web_server.rest().await.ends_with(&[0; 8]));
    web_server.result().await.expect("a good end");
    assert_eq!(start.elapsed().as_secs(), 2);
}

/// A reset is how Caddy ends every connection; a pipe has none, so this one is acted.
#[tokio::test(start_paused = true)]
async fn a_reset_after_the_response_is_a_good_end() {
    use std::io;
    use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf, duplex};

    /// Gives an error where a pipe gives the end of file.
    struct Resetting(DuplexStream);

    impl AsyncRead for Resetting {
        fn poll_read(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            buf: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            let before = buf.filled().len();
            match Pin::new(&mut self.0).poll_read(cx, buf) {
                Poll::Ready(Ok(())) if buf.filled().len() == before => {
                    Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()))
                }
                other => other,
            }
        }
    }

    impl AsyncWrite for Resetting {
        fn poll_write(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            buf: &[u8],
        ) -> Poll<io::Result<usize>> {
            Pin::new(&mut self.0).poll_write(cx, buf)
        }

        fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.0).poll_flush(cx)
        }

        fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.0).poll_shutdown(cx)
        }
    }

    for (flags, early) in [(CLOSE, false), (CLOSE, true), (KEEP_CONN, false)] {
        let (near, far) = duplex(PIPE);
        let connection = ConnectionBuilder::new()
            .serve_connection(Resetting(far), HttpService::new(service_fn(hello)));
        let mut web_server = WebServer::over(near, connection);
        let request = head_as(1, RESPONDER, flags, "POST", "/", &[("CONTENT_LENGTH", "5")]);
        web_server.send(request).await;
        if !early {
            web_server.send(stdin_all(1, b"hello")).await;
        }
        assert_eq!(web_server.reply(1).await.body(), b"hello");
        until_idle().await;
        let result = web_server.disconnect().await;
        assert!(result.is_ok(), "{flags} {early} {result:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn dropping_a_body_does_not_disturb_the_next_request() {
    let mut web_server = WebServer::connect(service_fn(|request: Request<Incoming>| async move {
        let (parts, body) = request.into_parts();
        drop(body);
        tokio::task::yield_now().await;
        Ok::<_, Infallible>(Response::new(parts.uri.path().to_owned()))
    }));
    for path in ["/1", "/2", "/3"] {
        web_server
            .send([post(7, path, 300_000), stdin_all(7, &pattern(300_000))].concat())
            .await;
        assert_eq!(web_server.reply(7).await.body(), path.as_bytes());
    }
}
