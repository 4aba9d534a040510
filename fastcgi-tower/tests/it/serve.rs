//! The server: over real Unix sockets, in directories of their own.

use std::{
    convert::Infallible,
    future::{pending, ready},
    io,
    net::IpAddr,
    path::{Path, PathBuf},
    pin::Pin,
    time::Duration,
};

use fastcgi_tower::{
    Exchange, Limits, Listener, Reply,
    listener::{PeerAddr, UnixSocket},
    serve, serve_exchanges,
};
use http::Response;
use rustix::process::{Resource, getrlimit};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    net::{TcpListener, TcpStream, UnixStream},
    sync::{Semaphore, oneshot},
    task::JoinHandle,
    time::timeout,
};
use tower::service_fn;

use crate::support::{
    Script, Step, full, get, get_close, head, held, hello, hello_bytes, pair, record, records,
    show, stdin,
};

/// A server on a path, told to stop by a channel.
struct Server {
    _directory: TempDir,
    path: PathBuf,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<io::Result<()>>,
}

macro_rules! start {
    ($service:expr $(, $setter:ident($value:expr))*) => {{
        let directory = TempDir::new().expect("a directory");
        let path = directory.path().join("app.sock");
        let listener = UnixSocket::bind(&path).expect("a socket");
        let (stop, stopped) = oneshot::channel::<()>();
        let server = serve(listener, $service)
            $(.$setter($value))*
            .with_graceful_shutdown(async { let _ = stopped.await; });
        let task = tokio::spawn(server.into_future());
        Server { _directory: directory, path, stop: Some(stop), task }
    }};
}

impl Server {
    async fn connect(&self) -> UnixStream {
        UnixStream::connect(&self.path).await.expect("a connection")
    }

    fn stop(&mut self) {
        let stop = self.stop.take().expect("once");
        stop.send(()).expect("the server runs");
    }

    async fn done(self) {
        self.task.await.expect("no panic").expect("a good end");
    }
}

async fn exchange(path: &Path, request: Vec<u8>) -> Vec<u8> {
    let mut io = UnixStream::connect(path).await.expect("a connection");
    io.write_all(&request).await.expect("a connection");
    let mut response = Vec::new();
    io.read_to_end(&mut response).await.expect("a connection");
    response
}

#[tokio::test]
async fn every_connection_is_served() {
    let server = start!(service_fn(hello));
    for _ in 0..3 {
        assert_eq!(
            exchange(&server.path, get_close(1, "/")).await,
            hello_bytes()
        );
    }
}

#[tokio::test]
async fn connections_are_served_at_the_same_time() {
    let (service, mut calls) = held();
    let server = start!(service);
    let mut first = server.connect().await;
    first
        .write_all(&get_close(1, "/first"))
        .await
        .expect("a connection");
    let slow = calls.recv().await.expect("a call");
    let path = server.path.clone();
    let second = tokio::spawn(async move { exchange(&path, get_close(1, "/second")).await });
    calls.recv().await.expect("a call").answer(full("hello"));
    assert_eq!(second.await.expect("no panic"), hello_bytes());
    slow.answer(full("hello"));
    let mut response = Vec::new();
    first
        .read_to_end(&mut response)
        .await
        .expect("a connection");
    assert_eq!(response, hello_bytes());
}

#[tokio::test]
async fn a_protocol_error_closes_only_its_connection() {
    let server = start!(service_fn(hello));
    let mut good = server.connect().await;
    assert_eq!(exchange(&server.path, b"\x07 rubbish".to_vec()).await, b"");
    good.write_all(&get_close(1, "/"))
        .await
        .expect("a connection");
    let mut response = Vec::new();
    good.read_to_end(&mut response).await.expect("a connection");
    assert_eq!(response, hello_bytes());
}

#[tokio::test]
async fn a_graceful_shutdown_waits_for_requests_in_progress() {
    let (service, mut calls) = held();
    let mut server = start!(service);
    let mut io = server.connect().await;
    io.write_all(&get(1, "/")).await.expect("a connection");
    let call = calls.recv().await.expect("a call");
    server.stop();
    tokio::task::yield_now().await;
    assert!(!server.task.is_finished());
    call.answer(full("hello"));
    let mut response = Vec::new();
    io.read_to_end(&mut response).await.expect("a connection");
    assert_eq!(response, hello_bytes());
    server.done().await;
}

/// There is always one more connection, and it is closed.
struct Flood;

#[derive(Debug)]
struct Nowhere;

impl PeerAddr for Nowhere {
    fn ip(&self) -> Option<IpAddr> {
        None
    }
}

impl Listener for Flood {
    type Io = DuplexStream;
    type Addr = Nowhere;

    async fn accept(&mut self) -> (DuplexStream, Nowhere) {
        let (_, closed) = duplex(1);
        (closed, Nowhere)
    }

    fn local_addr(&self) -> io::Result<Nowhere> {
        Ok(Nowhere)
    }
}

/// Nobody knows where it listens.
struct Unknown;

impl Listener for Unknown {
    type Io = DuplexStream;
    type Addr = Nowhere;

    async fn accept(&mut self) -> (DuplexStream, Nowhere) {
        pending().await
    }

    fn local_addr(&self) -> io::Result<Nowhere> {
        Err(io::Error::other("the address is not known"))
    }
}

#[tokio::test(start_paused = true)]
async fn a_listener_that_does_not_know_its_address_is_refused() {
    let refused = serve(Unknown, service_fn(hello)).into_future();
    let refused = timeout(Duration::from_secs(1), refused).await;
    let error = refused.expect("it does not serve").expect_err("a guard");
    assert_eq!(error.to_string(), "the address is not known");
    let server = serve(Unknown, service_fn(hello)).allow_remote(true);
    let server = server.with_graceful_shutdown(ready(()));
    server.await.expect("the address does not matter");
}

/// Nothing here ever waits, so no timeout is looked at that is asked last.
#[tokio::test]
async fn a_graceful_shutdown_ends_although_connections_keep_coming() {
    let server = serve(Flood, service_fn(hello)).with_graceful_shutdown(ready(()));
    let ended = timeout(Duration::from_secs(20), tokio::spawn(server.into_future())).await;
    let result = ended.expect("an end").expect("no panic");
    result.expect("a good end");
}

#[tokio::test]
async fn after_a_graceful_shutdown_the_socket_is_gone() {
    let mut server = start!(service_fn(hello));
    exchange(&server.path, get_close(1, "/")).await;
    server.stop();
    let path = server.path.clone();
    server.done().await;
    assert!(!path.exists());
}

#[tokio::test(start_paused = true)]
async fn a_graceful_shutdown_closes_idle_connections() {
    let mut server = start!(service_fn(hello));
    let mut io = server.connect().await;
    io.write_all(&get(1, "/")).await.expect("a connection");
    let mut response = vec![0; hello_bytes().len()];
    io.read_exact(&mut response).await.expect("a connection");
    server.stop();
    assert_eq!(io.read(&mut [0; 1]).await.expect("a connection"), 0);
    server.done().await;
}

#[tokio::test]
async fn no_more_than_max_connections_are_served_at_a_time() {
    let (service, mut calls) = held();
    let server = start!(service, max_connections(1));
    let mut first = server.connect().await;
    first
        .write_all(&get(1, "/first"))
        .await
        .expect("a connection");
    let call = calls.recv().await.expect("a call");
    let mut second = server.connect().await;
    second
        .write_all(&get_close(1, "/second"))
        .await
        .expect("a connection");
    call.answer(full("hello"));
    let mut response = vec![0; hello_bytes().len()];
    first.read_exact(&mut response).await.expect("a connection");
    assert!(calls.try_recv().is_err(), "the second waits to be accepted");
    drop(first);
    assert_eq!(calls.recv().await.expect("a call").path(), "/second");
}

#[tokio::test]
async fn an_impossible_number_of_connections_is_an_error_of_the_server() {
    for connections in [0, usize::MAX] {
        let server = serve(Flood, service_fn(hello)).max_connections(connections);
        let error = server.await.expect_err("no such number");
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        let message = error.to_string();
        assert!(message.contains(&connections.to_string()), "{message}");
    }
}

#[tokio::test]
async fn a_script_name_that_is_none_is_an_error_of_the_server() {
    for wrong in ["/app/../other", "/app?a=b", "/app#top", "/app%00"] {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a socket");
        let server = serve(listener, service_fn(hello)).script_name(wrong);
        let error = server.await.expect_err(wrong);
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }
}

#[tokio::test]
async fn the_script_name_says_where_the_application_is() {
    let server = start!(service_fn(show), script_name("/app"));
    // As nginx sends it, whose SCRIPT_NAME is the whole path.
    let params = [("SCRIPT_NAME", "/app/page"), ("PATH_INFO", "")];
    let mut io = server.connect().await;
    let wire = [head(1, "GET", "/app/page", &params), stdin(1, b"")].concat();
    io.write_all(&wire).await.expect("a connection");
    let mut response = vec![0; 1024];
    let mut length = 0;
    while !response[..length].ends_with(&[0; 8]) {
        length += io
            .read(&mut response[length..])
            .await
            .expect("a connection");
    }
    let stdout: Vec<_> = records(&response[..length])
        .into_iter()
        .flat_map(|r| r.content)
        .collect();
    let text = String::from_utf8_lossy(&stdout);
    assert!(text.contains("\r\n\r\nGET /page "), "{text}");
}

#[tokio::test]
async fn the_limits_of_a_server_are_used() {
    let limits = Limits::default().max_params_size(10);
    let server = start!(service_fn(hello), limits(limits));
    let response = exchange(&server.path, get_close(1, "/")).await;
    assert!(response[8..].starts_with(b"Status: 431 "));
}

/// 4.1: what is advertised is what is enforced.
#[tokio::test]
async fn the_connections_of_a_server_are_advertised() {
    let query = record(9, 0, &pair(b"FCGI_MAX_CONNS", b""));
    let asked = [query, get_close(1, "/")].concat();
    let default = start!(service_fn(hello));
    let answer = exchange(&default.path, asked.clone()).await;
    assert!(answer.starts_with(&record(10, 0, &pair(b"FCGI_MAX_CONNS", b"1024"))));
    let seven = start!(service_fn(hello), max_connections(7));
    let answer = exchange(&seven.path, asked).await;
    assert!(answer.starts_with(&record(10, 0, &pair(b"FCGI_MAX_CONNS", b"7"))));
}

/// What is advertised is what is served, and not what was asked for.
#[tokio::test]
async fn fewer_connections_are_advertised_where_few_files_may_be_open() {
    let Some(files) = getrlimit(Resource::Nofile).current else {
        return;
    };
    let query = record(9, 0, &pair(b"FCGI_MAX_CONNS", b""));
    let asked = [query, get_close(1, "/")].concat();
    for servers in [1, 3] {
        let server = start!(
            service_fn(hello),
            max_connections(Semaphore::MAX_PERMITS),
            servers(servers)
        );
        let answer = exchange(&server.path, asked.clone()).await;
        // 64 are for other things.
        let connections = (usize::try_from(files).expect("a number") - 64) / servers;
        let pair = pair(b"FCGI_MAX_CONNS", connections.to_string().as_bytes());
        assert!(answer.starts_with(&record(10, 0, &pair)), "{servers}");
    }
}

/// on TCP a reset tells the web server that something is missing.
#[tokio::test]
async fn a_truncated_response_resets_a_tcp_connection() {
    let service = service_fn(|_| async {
        let body = Script::new([Step::Data("some"), Step::Yield, Step::Fail]);
        Ok::<_, Infallible>(Response::new(body))
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a socket");
    let addr = listener.local_addr().expect("an address");
    let server: Pin<Box<dyn Future<Output = _> + Send>> = serve(listener, service).into_future();
    let server = tokio::spawn(server);
    let mut io = TcpStream::connect(addr).await.expect("a connection");
    io.write_all(&get_close(1, "/"))
        .await
        .expect("a connection");
    let mut response = Vec::new();
    let error = io.read_to_end(&mut response).await.expect_err("a reset");
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    server.abort();
}

#[tokio::test]
async fn a_server_tells_its_address() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a socket");
    let addr = listener.local_addr().expect("an address");
    let server = serve(listener, service_fn(hello));
    assert_eq!(server.local_addr().expect("an address"), addr);
}

#[tokio::test]
async fn a_service_of_exchanges_is_served() {
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("app.sock");
    let listener = UnixSocket::bind(&path).expect("a socket");
    let answer = |exchange: Exchange| async move {
        assert_eq!(exchange.params.get("REQUEST_URI"), Some(&b"/o"[..]));
        assert!(!exchange.keep_conn);
        let head = bytes::BytesMut::from("Status: 200 OK\r\ncontent-length: 5\r\n\r\n");
        Ok::<_, Infallible>(Reply::new(head, "hello".to_owned()))
    };
    let server = serve_exchanges(listener, service_fn(answer));
    tokio::spawn(server.into_future());
    let response = exchange(&path, get_close(1, "/o")).await;
    assert_eq!(response, hello_bytes());
}

#[tokio::test(start_paused = true)]
async fn a_tcp_connection_may_be_idle_for_5_minutes_and_another_for_ever() {
    let tcp = TcpListener::bind("127.0.0.1:0").await.expect("a socket");
    let addr = tcp.local_addr().expect("an address");
    let _tcp_server = tokio::spawn(serve(tcp, service_fn(hello)).into_future());
    let mut over_tcp = TcpStream::connect(addr).await.expect("a connection");
    let unix_server = start!(service_fn(hello));
    let request = get(1, "/");
    let mut response = vec![0; hello_bytes().len()];
    for wait in [0, 299] {
        tokio::time::sleep(Duration::from_secs(wait)).await;
        over_tcp.write_all(&request).await.expect("a connection");
        over_tcp.read_exact(&mut response).await.expect("an answer");
    }
    let mut over_unix = unix_server.connect().await;
    over_unix.write_all(&request).await.expect("a connection");
    over_unix
        .read_exact(&mut response)
        .await
        .expect("an answer");
    let start = tokio::time::Instant::now();
    assert_eq!(over_tcp.read(&mut [0]).await.expect("an end"), 0);
    assert_eq!(start.elapsed().as_secs(), 300);
    let end = timeout(Duration::from_secs(86_400), over_unix.read(&mut [0])).await;
    assert!(end.is_err(), "{end:?}");
}

/// B-11: Caddy ends every connection so.
#[tokio::test]
async fn a_reset_during_a_request_drops_the_handler() {
    struct Guard(Option<oneshot::Sender<()>>);
    impl Drop for Guard {
        fn drop(&mut self) {
            let _ = self.0.take().map(|dropped| dropped.send(()));
        }
    }
    let (called, calls) = oneshot::channel();
    let (dropped, gone) = oneshot::channel();
    let once = std::sync::Arc::new(std::sync::Mutex::new(Some((called, Guard(Some(dropped))))));
    let service = service_fn(move |_| {
        let once = once.lock().expect("no panic").take().expect("one call");
        async move {
            let (called, _guard) = once;
            called.send(()).expect("the test waits");
            pending::<Result<Response<String>, Infallible>>().await
        }
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a socket");
    let addr = listener.local_addr().expect("an address");
    let server = tokio::spawn(serve(listener, service).into_future());
    let mut io = TcpStream::connect(addr).await.expect("a connection");
    io.write_all(&get(1, "/")).await.expect("a connection");
    let limit = Duration::from_secs(20);
    timeout(limit, calls)
        .await
        .expect("a call")
        .expect("a call");
    io.set_zero_linger().expect("a socket");
    drop(io);
    timeout(limit, gone)
        .await
        .expect("in time")
        .expect("dropped");
    server.abort();
}
