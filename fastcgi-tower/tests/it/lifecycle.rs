//! When a server ends, and what it finishes first. What needs a process of its own is tested with the examples.

use std::{
    future::{IntoFuture, pending, ready},
    io,
    net::Ipv6Addr,
    time::Duration,
};

use fastcgi_tower::{
    listener::{AnyListener, Socket, UnixSocket},
    serve, shutdown_signal,
};
use rustix::process::{Signal, getpid, kill_process};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, UnixListener, UnixStream},
    sync::oneshot,
    time::{Instant, sleep, timeout},
};
use tower::service_fn;

use crate::support::{full, get, get_close, held, hello, hello_bytes};

/// A socket on a path of its own.
fn socket() -> (TempDir, UnixSocket) {
    let dir = TempDir::new().expect("a directory");
    let listener = UnixSocket::bind(dir.path().join("app.sock")).expect("a socket");
    (dir, listener)
}

async fn connect(dir: &TempDir) -> UnixStream {
    let connected = UnixStream::connect(dir.path().join("app.sock")).await;
    connected.expect("a connection")
}

async fn rest(mut io: UnixStream) -> Vec<u8> {
    let mut response = Vec::new();
    io.read_to_end(&mut response).await.expect("a connection");
    response
}

/// As where `run` has one, and the program's own settings another.
#[tokio::test]
async fn any_of_several_signals_stops_the_server() {
    for first in [true, false] {
        let signal = |is_ready: bool| async move {
            if !is_ready {
                pending::<()>().await;
            }
        };
        let (_dir, listener) = socket();
        let server = serve(listener, service_fn(hello))
            .with_graceful_shutdown(signal(first))
            .with_graceful_shutdown(signal(!first));
        let ended = timeout(Duration::from_secs(20), server.into_future()).await;
        ended.expect("a signal").expect("a good end");
    }
}

/// The web server has connected and sent its request: it is not to learn that it came too late.
#[tokio::test]
async fn connections_that_wait_to_be_accepted_are_served() {
    let (dir, listener) = socket();
    let mut waiting = Vec::new();
    for _ in 0..50 {
        let mut io = connect(&dir).await;
        io.write_all(&get_close(1, "/"))
            .await
            .expect("a connection");
        waiting.push(io);
    }
    let server = serve(listener, service_fn(hello)).with_graceful_shutdown(ready(()));
    let server = tokio::spawn(server.into_future());
    for io in waiting {
        assert_eq!(rest(io).await, hello_bytes());
    }
    server.await.expect("no panic").expect("a good end");
    let refused = UnixStream::connect(dir.path().join("app.sock")).await;
    assert_eq!(
        refused.expect_err("it is gone").kind(),
        io::ErrorKind::NotFound
    );
}

/// Others may listen on any other socket that was inherited.
#[tokio::test]
async fn a_socket_that_is_shared_stays_open_for_the_others() {
    let dir = TempDir::new().expect("a directory");
    let path = dir.path().join("app.sock");
    let shared = std::os::unix::net::UnixListener::bind(&path).expect("a socket");
    let ours = shared.try_clone().expect("a duplicate");
    ours.set_nonblocking(true).expect("a socket");
    let listener = UnixListener::from_std(ours).expect("a listener");
    let server = serve(listener, service_fn(hello)).with_graceful_shutdown(ready(()));
    server.await.expect("a good end");
    UnixStream::connect(&path).await.expect("a connection");
    shared.accept().expect("a connection");
}

#[tokio::test]
async fn the_server_ends_after_max_requests() {
    let (dir, listener) = socket();
    let server = serve(listener, service_fn(hello)).max_requests(3);
    let server = tokio::spawn(server.into_future());
    for _ in 0..3 {
        assert!(!server.is_finished());
        let mut io = connect(&dir).await;
        io.write_all(&get_close(1, "/"))
            .await
            .expect("a connection");
        assert_eq!(rest(io).await, hello_bytes());
    }
    server.await.expect("no panic").expect("a good end");
}

/// Requests count when they begin, and finish all the same.
#[tokio::test]
async fn the_last_of_max_requests_finishes() {
    let (dir, listener) = socket();
    let (service, mut calls) = held();
    let server = tokio::spawn(serve(listener, service).max_requests(1).into_future());
    let mut io = connect(&dir).await;
    io.write_all(&get(1, "/")).await.expect("a connection");
    let call = calls.recv().await.expect("a call");
    while dir.path().join("app.sock").exists() {
        tokio::task::yield_now().await;
    }
    call.answer(full("hello"));
    assert_eq!(rest(io).await, hello_bytes());
    server.await.expect("no panic").expect("a good end");
}

#[tokio::test(start_paused = true)]
async fn the_server_ends_after_a_lifetime() {
    let (_dir, listener) = socket();
    let start = Instant::now();
    let server =
        serve(listener, service_fn(hello)).with_graceful_shutdown(sleep(Duration::from_secs(600)));
    server.await.expect("a good end");
    assert_eq!(start.elapsed().as_secs(), 600);
}

#[tokio::test(start_paused = true)]
async fn the_server_ends_at_max_rss() {
    let (_dir, listener) = socket();
    serve(listener, service_fn(hello))
        .max_rss(1)
        .await
        .expect("a good end");

    let (_dir, listener) = socket();
    let server = serve(listener, service_fn(hello)).max_rss(1 << 40);
    let ended = timeout(Duration::from_secs(3600), server.into_future()).await;
    assert!(ended.is_err(), "it uses less than a tebibyte");
}

/// Nothing replaces the program of the tests.
#[tokio::test(start_paused = true)]
async fn a_program_that_is_not_replaced_goes_on() {
    let (_dir, listener) = socket();
    let server = serve(listener, service_fn(hello)).exit_when_replaced(true);
    let ended = timeout(Duration::from_secs(3600), server.into_future()).await;
    assert!(ended.is_err(), "it ended");
}

#[tokio::test(start_paused = true)]
async fn after_the_grace_period_requests_are_dropped() {
    let (dir, listener) = socket();
    let (service, mut calls) = held();
    let (stop, stopped) = oneshot::channel::<()>();
    let server = serve(listener, service)
        .grace_period(Duration::from_secs(7))
        .with_graceful_shutdown(async {
            _ = stopped.await;
        });
    let server = tokio::spawn(server.into_future());
    let mut io = connect(&dir).await;
    io.write_all(&get(1, "/")).await.expect("a connection");
    let call = calls.recv().await.expect("a call");
    let start = Instant::now();
    stop.send(()).expect("the server runs");
    sleep(Duration::from_millis(6900)).await;
    assert!(!call.answer.is_closed() && !server.is_finished());
    server.await.expect("no panic").expect("a good end");
    assert!(call.answer.is_closed());
    assert_eq!(start.elapsed().as_secs(), 7);
    assert_eq!(rest(io).await, b"");
}

/// Whoever connects is trusted, so the whole world is not asked in by mistake.
#[tokio::test(start_paused = true)]
async fn an_address_that_others_can_reach_has_to_be_meant() {
    for address in ["0.0.0.0:0", "[::]:0"] {
        let Ok(listener) = TcpListener::bind(address).await else {
            assert!(
                address.contains(&Ipv6Addr::UNSPECIFIED.to_string()),
                "no IPv6 here"
            );
            continue;
        };
        // A server that is not refused ends at once, and does not hang.
        let server = serve(listener, service_fn(hello)).with_graceful_shutdown(ready(()));
        let error = server.await.expect_err(address);
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
        assert!(
            error.to_string().contains("FCGI_WEB_SERVER_ADDRS"),
            "{error}"
        );
        assert!(error.to_string().contains("allow_remote"), "{error}");

        let listener = TcpListener::bind(address).await.expect("a socket");
        let server = serve(listener, service_fn(hello)).allow_remote(true);
        server
            .with_graceful_shutdown(ready(()))
            .await
            .expect("it is meant");
    }
    for address in ["127.0.0.1:0", "127.0.0.2:0", "[::1]:0"] {
        let Ok(listener) = TcpListener::bind(address).await else {
            continue;
        };
        let server = serve(listener, service_fn(hello)).with_graceful_shutdown(ready(()));
        server.await.expect("nobody else can reach it");
    }
}

/// A path that is safe does not vouch for the port beside it.
#[tokio::test(start_paused = true)]
async fn every_socket_of_a_listener_is_looked_at() {
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("app.sock");
    let path = path.to_str().expect("a path in UTF-8");
    for addresses in [
        [path, "0.0.0.0:0"],
        ["0.0.0.0:0", path],
        ["127.0.0.1:0", "0.0.0.0:0"],
    ] {
        let listener = || {
            let sockets = addresses.map(|address| {
                let address = address.parse().expect("an address");
                Socket::bind(&address, Socket::BACKLOG).expect("a socket")
            });
            AnyListener::new(sockets).expect("a listener")
        };
        let refused = serve(listener(), service_fn(hello)).into_future();
        let refused = timeout(Duration::from_secs(1), refused).await;
        let error = refused.expect("it does not serve");
        let error = error.expect_err("others can reach it");
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
        assert!(error.to_string().contains("0.0.0.0"), "{error}");
        let server = serve(listener(), service_fn(hello)).allow_remote(true);
        let server = server.with_graceful_shutdown(ready(()));
        server.await.expect("it is meant");
    }
}

/// Each of them, and repeated ones end the process no more than the first.
#[tokio::test]
async fn signals_are_waited_for() {
    for kind in [Signal::TERM, Signal::INT, Signal::USR1] {
        let signal = shutdown_signal().expect("a runtime");
        kill_process(getpid(), kind).expect("ourselves");
        timeout(Duration::from_secs(20), signal)
            .await
            .expect("a signal");
        kill_process(getpid(), kind).expect("ourselves");
    }
}
