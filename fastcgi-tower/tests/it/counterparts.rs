//! Small things that other libraries have: a way to stop from a thread, descriptors, one request.

use std::{os::fd::AsFd, os::fd::AsRawFd, thread, time::Duration};

use fastcgi_tower::{
    HttpService, StopHandle,
    listener::{AnyListener, Socket, UnixSocket},
    serve, serve_request,
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
    time::timeout,
};
use tower::service_fn;

use crate::{
    blocking::within,
    support::{get, get_close, hello, hello_bytes, show},
};

#[tokio::test]
async fn an_ordinary_thread_stops_a_server() {
    let dir = TempDir::new().expect("a directory");
    let path = dir.path().join("app.sock");
    let listener = UnixSocket::bind(&path).expect("a socket");
    let stop = StopHandle::new();
    let server = serve(listener, service_fn(hello)).with_graceful_shutdown(stop.stopped());
    let server = tokio::spawn(server.into_future());
    let mut io = UnixStream::connect(&path).await.expect("a connection");
    io.write_all(&get_close(1, "/"))
        .await
        .expect("a connection");
    let mut response = Vec::new();
    within(io.read_to_end(&mut response))
        .await
        .expect("a response");
    assert_eq!(response, hello_bytes());
    assert!(!stop.is_shut_down());
    let other = stop.clone();
    thread::spawn(move || other.shutdown())
        .join()
        .expect("no panic");
    assert!(stop.is_shut_down());
    within(server).await.expect("no panic").expect("a good end");
    assert!(!path.exists());
}

/// `run` takes it, too, beside the signals.
#[tokio::test]
async fn a_program_is_stopped_by_a_handle() {
    let dir = TempDir::new().expect("a directory");
    let path = dir.path().join("app.sock");
    let stop = StopHandle::new();
    let run = fastcgi_tower::run(service_fn(hello))
        .bind(path.to_str().expect("a text"))
        .with_graceful_shutdown(stop.stopped());
    let running = tokio::spawn(run.into_future());
    while !path.exists() {
        assert!(!running.is_finished(), "it has ended");
        tokio::task::yield_now().await;
    }
    stop.shutdown();
    within(running)
        .await
        .expect("no panic")
        .expect("a good end");
}

#[tokio::test]
async fn listeners_have_descriptors() {
    let dir = TempDir::new().expect("a directory");
    let unix = UnixSocket::bind(dir.path().join("a.sock")).expect("a socket");
    assert!(unix.as_fd().as_raw_fd() > 2);
    let tcp = Socket::bind_tcp(([127, 0, 0, 1], 0).into(), 1).expect("a socket");
    let number = tcp.as_fd().as_raw_fd();
    let any = AnyListener::new([tcp]).expect("a listener");
    let numbers: Vec<_> = any.fds().map(|fd| fd.as_raw_fd()).collect();
    assert_eq!(numbers, [number]);
}

/// A socket on whichever descriptor, as from a process manager of one's own.
#[tokio::test]
async fn a_descriptor_other_than_0_is_served() {
    let dir = TempDir::new().expect("a directory");
    let path = dir.path().join("app.sock");
    let bound = std::os::unix::net::UnixListener::bind(&path).expect("a socket");
    let duplicate = bound.as_fd().try_clone_to_owned().expect("a descriptor");
    let socket = Socket::new(duplicate).expect("a socket that listens");
    let listener = AnyListener::new([socket]).expect("a listener");
    let server = tokio::spawn(serve(listener, service_fn(hello)).into_future());
    let mut io = UnixStream::connect(&path).await.expect("a connection");
    io.write_all(&get_close(1, "/"))
        .await
        .expect("a connection");
    let mut response = Vec::new();
    within(io.read_to_end(&mut response))
        .await
        .expect("a response");
    assert_eq!(response, hello_bytes());
    server.abort();
}

#[tokio::test]
async fn exactly_one_request_is_served() {
    let dir = TempDir::new().expect("a directory");
    let path = dir.path().join("app.sock");
    let mut listener = UnixSocket::bind(&path).expect("a socket");
    let served = tokio::spawn(async move {
        let service = HttpService::new(service_fn(show));
        serve_request(&mut listener, service.clone()).await?;
        // The next is another call.
        serve_request(&mut listener, service).await?;
        Ok::<_, std::io::Error>(listener)
    });
    within(async {
        // A connection that closes without a request does not count.
        drop(UnixStream::connect(&path).await.expect("a connection"));
        for path_info in ["/one", "/two"] {
            let mut io = UnixStream::connect(&path).await.expect("a connection");
            // It asks to keep the connection, and sends no more on it.
            io.write_all(&get(1, path_info))
                .await
                .expect("a connection");
            let mut response = Vec::new();
            io.read_to_end(&mut response).await.expect("a response");
            let text = response.escape_ascii().to_string();
            assert!(text.contains(&format!("GET {path_info}")), "{text}");
        }
        let listener = served.await.expect("no panic").expect("a good end");
        // Nobody accepts any more.
        let mut io = UnixStream::connect(&path).await.expect("the backlog");
        io.write_all(&get(1, "/three")).await.expect("the backlog");
        let read = timeout(Duration::from_millis(50), io.read_u8()).await;
        assert!(read.is_err(), "{read:?}");
        drop(listener);
    })
    .await;
}

/// Two in one write: the second belongs to whoever serves next.
#[tokio::test]
async fn a_second_request_on_the_connection_is_not_served() {
    let dir = TempDir::new().expect("a directory");
    let path = dir.path().join("app.sock");
    let mut listener = UnixSocket::bind(&path).expect("a socket");
    let count = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counter = std::sync::Arc::clone(&count);
    let served = tokio::spawn(async move {
        let service = service_fn(move |request| {
            counter.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            hello(request)
        });
        serve_request(&mut listener, HttpService::new(service)).await
    });
    within(async {
        let mut io = UnixStream::connect(&path).await.expect("a connection");
        let two = [get(1, "/one"), get(2, "/two")].concat();
        io.write_all(&two).await.expect("a connection");
        let mut response = Vec::new();
        io.read_to_end(&mut response).await.expect("a response");
        served.await.expect("no panic").expect("a good end");
        assert_eq!(count.load(std::sync::atomic::Ordering::Relaxed), 1);
    })
    .await;
}
