//! How much of a request body is taken from the socket (B-7, B-8), counted.

use std::{convert::Infallible, sync::atomic::Ordering, time::Duration};

use fastcgi_tower::{ConnectionBuilder, HttpService, Incoming, Limits, Timeouts};
use http::{Request, Response};
use http_body_util::BodyExt;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};
use tower::service_fn;

use crate::support::{
    CLOSE, Counted, Counts, RESPONDER, WebServer, chunk, echo, full, get, head, head_as, held,
    pattern, post, records, stdin_all, until_idle,
};

/// The most that is read at a time.
const READ: usize = 128 * 1024;
/// The default of `ConnectionBuilder::body_window`.
const WINDOW: usize = 64 * 1024;
/// What the request costs besides its body: BEGIN_REQUEST, PARAMS and record headers.
const OVERHEAD: usize = 4 * 1024;

/// Sends `bytes` for as long as they are taken, and gives the web server's other half.
fn send_all(
    io: tokio::io::DuplexStream,
    bytes: Vec<u8>,
) -> tokio::io::ReadHalf<tokio::io::DuplexStream> {
    let (read, mut write) = tokio::io::split(io);
    tokio::spawn(async move {
        // The application may close before it has taken everything.
        let _ = write.write_all(&bytes).await;
        std::future::pending::<()>().await;
    });
    read
}

#[tokio::test(start_paused = true)]
async fn a_body_that_nobody_reads_stays_in_the_socket() {
    for (window, length) in [
        (WINDOW, None),
        (WINDOW, Some(10 << 20)),
        (1, None),
        (0, None),
    ] {
        let (near, far, counts) = Counted::duplex(256 * 1024);
        let (service, mut calls) = held();
        let builder = ConnectionBuilder::new().limits(Limits::default().body_window(window));
        tokio::spawn(builder.serve_connection(far, HttpService::new(service)));
        let head = match length {
            Some(length) => post(1, "/", length),
            None => head(1, "POST", "/", &[]),
        };
        let body = stdin_all(1, &pattern(10 << 20));
        let _near = send_all(near, [head, body].concat());
        let mut call = calls.recv().await.expect("a call");
        until_idle().await;
        let taken = Counts::read(&counts.bytes_in);
        assert!(
            taken <= window + READ + OVERHEAD,
            "{taken} bytes with a window of {window}"
        );

        // What is read makes room for as much again, and no more.
        let mut read = 0;
        while read < 1 << 20 {
            read += chunk(call.request.body_mut())
                .await
                .expect("data")
                .expect("good data")
                .len();
        }
        until_idle().await;
        let held = Counts::read(&counts.bytes_in) - read;
        assert!(
            held <= window + READ + OVERHEAD,
            "{held} bytes with a window of {window}"
        );
        // And all of it arrives.
        let rest = std::mem::take(call.request.body_mut()).collect().await;
        assert_eq!(
            read + rest.expect("a whole body").to_bytes().len(),
            10 << 20
        );
    }
}

/// Records of one byte are copied together while they wait, so that each costs its byte.
#[tokio::test(start_paused = true)]
async fn records_of_one_byte_do_not_fill_the_memory() {
    let (near, far, counts) = Counted::duplex(256 * 1024);
    let (service, mut calls) = held();
    tokio::spawn(ConnectionBuilder::new().serve_connection(far, HttpService::new(service)));
    let body = b"\x01\x05\x00\x01\x00\x01\x00\x00x".repeat(1 << 20);
    let _near = send_all(near, [head(1, "POST", "/", &[]), body].concat());
    let _call = calls.recv().await.expect("a call");
    until_idle().await;
    // Of 9 bytes each on the wire.
    let taken = Counts::read(&counts.bytes_in);
    assert!(taken <= WINDOW * 9 + READ + OVERHEAD, "{taken} bytes");
}

#[tokio::test(start_paused = true)]
async fn reading_in_another_task_opens_the_window_again() {
    let (near, far, _) = Counted::duplex(64 * 1024);
    let (service, mut calls) = held();
    tokio::spawn(ConnectionBuilder::new().serve_connection(far, HttpService::new(service)));
    let data = pattern(3 << 20);
    let _near = send_all(
        near,
        [post(1, "/", data.len()), stdin_all(1, &data)].concat(),
    );
    let mut call = calls.recv().await.expect("a call");
    until_idle().await;
    let body = std::mem::take(call.request.body_mut());
    let collected = tokio::spawn(body.collect()).await.expect("no panic");
    assert_eq!(collected.expect("a whole body").to_bytes(), data);
}

/// B-8: once nobody can read it, it costs nothing.
#[tokio::test(start_paused = true)]
async fn a_body_that_was_dropped_is_discarded_while_the_handler_runs() {
    let (near, far, counts) = Counted::duplex(64 * 1024);
    let (service, mut calls) = held();
    tokio::spawn(ConnectionBuilder::new().serve_connection(far, HttpService::new(service)));
    let mut web_server = send_all(
        near,
        [post(1, "/", 10 << 20), stdin_all(1, &pattern(10 << 20))].concat(),
    );
    let mut call = calls.recv().await.expect("a call");
    until_idle().await;
    drop(std::mem::take(call.request.body_mut()));
    until_idle().await;
    assert!(
        Counts::read(&counts.bytes_in) > 10 << 20,
        "all of it was taken"
    );
    call.answer(full("done"));
    let mut reply = [0; 200];
    let count = web_server.read(&mut reply).await.expect("a pipe");
    assert!(reply[..count].windows(4).any(|four| four == b"done"));
}

/// B-8: mod_fcgid and Caddy write everything before they read.
#[tokio::test(start_paused = true)]
async fn an_echo_does_not_deadlock_with_a_web_server_that_writes_first() {
    let data = pattern(10 << 20);
    for (pipe, flags) in [(64 * 1024, CLOSE), (512, 1)] {
        let mut web_server =
            WebServer::connect_with(ConnectionBuilder::new(), pipe, service_fn(echo));
        let length = data.len().to_string();
        let head = head_as(
            1,
            RESPONDER,
            flags,
            "POST",
            "/",
            &[("CONTENT_LENGTH", &length)],
        );
        web_server.send(head).await;
        web_server.send(stdin_all(1, &data)).await;
        let reply = web_server.reply(1).await;
        assert!(reply.body() == data, "the same bytes");
    }
}

/// B-8
#[tokio::test(start_paused = true)]
async fn what_is_spilled_has_a_limit() {
    const SPILL: usize = 1 << 20;
    let (near, far, counts) = Counted::duplex(4096);
    let builder = ConnectionBuilder::new().limits(Limits::default().max_spill(SPILL));
    let connection =
        tokio::spawn(builder.serve_connection(far, HttpService::new(service_fn(echo))));
    let data = pattern(10 << 20);
    let mut web_server = send_all(
        near,
        [post(1, "/", data.len()), stdin_all(1, &data)].concat(),
    );
    // First comes the suspicion that it is slow, then the conclusion that it is stuck.
    until_idle().await;
    let held = Counts::read(&counts.bytes_in) - Counts::read(&counts.bytes_out);
    assert!(
        held <= WINDOW + 2 * READ + 2 * READ + OVERHEAD,
        "{held} bytes"
    );
    tokio::time::sleep(Duration::from_secs(1)).await;
    let held = Counts::read(&counts.bytes_in) - Counts::read(&counts.bytes_out);
    // In the body, in what waits to be written, and in the reader.
    assert!(held >= SPILL, "{held} bytes");
    assert!(
        held <= SPILL + 2 * READ + 2 * READ + OVERHEAD,
        "{held} bytes"
    );

    // When it reads after all, it goes on, and was only slow.
    let mut echoed = vec![0; 5 << 20];
    web_server.read_exact(&mut echoed).await.expect("more");
    let held = Counts::read(&counts.bytes_in) - Counts::read(&counts.bytes_out);
    assert!(
        held <= WINDOW + 2 * READ + 2 * READ + OVERHEAD,
        "{held} bytes"
    );
    web_server
        .read_exact(&mut echoed[..4 << 20])
        .await
        .expect("more");
    assert!(!connection.is_finished());
}

/// B-8: the other kind is stuck, until the write timeout.
#[tokio::test(start_paused = true)]
async fn a_web_server_that_is_stuck_at_the_limit_is_given_up() {
    let builder = ConnectionBuilder::new()
        .limits(Limits::default().max_spill(1 << 20))
        .timeouts(Timeouts::default().write(Duration::from_secs(60)));
    let (near, far, _) = Counted::duplex(4096);
    let connection =
        tokio::spawn(builder.serve_connection(far, HttpService::new(service_fn(echo))));
    let data = pattern(10 << 20);
    let _web_server = send_all(
        near,
        [post(1, "/", data.len()), stdin_all(1, &data)].concat(),
    );
    let result = connection.await.expect("no panic");
    assert!(result.is_err_and(|error| error.is_timeout()));
}

/// R-13 and B-7: no further requests are taken from a peer that does not read responses.
#[tokio::test(start_paused = true)]
async fn requests_of_who_does_not_read_responses_wait() {
    const REQUESTS: u16 = 2000;
    let service = service_fn(|_: Request<Incoming>| async {
        Ok::<_, Infallible>(Response::new("x".repeat(1000)))
    });
    // Each read gives one request: the rest of one that has begun is taken all the same.
    let (near, far, counts) = Counted::duplex(get(1, "/").len());
    let connection =
        tokio::spawn(ConnectionBuilder::new().serve_connection(far, HttpService::new(service)));
    let requests: Vec<u8> = (1..=REQUESTS).flat_map(|id| get(id, "/")).collect();
    let total = requests.len();
    let mut web_server = send_all(near, requests);
    until_idle().await;
    let taken = Counts::read(&counts.bytes_in);
    assert!(taken < total / 2, "{taken} of {total} bytes");

    // Later all are answered.
    let mut replies = Vec::new();
    let second = Duration::from_secs(1);
    while let Ok(count) = timeout(second, web_server.read_buf(&mut replies)).await {
        if count.expect("a pipe") == 0 {
            panic!("the connection ended: {:?}", connection.await);
        }
    }
    let records = records(&replies);
    let count = |wanted: &[u8]| {
        let found = records
            .iter()
            .filter(|record| record.content.starts_with(wanted));
        found.count()
    };
    assert_eq!(count(b"Status: 200 OK\r\n"), usize::from(REQUESTS));
    assert_eq!(count(&[0; 8]), usize::from(REQUESTS));
    assert!(!connection.is_finished());
}

/// Up and down through one connection: what the application holds is what it has read and not written.
#[tokio::test(start_paused = true)]
async fn a_hundred_mib_pass_in_constant_memory() {
    const TOTAL: usize = 100 << 20;
    let (near, far, counts) = Counted::duplex(64 * 1024);
    tokio::spawn(
        ConnectionBuilder::new().serve_connection(far, HttpService::new(service_fn(echo))),
    );
    let (mut read, mut write) = tokio::io::split(near);
    let writer = tokio::spawn(async move {
        write.write_all(&post(1, "/", TOTAL)).await.expect("a pipe");
        let piece = stdin_all(1, &pattern(32 * 1024));
        // Without the end, which is sent once.
        let piece = &piece[..piece.len() - 8];
        for _ in 0..TOTAL / (32 * 1024) {
            write.write_all(piece).await.expect("a pipe");
        }
        write
    });
    let mut most = 0;
    let mut received = 0;
    let mut buffer = vec![0; 64 * 1024];
    while received < TOTAL {
        received += read.read(&mut buffer).await.expect("a pipe");
        let held = counts.bytes_in.load(Ordering::Relaxed) as isize
            - counts.bytes_out.load(Ordering::Relaxed) as isize;
        most = most.max(held);
    }
    assert!(most < 1 << 20, "{most} bytes held");
    writer.await.expect("no panic");
}
