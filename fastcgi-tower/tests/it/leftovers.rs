//! What a connection costs when nothing happens, and what is left of it afterwards: nothing.

use std::{
    convert::Infallible,
    future::poll_fn,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use fastcgi_tower::{ConnectionBuilder, ExchangeService, HttpService, Incoming};
use http::{Request, Response};
use http_body_util::BodyExt;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, duplex},
    time::sleep,
};
use tower::service_fn;

use crate::support::{
    WebServer, abort, full, get, held, hello, pattern, post, stdin, stdin_all, until_idle,
};

/// Drives `connection` and counts how often it is woken.
fn count_polls<Io, S>(
    io: tokio::io::DuplexStream,
    connection: fastcgi_tower::ServeConnection<Io, S>,
) -> (WebServer, Arc<AtomicUsize>)
where
    Io: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: ExchangeService<Future: Send, Body: Send> + Send + 'static,
{
    let polls = Arc::<AtomicUsize>::default();
    let counter = Arc::clone(&polls);
    let driven = tokio::spawn(async move {
        let mut connection = pin!(connection);
        poll_fn(|cx| {
            counter.fetch_add(1, Ordering::Relaxed);
            connection.as_mut().poll(cx)
        })
        .await
    });
    (WebServer::beside(io, driven), polls)
}

/// A peer takes all of a processor then.
#[tokio::test(start_paused = true)]
async fn a_connection_on_which_nothing_happens_is_not_polled() {
    let (near, far) = duplex(64 * 1024);
    let connection =
        ConnectionBuilder::new().serve_connection(far, HttpService::new(service_fn(hello)));
    let (mut web_server, polls) = count_polls(near, connection);
    // With large buffers first.
    web_server
        .send([post(1, "/", 500_000), stdin_all(1, &pattern(500_000))].concat())
        .await;
    web_server.reply(1).await;
    sleep(Duration::from_secs(60)).await;
    let before = polls.load(Ordering::Relaxed);
    sleep(Duration::from_secs(100_000)).await;
    let woken = polls.load(Ordering::Relaxed) - before;
    assert_eq!(woken, 0);
    web_server.disconnect().await.expect("a good end");
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_waits_for_its_handler_is_not_polled() {
    let requests = [
        // nothing to come; a body that fills the window; one that ended early and failed; unread messages for the log
        get(1, "/"),
        [post(1, "/", 200_000), stdin_all(1, &pattern(150_000))].concat(),
        [post(1, "/", 10), stdin(1, b"abc"), stdin(1, b"")].concat(),
    ];
    for request in requests {
        let (near, far) = duplex(256 * 1024);
        let (service, mut calls) = held();
        let (mut web_server, polls) = count_polls(
            near,
            ConnectionBuilder::new().serve_connection(far, HttpService::new(service)),
        );
        web_server.send(request).await;
        let call = calls.recv().await.expect("a call");
        let handle = call
            .request
            .extensions()
            .get::<fastcgi_tower::RequestHandle>()
            .expect("a handle");
        handle.stderr("for later");
        sleep(Duration::from_secs(60)).await;
        let before = polls.load(Ordering::Relaxed);
        sleep(Duration::from_secs(10_000)).await;
        assert_eq!(polls.load(Ordering::Relaxed), before);
        call.answer(full("done"));
        assert_eq!(web_server.reply(1).await.body(), b"done");
    }
}

/// A handler that counts itself while it lives, and holds its body.
#[tokio::test(start_paused = true)]
async fn web_servers_that_leave_at_any_point_leave_nothing_behind() {
    let token = Arc::new(());
    let counted = Arc::clone(&token);
    let service = service_fn(move |request: Request<Incoming>| {
        let token = Arc::clone(&counted);
        async move {
            let body = request.into_body().map_frame(move |frame| {
                let _ = &token;
                frame
            });
            Ok::<_, Infallible>(Response::new(body))
        }
    });
    let data = pattern(30_000);
    let mut wire = [post(1, "/", data.len()), stdin_all(1, &data)].concat();
    wire.extend([post(1, "/", 10), stdin(1, b"abc"), abort(1), get(1, "/")].concat());
    let mut random = 1_u64;
    for _ in 0..1000 {
        // Knuth's MMIX
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let cut = (random >> 33) as usize % wire.len();
        let to_read = (random >> 20) as usize % 8192;
        let (near, far) = duplex(2048);
        let connection = tokio::spawn(
            ConnectionBuilder::new().serve_connection(far, HttpService::new(service.clone())),
        );
        let (mut read, mut write) = tokio::io::split(near);
        let upload = wire[..cut].to_vec();
        let writer = tokio::spawn(async move {
            // The other half leaves when it has read enough.
            let _ = write.write_all(&upload).await;
        });
        let mut buffer = vec![0; to_read];
        let _ = tokio::time::timeout(Duration::from_millis(1), read.read_exact(&mut buffer)).await;
        writer.abort();
        drop(read);
        let _ = writer.await;
        // A pipe that breaks in the middle of a response is an error for the log.
        let _ = connection.await.expect("no panic");
        until_idle().await;
        // Ours, and the service's.
        let left = Arc::strong_count(&token);
        assert_eq!(left, 2, "cut at {cut}, {to_read} bytes read");
    }
}
