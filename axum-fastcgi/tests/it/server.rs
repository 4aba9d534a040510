//! The server's settings, handed on to the driver, and its end.

use std::{future::ready, time::Duration};

use axum::{Router, routing::get};
use axum_fastcgi::Limits;
use tokio::{io::AsyncWriteExt, sync::oneshot, time::sleep};

use crate::support::{Server, get as get_request, reply};

#[tokio::test]
async fn a_graceful_shutdown_lets_requests_finish() {
    let (arrived, has_arrived) = oneshot::channel::<()>();
    let (go_on, goes_on) = oneshot::channel::<()>();
    let channels = std::sync::Mutex::new(Some((arrived, goes_on)));
    let channels = std::sync::Arc::new(channels);
    let handler = async move || {
        let channels = channels.lock().expect("no panic").take();
        let (arrived, goes_on) = channels.expect("once");
        arrived.send(()).expect("the test waits");
        goes_on.await.expect("the test goes on");
        "done"
    };
    let (stop, stopped) = oneshot::channel::<()>();
    let app = Router::new().route("/", get(handler));
    let server = Server::start_with(app, |server| {
        server.with_graceful_shutdown(async {
            let _ = stopped.await;
        })
    });
    let mut io = server.connect().await;
    io.write_all(&get_request("/", &[]))
        .await
        .expect("a connection");
    has_arrived.await.expect("a request");
    stop.send(()).expect("the server runs");
    go_on.send(()).expect("the handler runs");
    assert_eq!(reply(&mut io).await.body, "done");
    server.ended().await.expect("a good end");
}

#[tokio::test]
async fn after_enough_requests_the_server_ends() {
    let app = Router::new().route("/", get("done"));
    let server = Server::start_with(app, |server| server.max_requests(2));
    let mut io = server.connect().await;
    for _ in 0..2 {
        io.write_all(&get_request("/", &[]))
            .await
            .expect("a connection");
        assert_eq!(reply(&mut io).await.body, "done");
    }
    server.ended().await.expect("a good end");
}

/// The clock is paused: it goes on by itself when nothing else can.
#[tokio::test(start_paused = true)]
async fn an_old_server_ends() {
    let lifetime = Duration::from_secs(3600);
    let server = Server::start_with(Router::new(), |server| {
        server.with_graceful_shutdown(sleep(lifetime))
    });
    sleep(lifetime - Duration::from_secs(1)).await;
    server.connect().await;
    let rest = tokio::time::Instant::now();
    server.ended().await.expect("a good end");
    assert!(
        rest.elapsed() < Duration::from_secs(3),
        "{:?}",
        rest.elapsed()
    );
}

/// What a handler does with its time is limited when the server ends.
#[tokio::test(start_paused = true)]
async fn the_grace_period_ends_too() {
    let (arrived, has_arrived) = oneshot::channel::<()>();
    let arrived = std::sync::Arc::new(std::sync::Mutex::new(Some(arrived)));
    let handler = async move || {
        drop(arrived.lock().expect("no panic").take());
        std::future::pending::<()>().await;
    };
    let app = Router::new().route("/", get(handler));
    let server = Server::start_with(app, |server| {
        server
            .grace_period(Duration::from_secs(5))
            .with_graceful_shutdown(async {
                let _ = has_arrived.await;
            })
    });
    let mut io = server.connect().await;
    io.write_all(&get_request("/", &[]))
        .await
        .expect("a connection");
    let start = tokio::time::Instant::now();
    server.ended().await.expect("a good end");
    let took = start.elapsed();
    assert!((5..7).contains(&took.as_secs()), "{took:?}");
}

#[tokio::test]
async fn the_settings_are_the_drivers() {
    let limits = Limits::default().max_params_size(200);
    let server = Server::start_with(Router::new(), |server| {
        server
            .limits(limits)
            .max_connections(1)
            .allow_remote(true)
            .exit_when_replaced(true)
            .max_rss(u64::MAX)
    });
    let reply = server
        .ask(get_request(
            "/",
            &[
                ("SERVER_SOFTWARE", "nginx"),
                ("A", &"x".repeat(100)),
                ("B", &"x".repeat(100)),
            ],
        ))
        .await;
    assert_eq!(reply.status, 431);

    // The first reason to stop is reason enough.
    let server = Server::start_with(Router::new(), |server| {
        server.max_rss(1).with_graceful_shutdown(ready(()))
    });
    server.ended().await.expect("a good end");
    let server = Server::start_with(Router::new(), |server| server.max_rss(1));
    server.ended().await.expect("a good end");
}
