//! Several requests on one connection (B-12).

use std::{
    convert::Infallible,
    future::poll_fn,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use fastcgi_tower::{ConnectionBuilder, HttpService, Incoming, Limits};
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, Either};
use tokio::io::AsyncWriteExt;
use tower::service_fn;

use crate::support::{
    CANT_MPX_CONN, CLOSE, Counted, Counts, END_REQUEST, Fed, PIPE, REQUEST_COMPLETE, RESPONDER,
    WebServer, chunk, echo, full, get, head_as, held, multiplexing, pattern, post, show, stdin,
    stdin_all, until_idle,
};

#[tokio::test(start_paused = true)]
async fn interleaved_requests_are_kept_apart() {
    let mut web_server = WebServer::connect_multiplexed(service_fn(show));
    let wire = [
        post(1, "/1", 6),
        post(2, "/2", 6),
        stdin(2, b"two"),
        stdin(1, b"one"),
        stdin(2, b"TWO"),
        stdin(2, b""),
        stdin(1, b"ONE"),
        stdin(1, b""),
    ];
    web_server.send(wire.concat()).await;
    assert_eq!(web_server.reply(1).await.body(), b"POST /1 oneONE");
    assert_eq!(web_server.reply(2).await.body(), b"POST /2 twoTWO");
}

#[tokio::test(start_paused = true)]
async fn a_slow_request_does_not_stop_another() {
    let (service, mut calls) = held();
    let mut web_server = WebServer::connect_multiplexed(service);
    web_server.send(get(1, "/slow")).await;
    let slow = calls.recv().await.expect("a call");
    for _ in 0..3 {
        web_server.send(get(2, "/fast")).await;
        calls.recv().await.expect("a call").answer(full("fast"));
        assert_eq!(web_server.reply(2).await.body(), b"fast");
    }
    slow.answer(full("slow"));
    assert_eq!(web_server.reply(1).await.body(), b"slow");
}

#[tokio::test(start_paused = true)]
async fn interleaved_responses_are_kept_apart() {
    let (service, mut calls) = held();
    let mut web_server = WebServer::connect_multiplexed(service);
    web_server.send([get(1, "/"), get(2, "/")].concat()).await;
    let (first, body) = Fed::new();
    calls.recv().await.expect("a call").answer(body);
    let (second, body) = Fed::new();
    calls.recv().await.expect("a call").answer(body);
    for (feed, piece) in [(&first, "a"), (&second, "1"), (&second, "2"), (&first, "b")] {
        feed.send(piece.into()).expect("the body lives");
        until_idle().await;
    }
    drop((first, second));
    assert_eq!(web_server.reply(1).await.body(), b"ab");
    assert_eq!(web_server.reply(2).await.body(), b"12");
}

#[tokio::test(start_paused = true)]
async fn sixty_four_echoes_at_once_are_not_mixed_up() {
    let bodies: Vec<_> = (1..=64_u16)
        .map(|id| vec![id as u8; 20_000 + usize::from(id)])
        .collect();
    let mut wire: Vec<u8> = (1..)
        .zip(&bodies)
        .flat_map(|(id, body)| post(id, "/", body.len()))
        .collect();
    for part in 0..21 {
        // An empty piece is the end of STDIN, which may come twice.
        for (id, body) in (1..).zip(&bodies) {
            let rest = &body[(part * 1000).min(body.len())..];
            let piece = &rest[..rest.len().min(1000)];
            wire.extend(stdin(id, piece));
        }
    }
    // Everything is written before anything is read.
    let mut web_server = WebServer::connect_with(multiplexing(), 4096, service_fn(echo));
    web_server.send(wire).await;
    for (id, reply) in web_server.replies(64).await {
        assert!(reply.body() == bodies[usize::from(id) - 1], "request {id}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_without_keep_conn_is_the_last_and_the_others_finish() {
    let (service, mut calls) = held();
    let mut web_server = WebServer::connect_multiplexed(service);
    web_server.send(get(1, "/1")).await;
    let first = calls.recv().await.expect("a call");
    let last = head_as(2, RESPONDER, CLOSE, "GET", "/2", &[]);
    web_server.send([last, stdin(2, b"")].concat()).await;
    calls.recv().await.expect("a call").answer(full("two"));
    assert_eq!(web_server.reply(2).await.body(), b"two");
    first.answer(full("one"));
    assert_eq!(web_server.reply(1).await.body(), b"one");
    web_server.closed().await;
}

/// Of the limits, this one is told to the client.
#[tokio::test(start_paused = true)]
async fn a_request_too_many_is_answered_with_503() {
    let (service, mut calls) = held();
    let builder = ConnectionBuilder::new().limits(Limits::default().max_reqs(2));
    let mut web_server = WebServer::connect_with(builder, PIPE, service);
    web_server
        .send([get(1, "/"), get(2, "/"), get(3, "/")].concat())
        .await;
    let reply = web_server.reply(3).await;
    assert_eq!(
        (reply.status(), reply.protocol_status),
        ("503", REQUEST_COMPLETE)
    );
    assert_eq!(reply.body(), b"503 Service Unavailable\n");
    for _ in 0..2 {
        calls.recv().await.expect("a call").answer(full("done"));
    }
    assert_eq!(web_server.reply(1).await.body(), b"done");
    assert_eq!(web_server.reply(2).await.body(), b"done");
    // There is room again, and its late records did no harm.
    web_server.send(get(3, "/")).await;
    calls.recv().await.expect("a call").answer(full("three"));
    assert_eq!(web_server.reply(3).await.body(), b"three");
}

/// Without a response, HAProxy would let its client wait (R-10a).
#[tokio::test(start_paused = true)]
async fn by_default_a_second_request_is_answered_with_503_and_cant_mpx_conn() {
    let (service, mut calls) = held();
    let mut web_server = WebServer::connect(service);
    web_server.send([get(1, "/"), get(2, "/")].concat()).await;
    let reply = web_server.reply(2).await;
    assert_eq!(
        (reply.status(), reply.protocol_status),
        ("503", CANT_MPX_CONN)
    );
    assert_eq!(reply.body(), b"503 Service Unavailable\n");
    calls.recv().await.expect("a call").answer(full("one"));
    assert_eq!(web_server.reply(1).await.body(), b"one");
    web_server.send(get(2, "/")).await;
    calls.recv().await.expect("a call").answer(full("two"));
    assert_eq!(web_server.reply(2).await.body(), b"two");
}

/// The protocol has no flow control for single requests.
#[tokio::test(start_paused = true)]
async fn a_body_that_nobody_reads_is_spilled_while_others_are_served() {
    const SPILL: usize = 1 << 20;
    let (near, far, counts) = Counted::duplex(PIPE);
    let (service, mut calls) = held();
    let connection = ConnectionBuilder::new()
        .limits(Limits::default().max_reqs(64).max_spill(SPILL))
        .serve_connection(far, HttpService::new(service));
    let mut web_server = WebServer::over(near, connection);
    let data = pattern(4 << 20);
    web_server.send(post(1, "/", data.len())).await;
    let mut stalled = calls.recv().await.expect("a call");
    web_server.send(get(2, "/")).await;
    let other = calls.recv().await.expect("a call");

    // Far more than the window.
    let (some, rest) = data.split_at(SPILL / 2);
    for piece in some.chunks(32 * 1024) {
        web_server.send(stdin(1, piece)).await;
    }
    web_server.send(get(3, "/")).await;
    let third = calls.recv().await.expect("a call");
    third.answer(full("three"));
    assert_eq!(web_server.reply(3).await.body(), b"three");

    // At the limit reading stops.
    let mut wire = Vec::new();
    for piece in rest.chunks(32 * 1024) {
        wire.extend(stdin(1, piece));
    }
    let sent = tokio::time::timeout(
        std::time::Duration::from_secs(1),
        web_server.io.write_all(&wire),
    )
    .await;
    assert!(sent.is_err(), "not everything was taken");
    let taken = Counts::read(&counts.bytes_in);
    assert!(
        (SPILL..SPILL + 128 * 1024 + 8 * 1024).contains(&taken),
        "{taken} bytes"
    );

    // And goes on when the body is read.
    other.answer(full("two"));
    assert_eq!(web_server.reply(2).await.body(), b"two");
    let mut read = 0;
    while read < SPILL {
        read += chunk(stalled.request.body_mut())
            .await
            .expect("data")
            .expect("good data")
            .len();
    }
    until_idle().await;
    assert!(Counts::read(&counts.bytes_in) > taken);
    drop(std::mem::take(stalled.request.body_mut()).boxed());
}

#[tokio::test(start_paused = true)]
async fn an_early_answer_does_not_disturb_the_other_uploads() {
    let (service, mut calls) = held();
    let mut web_server = WebServer::connect_multiplexed(service);
    web_server
        .send([post(1, "/", 200_000), post(2, "/", 200_000)].concat())
        .await;
    calls.recv().await.expect("a call").answer(full("early"));
    assert_eq!(web_server.reply(1).await.body(), b"early");
    let second = calls.recv().await.expect("a call");
    let collected = tokio::spawn(second.request.into_body().collect());
    let data = pattern(200_000);
    for piece in data.chunks(10_000) {
        web_server
            .send([stdin(1, piece), stdin(2, piece)].concat())
            .await;
    }
    web_server
        .send([stdin_all(1, b""), stdin_all(2, b"")].concat())
        .await;
    let body = collected.await.expect("no panic").expect("a whole body");
    assert_eq!(body.to_bytes(), data);
    second
        .answer
        .send(Response::new(
            full("two").map_err(Into::into).boxed_unsync(),
        ))
        .expect("the handler lives");
    assert_eq!(web_server.reply(2).await.body(), b"two");
}

/// With n requests on a connection, n² polls otherwise.
#[tokio::test(start_paused = true)]
async fn only_the_request_that_is_woken_is_polled() {
    let polls = Arc::<AtomicUsize>::default();
    let counter = Arc::clone(&polls);
    let (pieces, body) = Fed::new();
    let mut body = Some(body);
    let service = service_fn(move |request: Request<Incoming>| {
        let body = body.take_if(|_| request.uri().path() == "/busy");
        let polls = Arc::clone(&counter);
        async move {
            if let Some(body) = body {
                return Ok::<_, Infallible>(Response::new(body));
            }
            poll_fn(move |_| {
                polls.fetch_add(1, Ordering::Relaxed);
                Poll::Pending
            })
            .await
        }
    });
    let builder = ConnectionBuilder::new().limits(Limits::default().max_reqs(64));
    let mut web_server = WebServer::connect_with(builder, PIPE, service);
    web_server
        .send([get(1, "/waits"), get(2, "/busy")].concat())
        .await;
    until_idle().await;
    assert_eq!(web_server.record().await.expect("a head").id, 2);
    let before = polls.load(Ordering::Relaxed);
    assert!(before > 0);
    for _ in 0..100 {
        pieces.send("piece".into()).expect("the body lives");
        assert_eq!(
            web_server.record().await.expect("a piece").content,
            b"piece"
        );
    }
    assert_eq!(polls.load(Ordering::Relaxed), before);
}

/// A body that always has more, such as a large file.
struct Endless;

impl http_body::Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let data = Bytes::from_static(&[b'x'; 64 * 1024]);
        Poll::Ready(Some(Ok(Frame::data(data))))
    }
}

#[tokio::test(start_paused = true)]
async fn a_response_without_an_end_lets_the_others_pass() {
    let answer = |request: Request<Incoming>| async move {
        Ok::<_, Infallible>(Response::new(match request.uri().path() {
            "/endless" => Either::Left(Endless),
            _ => Either::Right(full("short")),
        }))
    };
    let mut web_server = WebServer::connect_multiplexed(service_fn(answer));
    web_server.send(get(1, "/endless")).await;
    until_idle().await;
    web_server.send(get(2, "/")).await;
    web_server.send(get(3, "/")).await;
    let mut ended = Vec::new();
    // 64 MiB of the first in front of the ends of the others would be too many.
    for _ in 0..1024 {
        let record = web_server.record().await.expect("a record");
        if record.record_type == END_REQUEST {
            ended.push(record.id);
        }
        if ended.len() == 2 {
            break;
        }
    }
    ended.sort_unstable();
    assert_eq!(ended, [2, 3]);
}
